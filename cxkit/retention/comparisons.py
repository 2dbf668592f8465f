"""One question asked the usual ways and the kit's: naive, ungapped, gapped, from landmarks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import pandas as pd

from cxkit import markup
from cxkit.disclosure import count_said, customer_table
from cxkit.metrics.answers import check_choice, check_level
from cxkit.results import Estimate, Guard, Table
from cxkit.retention.asked import hold_asked
from cxkit.retention.clock import MONTH, bands_of
from cxkit.retention.cox import cox
from cxkit.retention.episodes import BEFORE, Unit, episodes_by_gap
from cxkit.retention.exposure import exposure
from cxkit.retention.hazard import FEWEST_EXITS
from cxkit.retention.held import hold, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.retention.clock import Bands
    from cxkit.retention.episodes import Episodes
    from cxkit.retention.exposure import Exposure
    from cxkit.study.study import Study

METHOD = "Cox, Efron ties, errors by customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """The same question asked in every usual way, one row each.

    Attributes
    ----------
    frame : DataFrame
        One row per comparison: comparison, kind ("naive", "not yet answered", "gap", "landmark"),
        gap (days), landmark (months since joining), value (hazard ratio), low, high, n (customers
        compared), exits (of them), reading, reason.
    ratio : Estimate
        The kit's own: the good band against the poor one, gapped.
    ungapped : Estimate
    naive : Estimate
        Answered against never answered, from joining: biased, never an answer.
    known : Table
        Customers, months at risk and leavers in each state of what was known; "no score yet" among
        them.
    table : Table
    sentence : str
    guards : tuple of Guard
    contract : str
        Scale, direction and cut-points of the measure.
    """

    frame: pd.DataFrame
    ratio: Estimate
    ungapped: Estimate
    naive: Estimate
    known: Table
    table: Table
    sentence: str
    guards: tuple[Guard, ...]
    level: float
    contract: str = ""


def comparisons(
    study: Study,
    *,
    measure: str = "nps",
    gap: int = 90,
    gaps: Sequence[int] = (0, 30, 90, 180),
    landmarks: Sequence[float] = (6, 12, 24),
    longest: float = 24.0,
    unit: Unit = "days",
    level: float = 0.95,
) -> Comparisons:
    """Ask whether a better experience goes with staying in every usual way, side by side.

    Parameters
    ----------
    study : Study
        With customers in dated form, and responses.
    measure : str
        A score of the study: nps, csat or ces.
    gap : int
        Days from an answer until it counts, in the row that is the kit's own.
    gaps : list of int
        Days of all the rows with a gap; 0 is "ungapped".
    landmarks : list of float
        Months since joining at which customers are sorted by what was known of them then.
    longest : float
        Months after which an answer is too old to count.
    unit : {"days", "months"}
        Time in days, or in whole months where days are too many.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Comparisons

    Raises
    ------
    MissingTableError
        The study lacks customers or responses.
    QuestionError
        Nobody can be followed, or a gap is negative.

    Notes
    -----
    Every ratio is Cox's with Efron's ties, the clock being the time since joining; customers who
    joined before the data begin enter late. With a gap, a customer moves from "no score yet" to the
    band of each answer ``gap`` days after it, until the next answer's day has come or this one is
    too old; those without a score are a level of their own and no answer. From a landmark L,
    customers under observation at L are followed from there on, in the band known then. The study's
    segments are held equal where ten exits bear each coefficient. A ratio needs five exits in each
    of the two bands.

    References
    ----------
    Anderson, J. R., Cain, K. C. and Gelber, R. D. (1983). Analysis of survival by tumor response.
    Journal of Clinical Oncology 1, 710-719. doi:10.1200/JCO.1983.1.11.710

    Examples
    --------
    >>> import cxkit as cx
    >>> found = cx.comparisons(cx.sample_study())
    >>> found.ratio.high < 1
    True
    """
    level = check_level(level)
    check_choice("unit", unit, get_args(Unit))
    for days in (gap, *gaps):
        hold_asked(study, gap=days)
    bands = bands_of(study, measure)
    asked = sorted({gap, *gaps})
    at = {
        g: dataclasses.replace(e, rows=e.rows.assign(customer=pd.factorize(e.rows["customer"])[0]))
        for g, e in episodes_by_gap(study, bands, asked, longest=longest, unit=unit).items()
    }
    compared = _answered(at[asked[0]], study, level)
    found = _exposed(compared)
    gapped = {g: _between(at[g], bands, level) for g in asked}
    found += [_gap_row(g, gapped[g], gap, bands) for g in asked]
    per = MONTH if unit == "days" else 1.0
    found += [_landmark_row(at[gap], bands, months, per, gap, level) for months in landmarks]
    frame = pd.DataFrame(found)
    low, high = bands.names[0], bands.names[-1]
    own = gapped[gap][0]
    ungapped = gapped[asked[0]][0]
    return Comparisons(
        frame=frame,
        ratio=own,
        ungapped=ungapped,
        naive=compared.naive,
        known=at[gap].table,
        table=customer_table(
            frame,
            caption=f"One question asked in {len(frame)} ways: hazard ratios of leaving, {high} "
            f"against {low} unless the row says otherwise ({gapped[gap][3]}; time since joining). "
            "Below 1: leaves less often. Customers and leavers are those of the groups compared.",
            columns=[
                ("Comparison", "comparison", "text"),
                ("Hazard ratio", "value", "ratio"),
                (f"{markup.percent_label(level)} interval", "low..high", "ratio"),
                ("Customers", "n", "count"),
                ("Left", "exits", "count"),
                ("Reading", "reading", "text"),
            ],
        ),
        sentence=sentence(own, ungapped, high=high, low=low, gap=gap),
        guards=(_gap_guard(own, ungapped, gap), _no_score_guard(at[gap])),
        level=level,
        contract=study.scale_of(bands.measure),
    )


def sentence(own: Estimate, ungapped: Estimate, *, high: str, low: str, gap: int) -> str:
    """Say the gapped ratio by its interval, and what leaving the gap out would have said."""
    if own.value is None:
        return f"Whether {high} leave less often than {low} cannot be told: {own.reason}"
    limits = (
        f"hazard ratio {markup.quantity(own.value, 'ratio')}, {markup.percent_label(own.level)} "
        f"interval {markup.interval(own.low, own.high, 'ratio')}, n = {own.n:,}"
    )
    when = f"from {gap} days after each answer on"
    if own.high is not None and own.high < 1:
        told = f"With the time since joining held equal {high} leave less often than {low}, {when}"
    elif own.low is not None and own.low > 1:
        told = f"With the time since joining held equal {high} leave more often than {low}, {when}"
    else:
        told = f"Whether {high} leave more or less often than {low}, {when}, cannot be told"
    if ungapped.value is None or gap == 0:
        return f"{told} ({limits})."
    return (
        f"{told} ({limits}). Without the gap the ratio would have been "
        f"{markup.quantity(ungapped.value, 'ratio')}."
    )


def _answered(found: Episodes, study: Study, level: float) -> Exposure:
    """Compare answered with never answered, naively, and with not yet answered."""
    rows = found.rows
    per_customer = rows.groupby("customer", sort=False)
    people = per_customer.agg(
        entry=("start", "min"), time=("stop", "max"), left=("left", "max")
    ).reset_index()
    known = rows[rows["state"] != BEFORE].groupby("customer")["start"].min()
    people["exposed_at"] = people["customer"].map(known)
    segments = study.contract.of("customers").segments
    people = people.merge(
        rows.drop_duplicates("customer")[["customer", *segments]], on="customer", how="left"
    )
    people, held = hold(people, list(segments), compared=1)
    return exposure(people, entry="entry", adjust=held, level=level)


def _exposed(compared: Exposure) -> list[dict[str, object]]:
    """Return the rows of answered against never, and against not yet answered."""
    exits = int(compared.frame["exits"].iloc[0])
    return [
        _row(
            "answered against never answered, from joining",
            "naive",
            compared.naive,
            exits,
            "naive, biased: one must stay to be asked (immortal time)",
        ),
        _row(
            "answered against not yet answered, from the answer on",
            "not yet answered",
            compared.time_dependent,
            exits,
            "says who answers, not what an experience does",
        ),
    ]


def _between(
    found: Episodes, bands: Bands, level: float, *, landmark: float | None = None
) -> tuple[Estimate, int, int, str]:
    """Return the ratio of the good band against the poor one; customers, leavers, what is held."""
    rows = found.rows
    if landmark is not None:
        there = rows[(rows["start"] <= landmark) & (rows["stop"] > landmark)]
        ends = rows.groupby("customer").agg(end=("stop", "max"), gone=("left", "max"))
        rows = there.merge(ends, left_on="customer", right_index=True)
        rows = rows.assign(start=float(landmark), stop=rows["end"], left=rows["gone"])
    low, high = bands.names[0], bands.names[-1]
    pair = rows[rows["state"].isin([low, high])]
    n, exits = int(pair["customer"].nunique()), int(pair["left"].sum())
    each = pair.groupby(pair["state"].astype(str))["left"].sum()
    fewest = int(min(each.get(low, 0), each.get(high, 0)))
    if fewest < FEWEST_EXITS:
        reason = f"in one of the two bands fewer than {FEWEST_EXITS} left."
        return _none(high, low, level, n, reason), n, exits, "nothing held equal"
    segments = [c for c in rows.columns if c not in _OWN]
    bearing = rows[rows["left"].groupby(rows["state"], observed=True).transform("sum") > 0]
    ready, held = hold(bearing, segments, compared=bearing["state"].nunique() - 1)
    fitted = cox(ready, covariates=["state", *held], cluster="customer", level=level)
    ratio = fitted.ratio(f"state: {high}")
    return (
        Estimate(
            metric=f"hazard ratio, {high} against {low}",
            measured_in="ratio",
            value=ratio.value,
            low=ratio.low,
            high=ratio.high,
            se=ratio.se,
            level=level,
            n=n,
            n_missing=0,
            method=METHOD,
        ),
        n,
        exits,
        said(held),
    )


_OWN = {"customer", "start", "stop", "state", "score", "left", "joined_month", "end", "gone"}


def _gap_row(
    gap: int, found: tuple[Estimate, int, int, str], own: int, bands: Bands
) -> dict[str, object]:
    """Return the row of one gap."""
    estimate, _, exits, _ = found
    name = f"from {gap} days after each answer" if gap else "from each answer, ungapped"
    reading = (
        "this report's gap"
        if gap == own
        else "no gap: counts scores given while already leaving"
        if gap == 0
        else "another gap"
    )
    return {**_row(name, "gap", estimate, exits, reading), "gap": gap}


def _landmark_row(
    found: Episodes, bands: Bands, months: float, per: float, gap: int, level: float
) -> dict[str, object]:
    """Return the row of one landmark."""
    mark = round(months * per)
    estimate, _, exits, _ = _between(found, bands, level, landmark=mark)
    row = _row(
        f"from {months:g} months after joining",
        "landmark",
        estimate,
        exits,
        f"band known {gap} days before, of customers still there",
    )
    return {**row, "landmark": months}


def _row(
    comparison: str, kind: str, estimate: Estimate, exits: int, reading: str
) -> dict[str, object]:
    """Return one row of the frame."""
    return {
        "comparison": comparison,
        "kind": kind,
        "gap": None,
        "landmark": None,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "exits": exits,
        "reading": reading if estimate.ok else f"no ratio: {estimate.reason}",
        "reason": estimate.reason,
    }


def _none(high: str, low: str, level: float, n: int, reason: str) -> Estimate:
    """Return a ratio that cannot be given."""
    return Estimate(
        metric=f"hazard ratio, {high} against {low}",
        measured_in="ratio",
        value=None,
        low=None,
        high=None,
        se=None,
        level=level,
        n=n,
        n_missing=0,
        method=METHOD,
        status="no data",
        reason=reason,
    )


def _gap_guard(own: Estimate, ungapped: Estimate, gap: int) -> Guard:
    """Say by how much the ungapped ratio claims more."""
    if own.value is None or ungapped.value is None:
        return Guard(
            kind="already leaving, by gap",
            fired=False,
            text=f"The ratios with and without a gap cannot be compared: "
            f"{own.reason or ungapped.reason}",
        )
    apart = ungapped.value / own.value
    return Guard(
        kind="already leaving, by gap",
        fired=not 0.9 <= apart <= 1.1,
        text=f"Without a gap the hazard ratio is {markup.quantity(ungapped.value, 'ratio')}, with "
        f"{gap} days {markup.quantity(own.value, 'ratio')}: "
        f"{markup.quantity(apart, 'ratio')} times the gapped one.",
    )


def _no_score_guard(found: Episodes) -> Guard:
    """Say how much of the time at risk nothing was known."""
    rows = found.rows
    time = rows["stop"] - rows["start"]
    none = rows["state"] == BEFORE
    percent = 100 * float(time[none].sum() / time.sum())
    never = int(rows["customer"].nunique() - rows.loc[~none, "customer"].nunique())
    return Guard(
        kind="no score yet",
        fired=percent > 50,
        text=f"During {markup.quantity(percent, '%')} of the time at risk no score counted, and of "
        f"{count_said(never)} customers none ever did. They are a level of their own, shown and "
        "never an "
        "answer.",
    )
