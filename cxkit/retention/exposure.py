"""Exposed or not: the naive comparison, and the two that do not count survival before exposure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_choice, check_level, need_columns
from cxkit.results import Estimate, Guard, Table
from cxkit.retention.cox import cox
from cxkit.retention.episodes import start_stop
from cxkit.retention.hazard import FEWEST_EXITS

if TYPE_CHECKING:
    from collections.abc import Sequence

Comparison = Literal["time-dependent", "ever", "landmark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How much more often the exposed leave: three ways, of which the first is biased.

    Attributes
    ----------
    naive, time_dependent : Estimate
        Hazard ratios: ever exposed against never, from the origin (biased, never an answer); and
        exposed by then against not yet exposed.
    landmarks : tuple of Estimate
        Exposed by each landmark against not, among those still there, from the landmark on.
    frame : DataFrame
        One row per comparison: comparison, kind, landmark, value, low, high, n, exits, reason.
    table : Table
    sentence : str
    guards : tuple of Guard
    """

    naive: Estimate
    time_dependent: Estimate
    landmarks: tuple[Estimate, ...]
    frame: pd.DataFrame
    table: Table
    sentence: str
    guards: tuple[Guard, ...]


def exposure(
    people: pd.DataFrame,
    *,
    time: str = "time",
    left: str = "left",
    exposed_at: str = "exposed_at",
    entry: str = "",
    adjust: Sequence[str] = (),
    landmarks: Sequence[float] = (),
    answer: Comparison = "time-dependent",
    level: float = 0.95,
) -> Exposure:
    """Compare people after an event of their own with people before it, or without it.

    Parameters
    ----------
    people : DataFrame of shape (n, k)
        One row each.
    time, left : str
        Columns: time from the origin to leaving or to the last sight, and whether they left.
    exposed_at : str
        Column: time from the origin at which they were exposed (answered a survey, had a complaint,
        joined a programme); missing for those who never were.
    entry : str
        Column of when observation begins (delayed entry); "" is the origin.
    adjust : list of str
        Columns held equal.
    landmarks : list of float
        Times at which people are sorted into exposed and not yet; choose them before looking.
    answer : {"time-dependent", "landmark"}
        Which comparison the sentence speaks of. "ever" is refused.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Exposure

    Raises
    ------
    ColumnError
        A column is not there.
    QuestionError
        Ever against never exposed is asked for as the answer.

    Notes
    -----
    Cox's model with Efron's ties. Who was exposed had to stay until then: counting those months for
    the exposed gives a hazard ratio below 1 where nothing has an effect (immortal time). The
    time-dependent ratio counts them as not yet exposed; a landmark starts the clock after them. A
    duration of zero counts as half a unit, and exposure on the day of leaving half a unit before.
    A ratio needs five exits on each side.

    References
    ----------
    Suissa, S. (2008). Immortal time bias in pharmacoepidemiology. American Journal of Epidemiology
    167, 492-499. doi:10.1093/aje/kwm324

    Crowley, J. and Hu, M. (1977). Covariance analysis of heart transplant survival data. Journal of
    the American Statistical Association 72, 27-36. doi:10.1080/01621459.1977.10479903

    Examples
    --------
    >>> import cxkit as cx
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> life, asked = rng.exponential(12, 800), rng.uniform(0, 24, 800)
    >>> people = pd.DataFrame({"time": np.minimum(life, 24), "left": life < 24})
    >>> people["exposed_at"] = np.where(asked < people["time"], asked, np.nan)
    >>> found = cx.exposure(people, landmarks=[6])
    >>> found.naive.high < 1, found.time_dependent.low < 1 < found.time_dependent.high
    (True, True)
    """
    check_choice("answer", answer, get_args(Comparison))
    if answer == "ever":
        raise QuestionError(
            "exposure: ever exposed against never exposed is no answer: one must stay to be "
            "exposed, so the ratio is below 1 even when nothing has an effect.\n  It is the row "
            "'ever against never (naive, biased)'; ask with answer='time-dependent' or 'landmark'."
        )
    level = check_level(level)
    named = [time, left, exposed_at, *adjust, *([entry] if entry else [])]
    need_columns(people, named, asked="exposure")
    if answer == "landmark" and not landmarks:
        raise QuestionError(
            "exposure: answer='landmark', but no landmark is given.\n  Write landmarks=[6]."
        )
    plain = _plain(people, time, left, exposed_at, entry, adjust)
    held = list(adjust)
    naive = _naive(plain, held, level)
    moving = _moving(plain, held, level)
    marks = tuple(_landmark(plain, held, mark, level) for mark in landmarks)
    frame = _frame(naive, moving, marks, landmarks, plain)
    chosen = moving if answer == "time-dependent" else marks[0]
    return Exposure(
        naive=naive,
        time_dependent=moving,
        landmarks=marks,
        frame=frame,
        table=Table.of(
            frame,
            caption=f"Hazard ratios of leaving, exposed against not exposed, {len(plain):,} "
            f"people of whom {int(plain['left'].sum()):,} left. The first row is biased and no "
            "answer.",
            columns=[
                ("Comparison", "comparison", "text"),
                ("Hazard ratio", "value", "ratio"),
                (f"{markup.percent_label(level)} interval", "low..high", "ratio"),
                ("People", "n", "count"),
                ("Left", "exits", "count"),
            ],
        ),
        sentence=sentence(naive, chosen),
        guards=(_guard(naive, moving),),
    )


def sentence(naive: Estimate, honest: Estimate) -> str:
    """Say the honest ratio by its interval, and what the naive one would have claimed."""
    if honest.value is None:
        return f"Whether exposure goes with leaving cannot be told: {honest.reason}"
    limits = (
        f"hazard ratio {markup.quantity(honest.value, 'ratio')}, "
        f"{markup.percent_label(honest.level)} interval "
        f"{markup.interval(honest.low, honest.high, 'ratio')}, n = {honest.n:,}"
    )
    if honest.high is not None and honest.high < 1:
        said = f"From their exposure on, the exposed leave less often ({limits})."
    elif honest.low is not None and honest.low > 1:
        said = f"From their exposure on, the exposed leave more often ({limits})."
    else:
        said = f"Whether the exposed leave more or less often cannot be told ({limits})."
    if naive.value is None:
        return said
    return (
        f"{said} Ever exposed against never, from the origin, would have said "
        f"{markup.quantity(naive.value, 'ratio')}, which is biased."
    )


def _plain(
    people: pd.DataFrame, time: str, left: str, exposed_at: str, entry: str, adjust: Sequence[str]
) -> pd.DataFrame:
    """Return the people with the kit's own column names, ties and zeros mended by rule."""
    plain = people[list(adjust)].assign(
        id=range(len(people)),
        entry=people[entry].astype(float) if entry else 0.0,
        exit=people[time].astype(float),
        left=people[left].astype(bool),
        at=people[exposed_at].astype(float),
    )
    plain["exit"] = plain["exit"].where(plain["exit"] > 0, 0.5)
    same = plain["left"] & (plain["at"] == plain["exit"])
    plain["at"] = plain["at"].where(~same, plain["at"] - 0.5)
    return plain[plain["exit"] > plain["entry"]]


def _naive(plain: pd.DataFrame, held: list[str], level: float) -> Estimate:
    """Return ever exposed against never, from the origin."""
    rows = plain.assign(
        exposed=plain["at"].notna().astype(float), start=plain["entry"], stop=plain["exit"]
    )
    return _ratio(rows, held, "ever against never (naive, biased)", level)


def _moving(plain: pd.DataFrame, held: list[str], level: float) -> Estimate:
    """Return exposed by then against not yet exposed."""
    changes = plain.loc[plain["at"].notna(), ["id", "at"]].assign(state="exposed")
    rows = start_stop(plain[["id", "entry", "exit", "left"]], changes, before="not yet")
    rows = rows.merge(plain[["id", *held]], on="id", how="left")
    rows["exposed"] = (rows["state"] == "exposed").astype(float)
    return _ratio(rows, held, "exposed by then against not yet", level)


def _landmark(plain: pd.DataFrame, held: list[str], mark: float, level: float) -> Estimate:
    """Return exposed by a landmark against not, from there on, among those still there."""
    there = plain[(plain["exit"] > mark) & (plain["entry"] <= mark)]
    rows = there.assign(exposed=(there["at"] <= mark).astype(float), start=mark, stop=there["exit"])
    return _ratio(rows, held, f"exposed by {mark:g} against not, from {mark:g} on", level)


def _ratio(rows: pd.DataFrame, held: list[str], metric: str, level: float) -> Estimate:
    """Return the hazard ratio of the exposed, or why there is none."""
    exits = rows["left"].groupby(rows["exposed"]).sum()
    people = int(rows["id"].nunique())
    fewest = int(min(exits.get(0.0, 0), exits.get(1.0, 0)))
    if fewest < FEWEST_EXITS:
        return Estimate(
            metric=metric,
            measured_in="ratio",
            value=None,
            low=None,
            high=None,
            se=None,
            level=level,
            n=people,
            n_missing=0,
            method="Cox, Efron ties",
            status="no data",
            reason=f"on one side fewer than {FEWEST_EXITS} left.",
        )
    fitted = cox(rows, covariates=["exposed", *held], level=level)
    found = fitted.ratio("exposed")
    return Estimate(
        metric=metric,
        measured_in="ratio",
        value=found.value,
        low=found.low,
        high=found.high,
        se=found.se,
        level=level,
        n=people,
        n_missing=fitted.n_missing,
        method=found.method,
    )


def _frame(
    naive: Estimate,
    moving: Estimate,
    marks: tuple[Estimate, ...],
    landmarks: Sequence[float],
    plain: pd.DataFrame,
) -> pd.DataFrame:
    """Return one row per comparison."""
    kinds = ["naive", "time-dependent", *["landmark"] * len(marks)]
    at: list[float | None] = [None, None, *landmarks]
    rows = []
    for estimate, kind, mark in zip((naive, moving, *marks), kinds, at, strict=True):
        there = plain if mark is None else plain[(plain["exit"] > mark) & (plain["entry"] <= mark)]
        rows.append(
            {
                "comparison": estimate.metric,
                "kind": kind,
                "landmark": mark,
                "value": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "n": estimate.n,
                "exits": int(there["left"].sum()),
                "reason": estimate.reason,
            }
        )
    return pd.DataFrame(rows)


def _guard(naive: Estimate, moving: Estimate) -> Guard:
    """Say what immortal time would have done here."""
    if naive.value is None or moving.value is None:
        return Guard(
            kind="immortal time",
            fired=False,
            text=f"Ever against never exposed gives no ratio here: {naive.reason or moving.reason}",
        )
    return Guard(
        kind="immortal time",
        fired=naive.high is not None and naive.high < 1,
        text=f"Ever against never exposed, from the origin: hazard ratio "
        f"{markup.quantity(naive.value, 'ratio')} "
        f"({markup.interval(naive.low, naive.high, 'ratio')}, n = {naive.n:,}); exposed by then "
        f"against not yet: {markup.quantity(moving.value, 'ratio')} "
        f"({markup.interval(moving.low, moving.high, 'ratio')}). The first is biased: shown, never "
        "used.",
    )
