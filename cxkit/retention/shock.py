"""One bad experience: how many more leave afterwards than of those alike who had none yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.families import holm
from cxkit.results import Difference
from cxkit.retention import shock_wording as words
from cxkit.retention.events import Event, bad_events
from cxkit.retention.leads import leads_of
from cxkit.retention.readings import resampled
from cxkit.retention.shock_rows import by_dose, by_gap, by_recovery, in_days, robust_to
from cxkit.retention.trials import contacts_of, people_of, sequential

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from cxkit.results import Guard, Note, Table
    from cxkit.retention.trials import Trials
    from cxkit.study.study import Study

#: Days after the event from which leaving counts, side by side.
GAPS = (0, 30, 90, 180)

#: Days that a case has to be resolved in, at least, before resolved and unresolved are compared.
TIME_TO_SOLVE = 30

RESAMPLES = 300


@dataclass(frozen=True, kw_only=True)
class Shock:
    """What one bad experience goes with.

    Attributes
    ----------
    effect : Difference
        Share leaving within the longest horizon, in percentage points: affected minus others, both
        still there ``gap`` days after. Its interval spans two readings, see Notes of the function.
    excess : DataFrame
        One row per gap and horizon: gap, horizon, affected, others (both %), value, low, high
        (percentage points), lower, upper (the readings), se, p, n_affected, n_others, followed,
        status, reason; at the main gap also p_adjusted and family.
    robust : DataFrame
        The same for other ways to compare, and ``comparison``.
    doses : DataFrame
        The same for the first, second and third bad experience, and ``dose``.
    recovery : DataFrame
        The same for cases resolved fast, later and not, and what these differ by; ``group``.
    leads : DataFrame
        What repeats, in the year before; see `leads.before`.
    why_two : Note
        Why two readings are given, in plain words.
    table, gaps_table, robust_table, doses_table, recovery_table, leads_table : Table or Note
        To be read.
    sentence : str
        The answer, chosen by the intervals.
    stated : Note
        Beside the figure that is often quoted.
    guards : tuple of Guard
    """

    effect: Difference
    excess: pd.DataFrame
    robust: pd.DataFrame
    doses: pd.DataFrame
    recovery: pd.DataFrame
    leads: pd.DataFrame
    table: Table | Note
    gaps_table: Table | Note
    robust_table: Table | Note
    doses_table: Table | Note
    recovery_table: Table | Note
    leads_table: Table | Note
    sentence: str
    stated: Note
    why_two: Note
    guards: tuple[Guard, ...]
    event: str
    gap: int
    level: float


def one_bad_experience(
    study: Study,
    *,
    event: Event = "",
    measure: str = "",
    cut: float | None = None,
    at: str = "",
    limit: float = 72.0,
    gap: int = 90,
    horizons: Sequence[int] = (3, 6, 12),
    level: float = 0.95,
    depth: Literal["quick", "full"] = "quick",
    seed: int = 0,
) -> Shock:
    """Compare leaving after a first bad experience with that of customers alike who had none yet.

    Parameters
    ----------
    study : Study
        With `customers` in dated form, and `responses` or `tickets`.
    event : str
        "low score", "complaint" or "long case"; "" takes the first that the study has.
    measure : str
        The score, for a low score; "" the first there is.
    cut : float, optional
        At or below it a score is bad (at or above, where a high score is bad); None takes the poor
        band of the study.
    at : str
        The touchpoint or channel at which a complaint comes in.
    limit : float
        Hours after which a case is too long; 0 counts every case.
    gap : int
        Days after the event from which leaving counts.
    horizons : sequence of int
        Months from then on.
    level : float
        Level of all intervals.
    depth : str
        "quick": linearised errors; "full": errors of the main result by a bootstrap over customers.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Shock
        With ``effect.value`` None, and the reason, where too few were affected or left.

    Raises
    ------
    MissingTableError
        If a table is missing.
    QuestionError
        If customers have no dates, or the study has nothing of that kind of event.

    Notes
    -----
    Estimand: among customers affected, still there ``gap`` days later: the share that leaves within
    the horizon from then on, minus the share that would have left had they not been affected yet.
    Sequential trials, one per calendar month: those whose first event falls in it against those who
    had none yet on a day of that month, alike in quarter, tenure, contacts of the year before and
    segments (`trials.sequential`), standardised to the affected, Kaplan-Meier with exits on their
    day, with weights for those who stand for the others who were affected in turn. Customers stand
    in many trials and are the clusters of the errors.

    The gap guards against the reverse: customers who are leaving complain on their way out. The
    usual design, in which others are set aside on the day of their own event (the upper reading),
    fails there: it takes away the others who complain and are about to leave, so too few of the
    others leave, and an effect is found where there is none. Kept for ``gap`` days after their own
    event (the lower reading) they count; but if bad experiences do harm at once, those who leave
    from it then count as unaffected. Which it is cannot be seen, so both are read (`readings`): the
    interval runs from the lower limit of the one to the upper limit of the other, and the value is
    the reading nearer to zero, so that *more* is at least so much more. In simulations
    (tests/evidence, `shock_trials`): where nothing has an effect and 60 % of those who leave
    complain in their last 90 days, an excess of 27 points is seen without the gap, and 11 with a
    gap for the affected alone; the two readings are 0 and 11. Where the hazard doubles for good, 14
    and 16 of 16. A harm that passes within the gap is not seen through it: look at gap 0 beside.

    Scores, contacts and cases before the data begin are not known; among customers who joined
    before, a first bad experience may be a later one, which draws a true effect towards zero.

    References
    ----------
    Danaei, G. et al. (2013). Observational data for comparative effectiveness research: an
    emulation of randomised trials of statins. Statistical Methods in Medical Research 22, 70-96.
    https://doi.org/10.1177/0962280211403603

    Examples
    --------
    >>> import cxkit as cx
    >>> from cxkit.retention.shock import one_bad_experience
    >>> found = one_bad_experience(cx.sample_study(), event="long case")
    >>> found.effect.direction
    'cannot be told'
    """
    study.need("customers", why="to see who left after a bad experience")
    if study.contract.of("customers").form == "snapshot":
        raise QuestionError(
            f"{study.name}: what comes after a bad experience needs its day and the day of leaving,"
            " and a snapshot has neither.\n  Export customers with start and end dates and write  "
            "form: dates  under customers in study.yml."
        )
    horizons = sorted(set(horizons))
    events = bad_events(study, event=event, measure=measure, cut=cut, at=at, limit=limit)
    if events.rows.empty:
        raise QuestionError(
            f"{study.name}: no customer was affected by {events.words} while a customer.\n  Declare"
            " another event (event, cut, at, limit), or wait for more data."
        )
    people = people_of(study)
    contacts = contacts_of(study, people)
    trials = sequential(people, events, contacts)
    drawn = _bootstrap(trials, gap, horizons, seed) if depth == "full" else None
    errors = None if drawn is None else (gap, drawn)
    frame, found = by_gap(trials, sorted({*GAPS, gap}), horizons, level, errors)
    frame = _with_family(frame, gap)
    last = horizons[-1]
    main = _row(frame, gap, last)
    effect = _difference(main, last, level, bootstrapped=errors is not None)
    own = None if drawn is None else drawn[-1]
    robust = robust_to(trials, gap, last, main, found.get(gap), level, own)
    doses = by_dose(people, events, contacts, gap, last, main, level)
    recovery = by_recovery(study, people, events, contacts, max(gap, TIME_TO_SOLVE), last, level)
    leads = leads_of(study, trials, measure, level)
    return Shock(
        effect=effect,
        excess=frame,
        robust=robust,
        doses=doses,
        recovery=recovery,
        leads=leads,
        table=words.horizons_table(frame, events.words, gap, level, effect.method),
        gaps_table=words.gaps_table(frame, events.words, last, level),
        robust_table=words.robust_table(robust, gap, last, level),
        doses_table=words.doses_table(doses, events.words, gap, last, level),
        recovery_table=words.recovery_table(recovery, max(gap, TIME_TO_SOLVE), last, level),
        leads_table=words.leads_table(leads, level),
        sentence=words.sentence(effect, main, _row(frame, 0, last), events.words, gap, last)
        + words.unlike(leads, level),
        stated=words.stated(effect, last),
        why_two=words.why_two(gap),
        guards=words.guards(trials, events, found.get(gap), frame, leads, effect, gap),
        event=events.words,
        gap=gap,
        level=level,
    )


def _row(frame: pd.DataFrame, gap: int, horizon: int) -> dict[str, Any]:
    """Return one row of the excess by name."""
    row = frame[(frame["gap"] == gap) & (frame["horizon"] == horizon)].iloc[0]
    return {str(name): value for name, value in row.items()}


def _bootstrap(trials: Trials, gap: int, horizons: Sequence[int], seed: int) -> np.ndarray | None:
    """Return standard errors of both readings at each horizon, customers drawn again."""
    drawn = resampled(trials, in_days(horizons), gap=gap, resamples=RESAMPLES, seed=seed)
    if len(drawn) <= RESAMPLES // 2:
        return None
    errors: np.ndarray = np.std(drawn, axis=0, ddof=1)
    return errors


def _with_family(frame: pd.DataFrame, gap: int) -> pd.DataFrame:
    """Return the frame with Holm within the main gap's horizons."""
    main = (frame["gap"] == gap).to_numpy()
    adjusted = holm(frame.loc[main, "p"].tolist())
    frame["p_adjusted"] = None
    frame.loc[main, "p_adjusted"] = adjusted["p_adjusted"].to_numpy()
    frame["p_adjusted"] = frame["p_adjusted"].where(frame["p_adjusted"].notna(), None)
    frame["family"] = np.where(main, int(adjusted["family"].iloc[0]), 0)
    return frame


def _difference(
    row: dict[str, Any], horizon: int, level: float, *, bootstrapped: bool
) -> Difference:
    """Return the main comparison as a difference."""
    how = "bootstrap over customers" if bootstrapped else "linearised, clustered by customer"
    value = {k: row[k] for k in ("value", "low", "high", "se", "p")}
    return Difference(
        metric=f"Left within {markup.counted(horizon, 'month')}",
        measured_in="percentage points",
        a="affected",
        b="not yet affected",
        level=level,
        n_a=int(row["n_affected"]),
        n_b=int(row["n_others"]),
        n_missing=0,
        method=f"sequential trials, weighted Kaplan-Meier, two readings, {how}",
        status="ok" if row["status"] == "ok" else "no data",
        reason=row["reason"],
        p_adjusted=row["p_adjusted"],
        family=int(row["family"]),
        **value,
    )
