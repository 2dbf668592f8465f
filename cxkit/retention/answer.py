"""Retention versus experience, from a study to an answer that a reviewer can trust."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

import pandas as pd

from cxkit import markup
from cxkit.disclosure import LEAST_CUSTOMERS, count_said, in_all, stepwise
from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_choice
from cxkit.metrics.durations import kaplan_meier, km_at
from cxkit.results import Answer, Table, guards_table
from cxkit.retention import tables, wording
from cxkit.retention.asked import Depth, hold_asked
from cxkit.retention.clock import bands_of, wind, with_segments
from cxkit.retention.contrasts import bands_told, contrasts
from cxkit.retention.curves import at_risk, curves, retained
from cxkit.retention.guards import guards as guards_of
from cxkit.retention.hazard import EXITS_PER_PARAMETER, exits_within, fit, parameters_needed
from cxkit.retention.later import Later
from cxkit.retention.result import QUESTION, RetentionAnswer
from cxkit.retention.silence import silence
from cxkit.retention.snapshot import answer_snapshot
from cxkit.study.requirements import hold_requirements

if TYPE_CHECKING:
    from cxkit.results import Estimate
    from cxkit.retention.clock import Bands
    from cxkit.study.study import Study

#: Months to the horizon and days of the gap where nothing else is asked.
HORIZON, GAP = 12, 90


def retention_answer(
    study: Study,
    *,
    measure: str = "",
    horizon: int = HORIZON,
    gap: int = GAP,
    depth: Literal["quick", "full"] = "quick",
    level: float = 0.95,
) -> RetentionAnswer:
    """Answer whether customers with a better experience stay longer.

    Parameters
    ----------
    study : Study
        With `customers`; in dated form with `responses` as well.
    measure : str
        nps, csat or ces; for a snapshot one of its experience columns. "" takes the first there is.
    horizon : int
        Months after the landmark at which retention is compared, from 1.
    gap : int
        Days between an answer and the landmark, from 0.
    depth : {"quick", "full"}
        Whether the later sections use closed forms and few folds, or bootstraps and many.
    level : float
        Level of all intervals.

    Returns
    -------
    RetentionAnswer

    Raises
    ------
    MissingTableError
        If the study lacks customers, or responses in dated form.
    ColumnError
        If the responses do not say whose answer it is, or of which day.
    QuestionError
        If the horizon or the gap is too small to mean anything, if nobody or everybody left, if the
        horizon lies beyond every customer's follow-up, if the measure is not there, if "answered"
        is asked for as an answer, or if another horizon or gap than the usual is asked of a
        snapshot, where it would change nothing.

    Notes
    -----
    Estimand: the mean difference in the probability of still being a customer `horizon` months
    after the landmark, if every customer at the landmark were in the good band rather than the poor
    one, with tenure and the study's segments held equal. The landmark is `gap` days after a
    customer's first usable score. Missing scores are counted, never filled.

    Examples
    --------
    >>> import cxkit as cx
    >>> result = cx.retention_answer(cx.sample_study())
    >>> result.effect.direction
    'higher'
    """
    hold_asked(study, horizon=horizon, gap=gap)
    check_choice("depth", depth, get_args(Depth))
    study.need("customers", why="to see who left, and when")
    if measure.replace(" ", "_") in {"answered", "ever_answered"}:
        raise QuestionError(
            "'answered' against 'never answered' is not an experience: one must stay to be asked, "
            "so the comparison is biased even when nothing has an effect.\n  It is printed as the "
            "row 'answered against never answered' beside the answer; ask with measure nps, csat "
            "or ces."
        )
    if study.contract.of("customers").form == "snapshot":
        _hold_undated(horizon, gap)
        return answer_snapshot(study, measure=measure, depth=depth, level=level)
    study.need("responses", why="to read a better or worse experience from answered surveys")
    hold_requirements(study, "retention_vs_experience")
    bands = bands_of(study, measure)
    return _from_dates(study, bands=bands, horizon=horizon, gap=gap, depth=depth, level=level)


def _hold_undated(horizon: int, gap: int) -> None:
    """Refuse a horizon or a gap asked of a snapshot, which has one window and no days."""
    for name, asked, usual in (("horizon", horizon, HORIZON), ("gap", gap, GAP)):
        if asked != usual:
            raise QuestionError(
                f"{name} = {asked}: this study is a snapshot. It has no dates to count "
                f"{'months' if name == 'horizon' else 'days'} from, so {name} would change nothing."
                f"\n  Leave {name} at {usual}, or export start and end dates and write  "
                "form: dates  under customers in study.yml."
            )


def _from_dates(
    study: Study, *, bands: Bands, horizon: int, gap: int, depth: Depth, level: float
) -> RetentionAnswer:
    """Answer from dates: landmark, curves, hazard, and the naive rows beside them."""
    clock = wind(study, bands=bands, gap=gap)
    spells = with_segments(clock.spells, study)
    _hold_horizon(spells, horizon)
    kept = retained(spells, horizon=horizon, level=level, fewest=LEAST_CUSTOMERS)
    held = ["tenure_band", *[str(c) for c in spells if str(c).startswith("held: ")]]
    leavers = exits_within(spells, horizon)
    exits = int(leavers.sum())
    by_band = leavers.groupby(spells["band"], observed=True).agg(["sum", "size"])
    exits_said = in_all(by_band["sum"].tolist(), by_band["size"].tolist())
    people_said = in_all(by_band["size"].tolist(), by_band["size"].tolist())
    told = bands_told(leavers, spells["band"])
    inside = spells[spells["band"].isin(told)]
    needed = parameters_needed(inside, held, horizon)
    adjust = held if exits >= EXITS_PER_PARAMETER * needed else []
    low, high = next(iter(kept)), list(kept)[-1]
    sparse = low == high or not {low, high} <= set(told)
    model = None if sparse else fit(inside, horizon=horizon, adjust=adjust, level=level)
    pooled = km_at(kaplan_meier(spells["months"], spells["left"], level=level), horizon)
    per_band = customers_needed(
        50.0 if pooled.value is None else pooled.value, difference=wording.WORTH_SEEING
    )
    more = Later(study, measure=bands.measure, horizon=horizon, gap=gap, depth=depth, level=level)
    immortal = more.comparisons.result.naive if more.comparisons.ok else None
    family = contrasts(model, spells, leavers, horizon=horizon, level=level, fewest=LEAST_CUSTOMERS)
    effect = family[0]
    silent = silence(study, measure=bands.measure, level=level)
    ratio = None
    if model is not None:
        ratio, adjust = model.ratio(high), list(model.adjusted_for)
    guards = guards_of(
        study, clock, bands, immortal, family, adjust, held, exits_said, horizon, silent
    )
    equal = model.adjusted_for if model is not None else ()
    kept_said = wording.retained(kept, horizon=horizon, gap=gap)
    sentences = [f"{kept_said} {wording.other_things(effect, equal)}".rstrip()]
    if effect.direction == "cannot be told":
        seen = wording.WORTH_SEEING
        sentences.append(wording.needed(effect, per_band, difference=seen, horizon=horizon))
    if more.worth.ok:
        sentences.append(wording.worth_in_short(more.worth.result, effect))
    answer = Answer(
        question=QUESTION,
        headline=wording.headline(effect, horizon=horizon, adjusted_for=equal),
        sentences=tuple(s for s in sentences if s),
        how_sure=wording.how_sure(effect, exits_said, people_said, horizon, model),
        doubt=wording.doubt(effect, silent),
        estimate=effect,
        guards=tuple(guards),
        used=len(spells),
    )
    groups = _groups(kept, leavers, spells["band"])
    longest = spells.groupby("band", observed=True)["followed"].max().min()
    months = pd.Index(range(0, int(longest) + 1, 3))
    return RetentionAnswer(
        answer=answer,
        effect=effect,
        groups=groups,
        groups_measure=f"kept {markup.counted(horizon, 'month')} after the landmark",
        curves=curves(spells, bands=[b for b, e in kept.items() if e.ok], level=level),
        at_risk=at_risk(spells, months=months.to_numpy()),
        who=Table.of(
            clock.steps.assign(said=stepwise(clock.steps["customers"].tolist(), wholes=3)),
            caption=f"Who is in the analysis, and who is not: {people_said} customers of "
            f"{count_said(len(study.customers))}.",
            columns=[
                ("Step", "step", "text"),
                ("Customers", "said", "text"),
                ("What it means", "reason", "text"),
            ],
        ),
        retained=tables.groups(
            groups,
            f"Customers kept {markup.counted(horizon, 'month')} after the landmark, by band: "
            f"Kaplan–Meier with log–log {markup.percent_label(level)} intervals; {exits_said} "
            "customers left.",
            "Kept (%)",
            level,
        ),
        effects=tables.effects(family, model, horizon, level),
        ratio=wording.hazard_ratio(ratio, effect, adjusted_for=equal),
        usual=wording.biased(immortal, ratio),
        guards=guards_table(guards),
        conclusion=wording.conclusion(effect, model, gap, per_band),
        more=more,
        horizon=horizon,
        level=level,
        contract=study.scale_of(bands.measure),
    )


def _hold_horizon(spells: pd.DataFrame, horizon: int) -> None:
    """Refuse a horizon at which the retention of a band is not known."""
    for _, rows in spells.groupby("band", observed=True):
        longest = float(rows["months"].max())
        all_left = bool(rows.loc[rows["months"] == longest, "left"].all())
        if longest < horizon and not all_left:
            raise QuestionError(
                f"A horizon of {markup.counted(horizon, 'month')} lies beyond the data: in one "
                f"band nobody is followed longer than {markup.number(longest)} months after the "
                "landmark.\n"
                "  "
                + (
                    f"Ask with horizon = {int(longest)} or less, or with later data."
                    if longest >= 1
                    else "Ask with a smaller gap, or with later data."
                )
            )


def _groups(kept: dict[str, Estimate], left: pd.Series, bands: pd.Series) -> pd.DataFrame:
    """Return one row per band: its share kept, its customers, those who left; withheld if few."""
    exits = left.groupby(bands, observed=True).sum()
    rows = [
        {
            "group": band,
            "value": e.value,
            "low": e.low,
            "high": e.high,
            "n": e.n,
            "exits": float(exits[band]) if e.n >= LEAST_CUSTOMERS else None,
        }
        for band, e in kept.items()
    ]
    numbers = dict.fromkeys(("value", "low", "high", "exits"), float)
    return pd.DataFrame(rows).astype(numbers)


def customers_needed(percent: float, *, difference: float, power: float = 0.8) -> int:
    """Return the customers each band needs to show a difference in a share, two-sided 5 %.

    >>> customers_needed(70, difference=10)
    326
    """
    from scipy.stats import norm

    p1, p2 = (percent + difference / 2) / 100, (percent - difference / 2) / 100
    p1, p2 = min(p1, 0.99), max(p2, 0.01)
    z = float(norm.isf(0.025) + norm.isf(1 - power))
    return math.ceil(z**2 * (p1 * (1 - p1) + p2 * (1 - p2)) / (p1 - p2) ** 2)
