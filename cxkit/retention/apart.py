"""How far the curves of the bands lie apart: months kept, log-rank, pair by pair with Holm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from cxkit import markup
from cxkit.disclosure import LEAST_CUSTOMERS, gives_away
from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_choice, check_level
from cxkit.metrics.durations import kaplan_meier, km_restricted_mean
from cxkit.metrics.families import holm
from cxkit.metrics.logrank import logrank
from cxkit.results import Difference, Guard, Note, Table
from cxkit.retention.asked import hold_asked
from cxkit.retention.clock import bands_of, wind
from cxkit.retention.hazard import exits_within

if TYPE_CHECKING:
    from cxkit.study.study import Study

Origin = Literal["landmark", "joining"]

#: Customers of each band who must be followed where a curve since joining begins.
ENOUGH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Curves by band, and how far apart they lie.

    Attributes
    ----------
    curves : DataFrame
        Kaplan-Meier by band: band, time (months), at_risk, events, survival, low, high.
    frame : DataFrame
        One row per pair of bands: a, b, value, low, high (months kept up to the horizon, a less b),
        p, p_adjusted (Holm), logrank, logrank_p, logrank_p_adjusted, family, n_a, n_b.
    widest : Difference or None
        The best band less the poorest.
    begins : float
        Months since joining at which the curves begin (origin "joining"); 0 from a landmark.
    table : Table or Note
    sentence : str
    guards : tuple of Guard
    reason : str
    """

    curves: pd.DataFrame
    frame: pd.DataFrame
    widest: Difference | None
    begins: float
    horizon: float
    table: Table | Note
    sentence: str
    guards: tuple[Guard, ...]
    reason: str
    level: float


def months_apart(
    study: Study,
    *,
    measure: str = "nps",
    horizon: float = 12,
    gap: int = 90,
    origin: Origin = "landmark",
    level: float = 0.95,
) -> Apart:
    """Compute how many months longer one band is kept than another, up to a horizon.

    Parameters
    ----------
    study : Study
        With customers in dated form, and responses.
    measure : str
        A score of the study: nps, csat or ces.
    horizon : float
        Months after the origin up to which time counts.
    gap : int
        Days from the answer to the landmark.
    origin : {"landmark", "joining"}
        Whether the clock starts at the landmark, or at joining with each customer entering at their
        landmark (delayed entry).
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Apart

    Raises
    ------
    MissingTableError
        The study lacks customers or responses.
    QuestionError
        Nobody can be followed.

    Notes
    -----
    The difference of the areas under two Kaplan-Meier curves (restricted means), with the square
    root of the sum of their squared errors; log-rank beside it; both with Holm over the pairs of
    bands. Nothing is held equal. Since joining, the curves begin at the first month at which 20
    customers of every band are followed, of those still there: earlier, a curve would hang on a
    few. The horizon is cut to where every band is followed, and the result says so.

    References
    ----------
    Royston, P. and Parmar, M. K. B. (2013). Restricted mean survival time: an alternative to the
    hazard ratio. BMC Medical Research Methodology 13, 152. doi:10.1186/1471-2288-13-152

    Examples
    --------
    >>> import cxkit as cx
    >>> cx.months_apart(cx.sample_study()).widest.direction
    'higher'
    """
    level = check_level(level)
    hold_asked(study, gap=gap)
    check_choice("origin", origin, get_args(Origin))
    study.need("customers", "responses", why="to see who stayed, and how they were served")
    bands = bands_of(study, measure)
    spells = wind(study, bands=bands, gap=gap).spells
    n = spells["band"].value_counts()
    counts = spells["left"] if origin == "joining" else exits_within(spells, int(horizon))
    left = counts.groupby(spells["band"], observed=True).sum()
    shown = [
        b for b in bands.names if n.get(b, 0) >= LEAST_CUSTOMERS and not gives_away(left[b], n[b])
    ]
    spells = spells[spells["band"].isin(shown)]
    if len(shown) < 2:
        return _nothing(
            f"fewer than two bands have {LEAST_CUSTOMERS} customers who can be followed, and so "
            "many who left or stayed that the time they were kept does not tell how many.",
            level,
        )
    rows, begins = _clock(spells, shown, origin)
    if rows is None:
        return _nothing(
            f"at no month since joining are {ENOUGH} customers of every band followed.", level
        )
    longest = float(rows.groupby("band", observed=True)["time"].max().min())
    until = min(float(horizon), np.floor(longest))
    if until < 1:
        raise QuestionError(
            "months_apart: in one band nobody is followed for a whole month after the origin.\n"
            "  Ask with a smaller gap, or with later data."
        )
    curves = {
        b: kaplan_meier(part["time"], part["left"], entry=part["entry"], level=level)
        for b in shown
        for part in (rows[rows["band"] == b],)
    }
    frame = _pairs(rows, shown, curves, until, level)
    widest = _difference(curves, shown[-1], shown[0], until, level)
    stacked = pd.concat([c.assign(band=b) for b, c in curves.items()], ignore_index=True)
    stacked["band"] = pd.Categorical(stacked["band"], categories=shown, ordered=True)
    where = (
        "from the landmark"
        if origin == "landmark"
        else f"from month {begins:g} since joining on, of those still there"
    )
    return Apart(
        curves=stacked,
        frame=frame,
        widest=widest,
        begins=begins,
        horizon=until,
        table=_table(frame, until, where, level, len(rows)),
        sentence=sentence(widest, until, where),
        guards=(_guard(until, horizon, longest),),
        reason="",
        level=level,
    )


def sentence(d: Difference, until: float, where: str) -> str:
    """Say how many months longer, by the interval."""
    if d.value is None:
        return f"How many months longer {d.a} are kept than {d.b} cannot be told: {d.reason}"
    limits = (
        f"({markup.percent_label(d.level)} interval {markup.interval(d.low, d.high, 'months')}, "
        f"n = {d.n_a:,} and {d.n_b:,})"
    )
    span = f"over {_months(until)} {where}, nothing held equal"
    if d.direction == "cannot be told":
        return (
            f"Whether {d.a} are kept longer than {d.b} cannot be told: "
            f"{markup.quantity(d.value, 'months')} {limits}, {span}."
        )
    size = markup.quantity(abs(d.value), "months")
    word = "longer" if d.direction == "higher" else "shorter"
    return f"{d.a} are kept {size} {word} than {d.b} {limits}, {span}."


def _clock(
    spells: pd.DataFrame, shown: list[str], origin: Origin
) -> tuple[pd.DataFrame | None, float]:
    """Return time and entry by the clock asked for, and where the curves begin."""
    if origin == "landmark":
        return spells.assign(time=spells["months"], entry=0.0), 0.0
    entry, end = spells["tenure"], spells["tenure"] + spells["months"]
    months = np.arange(0, int(end.max()) + 1)
    enough = np.ones(len(months), bool)
    for band in shown:
        own = spells["band"] == band
        come = np.searchsorted(np.sort(entry[own]), months, side="right")
        gone = np.searchsorted(np.sort(end[own]), months, side="right")
        enough &= come - gone >= ENOUGH
    if not enough.any():
        return None, 0.0
    begins = float(months[np.argmax(enough)])
    rows = spells.assign(time=end - begins, entry=(entry - begins).clip(lower=0))
    return rows[rows["time"] > 0], begins


def _difference(
    curves: dict[str, pd.DataFrame], a: str, b: str, until: float, level: float
) -> Difference:
    """Return the months kept up to ``until`` in one band less those in another."""
    means = {x: km_restricted_mean(curves[x], until, measured_in="months") for x in (a, b)}
    value = float(means[a].value or 0) - float(means[b].value or 0)
    se = float(np.hypot(means[a].se or 0, means[b].se or 0))
    untold = se == 0
    z = -float(ndtri((1 - level) / 2))
    return Difference(
        metric=f"Months kept up to {until:g}",
        measured_in="months",
        a=a,
        b=b,
        value=None if untold else value,
        low=None if untold else value - z * se,
        high=None if untold else value + z * se,
        se=None if untold else se,
        p=None if untold else float(2 * ndtr(-abs(value) / se)),
        level=level,
        n_a=means[a].n,
        n_b=means[b].n,
        n_missing=0,
        method="difference of restricted means (Kaplan-Meier areas)",
        status="no data" if untold else "ok",
        reason="nobody left in either band." if untold else "",
    )


def _pairs(
    rows: pd.DataFrame,
    shown: list[str],
    curves: dict[str, pd.DataFrame],
    until: float,
    level: float,
) -> pd.DataFrame:
    """Return every pair of bands with its difference and log-rank, the widest first."""
    pairs = [(a, b) for i, b in enumerate(shown) for a in shown[i + 1 :]]
    pairs.sort(key=lambda p: shown.index(p[1]) - shown.index(p[0]))
    found = []
    for a, b in pairs:
        d = _difference(curves, a, b, until, level)
        two = rows[rows["band"].isin([a, b])]
        test = logrank(two["time"], two["left"], two["band"].astype(str), entry=two["entry"])
        found.append(
            {
                "a": a,
                "b": b,
                "value": d.value,
                "low": d.low,
                "high": d.high,
                "p": d.p,
                "logrank": test.statistic,
                "logrank_p": test.p,
                "n_a": d.n_a,
                "n_b": d.n_b,
                "direction": d.direction,
            }
        )
    frame = pd.DataFrame(found)
    for column in ("p", "logrank_p"):
        adjusted = holm([None if v is None or v != v else float(v) for v in frame[column]])
        frame[f"{column}_adjusted"] = list(adjusted["p_adjusted"])
    frame["family"] = len(frame)
    return frame


def _table(frame: pd.DataFrame, until: float, where: str, level: float, n: int) -> Table:
    """Return the pairs as a table that is read."""
    shown = frame.assign(
        pair=[f"{a} against {b}" for a, b in zip(frame["a"], frame["b"], strict=True)],
        p_said=[markup.p_value(p) for p in frame["p_adjusted"]],
        logrank_said=[markup.p_value(p) for p in frame["logrank_p_adjusted"]],
    )
    return Table.of(
        shown,
        caption=f"Months kept up to {_months(until)} {where}: difference of the areas under "
        f"Kaplan–Meier curves, n = {n:,} customers. Family of {len(frame)}, Holm; log-rank "
        "compares the whole curves.",
        columns=[
            ("Comparison", "pair", "text"),
            ("Months kept longer", "value", "months"),
            (f"{markup.percent_label(level)} interval", "low..high", "months"),
            ("p, Holm", "p_said", "text"),
            ("Log-rank p, Holm", "logrank_said", "text"),
            ("Reading", "direction", "text"),
        ],
    )


def _months(until: float) -> str:
    """Write a horizon: ``1 month``, ``12 months``."""
    return f"{until:g} month" + ("" if until == 1 else "s")


def _guard(until: float, asked: float, longest: float) -> Guard:
    """Say whether the horizon was cut to what was followed."""
    return Guard(
        kind="horizon of the curves",
        fired=until < asked,
        text=f"Every band is followed for {markup.quantity(longest, 'months')}; asked for "
        f"{asked:g}, used {until:g}.",
    )


def _nothing(why: str, level: float) -> Apart:
    """Return a result that says why there is none."""
    said = f"The curves are not compared: {why}"
    return Apart(
        curves=pd.DataFrame(columns=["band", "time", "survival", "low", "high"]),
        frame=pd.DataFrame(columns=["a", "b", "value", "low", "high", "p"]),
        widest=None,
        begins=0.0,
        horizon=0.0,
        table=Note(paragraphs=(said,)),
        sentence=said,
        guards=(Guard(kind="horizon of the curves", fired=False, text=said),),
        reason=why,
        level=level,
    )
