"""Losses against gains: does a fall of the score move leaving as much as a like rise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxkit import markup
from cxkit.disclosure import count_said, customer_table, in_all
from cxkit.metrics.answers import check_level
from cxkit.results import Estimate, Guard, Note, Table
from cxkit.retention.asked import hold_asked
from cxkit.retention.clock import MONTH, TENURE_BANDS, TENURE_NAMES, Bands, bands_of
from cxkit.retention.episodes import count_months
from cxkit.retention.hazard import FEWEST_EXITS
from cxkit.retention.held import hold, said
from cxkit.retention.monthly import discrete_hazard

if TYPE_CHECKING:
    from cxkit.study.study import Study

#: What a step is called where the score fell, stayed and rose.
FELL, STAYED, ROSE = "fell", "stayed", "rose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """What a fall and a rise of the score go with, of the same size.

    Attributes
    ----------
    frame : DataFrame
        One row for each of fell, stayed, rose: turn, n, exits, kept_share of those followed.
    size : float
        Points of the score that a fall and a rise are read at.
    loss, gain : Estimate or None
        Hazard ratio of a fall, and of a rise, of that size against no change.
    balance : Estimate or None
        Their product: 1 if a rise undoes a fall; above 1 losses weigh more.
    table : Table or Note
    sentence : str
    guards : tuple of Guard
    reason : str
    """

    frame: pd.DataFrame
    size: float
    loss: Estimate | None
    gain: Estimate | None
    balance: Estimate | None
    table: Table | Note
    sentence: str
    guards: tuple[Guard, ...]
    reason: str
    level: float


def losses_and_gains(
    study: Study, *, measure: str = "nps", horizon: int = 12, gap: int = 90, level: float = 0.95
) -> Turns:
    """Compare customers whose score fell with those whose score rose by as much.

    Parameters
    ----------
    study : Study
        With customers in dated form, and responses.
    measure : str
        A score of the study: nps, csat or ces.
    horizon : int
        Months after the second score's landmark that count.
    gap : int
        Days from the second answer to the landmark.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Turns

    Raises
    ------
    MissingTableError
        The study lacks customers or responses.

    Notes
    -----
    Customers with two usable scores on different days, from ``gap`` days after the second one on.
    Discrete-time hazard (complementary log-log) with the points lost, the points gained and the
    first score, its square too (who starts high can only fall), and time with the firm and segments
    where ten exits bear each. A fall and a rise are read at a fifth of the scale (2 points of 0 to
    10). Customers are compared over the same first score, so a fall to 5 is set against the path
    not taken; chance moves extreme scores back to the middle, which the first score, being held
    equal, takes up only in part.

    References
    ----------
    Anderson, E. W. and Mittal, V. (2000). Strengthening the satisfaction-profit chain. Journal of
    Service Research 3, 107-120. doi:10.1177/109467050032001

    Examples
    --------
    >>> import cxkit as cx
    >>> found = cx.losses_and_gains(cx.sample_study())
    >>> found.size
    2.0
    """
    level = check_level(level)
    hold_asked(study, horizon=horizon, gap=gap)
    study.need("customers", "responses", why="to see who scored twice, and who stayed")
    bands = bands_of(study, measure)
    score = study.contract.of("responses").scores[measure]
    size = float(max(1, round((score.scale[1] - score.scale[0]) / 5)))
    rows = scored_twice(study, bands, horizon=horizon, gap=gap)
    frame = _turns(rows)
    exits = frame.set_index("turn")["exits"]
    fewest = int(min(exits.get(FELL, 0), exits.get(ROSE, 0)))
    if fewest < FEWEST_EXITS:
        return _nothing(
            frame,
            size,
            level,
            f"{count_said(len(rows))} customers scored twice and were followed; of those whose "
            f"score fell, or of those whose score rose, fewer than {FEWEST_EXITS} left.",
        )
    segments = list(study.contract.of("customers").segments)
    rows, held = hold(rows, ["tenure_band", *segments], compared=4)
    start = ["first", "first squared"] if rows["first"].nunique() > 2 else ["first"]
    cells = count_months(rows[rows["stop"] > 0], ["lost", "gained", "first", *held])
    cells["first squared"] = cells["first"] ** 2
    model = discrete_hazard(cells, covariates=["lost", "gained", *start, *held], level=level)
    n = len(rows)
    lost, gained = ("lost", None), ("gained", None)
    loss = model.contrast({lost: size}, metric=f"a fall of {size:g} against no change", n=n)
    gain = model.contrast({gained: size}, metric=f"a rise of {size:g} against no change", n=n)
    balance = model.contrast({lost: size, gained: size}, metric="a fall and a rise together", n=n)
    return Turns(
        frame=frame,
        size=size,
        loss=loss,
        gain=gain,
        balance=balance,
        table=_table(frame, loss, gain, balance, level, said(held)),
        sentence=sentence(loss, gain, balance, size=size),
        guards=(_guard(n, frame),),
        reason="",
        level=level,
    )


def sentence(loss: Estimate, gain: Estimate, balance: Estimate, *, size: float) -> str:
    """Say both ratios, and by the interval of their product whether losses weigh more."""
    told = (
        f"With the first score held equal, a fall of {size:g} goes with a hazard ratio of "
        f"{_with_limits(loss)}, a rise of {size:g} with {_with_limits(gain)}, n = {loss.n:,}."
    )
    if balance.low is not None and balance.low > 1:
        return f"{told} Losses weigh more than gains: together {_with_limits(balance)}."
    if balance.high is not None and balance.high < 1:
        return f"{told} Gains weigh more than losses: together {_with_limits(balance)}."
    return (
        f"{told} Whether losses weigh more than gains cannot be told: together "
        f"{_with_limits(balance)}, and 1 would be even."
    )


def scored_twice(study: Study, bands: Bands, *, horizon: int, gap: int) -> pd.DataFrame:
    """Return customers with two scores, from the second one's landmark on, in whole months."""
    customers = study.customers
    scored = study.responses
    scored = scored[scored[bands.measure].notna() & scored["answered_on"].notna()]
    known = scored[["customer", "answered_on", bands.measure]].merge(
        customers, on="customer", how="inner"
    )
    inside = (known["answered_on"] >= known["start"]) & ~(known["answered_on"] >= known["end"])
    known = known[inside].sort_values(["customer", "answered_on"], kind="stable")
    known = known.drop_duplicates(["customer", "answered_on"], keep="last")
    known["first"] = known.groupby("customer")[bands.measure].shift()
    known["landmark"] = known["answered_on"] + pd.Timedelta(days=gap)
    begin = study.observed_from
    there = known["first"].notna() & (known["landmark"] < study.as_of)
    there &= ~(known["end"] <= known["landmark"])
    if begin is not None:
        there &= known["landmark"] >= begin
    rows = known[there].drop_duplicates("customer").reset_index(drop=True)
    sign = 1 if bands.high_is_good else -1
    change = sign * (rows[bands.measure] - rows["first"])
    last = rows["end"].where(rows["end"] <= study.as_of, study.as_of)
    whole = np.floor((last - rows["landmark"]).dt.days / MONTH).astype(int)
    followed = np.floor((study.as_of - rows["landmark"]).dt.days / MONTH)
    seen = (rows["end"] <= study.as_of) & (whole < followed)
    tenure = (rows["landmark"] - rows["start"]).dt.days / MONTH
    return rows.assign(
        lost=(-change).clip(lower=0),
        gained=change.clip(lower=0),
        turn=np.select([change < 0, change > 0], [FELL, ROSE], STAYED),
        start=0,
        stop=np.minimum(whole + seen, horizon),
        left=seen & (whole < horizon),
        tenure_band=pd.cut(tenure, TENURE_BANDS, labels=TENURE_NAMES, right=False).astype(str),
    )


def _turns(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how many fell, stayed and rose, by how much, and how many of them left."""
    grouped = rows.groupby("turn")
    frame = pd.DataFrame(
        {
            "n": grouped.size(),
            "points": grouped["gained"].mean() + grouped["lost"].mean(),
            "exits": grouped["left"].sum(),
        }
    )
    return frame.reindex([t for t in (FELL, STAYED, ROSE) if t in frame.index]).reset_index()


def _table(
    frame: pd.DataFrame,
    loss: Estimate,
    gain: Estimate,
    balance: Estimate,
    level: float,
    held: str,
) -> Table:
    """Return the turns and their ratios as a table that is read."""
    by_turn = frame.set_index("turn")
    rows: list[dict[str, Any]] = [
        {
            "what": e.metric.removeprefix("hazard ratio, "),
            "value": e.value,
            "low": e.low,
            "high": e.high,
            "n": by_turn["n"].get(turn),
            "exits": by_turn["exits"].get(turn),
        }
        for e, turn in ((loss, FELL), (gain, ROSE), (balance, ""))
    ]
    return customer_table(
        pd.DataFrame(rows),
        caption="Hazard ratios of leaving after a second score, the first score too held equal "
        f"({held}); n = {loss.n:,} customers who scored twice. Customers and leavers are those "
        "whose score fell, or rose.",
        columns=[
            ("Change of the score", "what", "text"),
            ("Hazard ratio", "value", "ratio"),
            (f"{markup.percent_label(level)} interval", "low..high", "ratio"),
            ("Customers", "n", "count"),
            ("Left", "exits", "count"),
        ],
    )


def _with_limits(e: Estimate) -> str:
    """Return a ratio with its limits."""
    return f"{markup.quantity(e.value, 'ratio')} ({markup.interval(e.low, e.high, 'ratio')})"


def _guard(n: int, frame: pd.DataFrame) -> Guard:
    """Say who is in this comparison."""
    exits = int(frame["exits"].sum())
    said = in_all(frame["exits"].tolist(), frame["n"].tolist())
    return Guard(
        kind="scored twice",
        fired=exits < 100,
        text=f"Only the {n:,} customers who scored twice and stayed to the second landmark are "
        f"compared, of whom {said} left; whoever answers twice may differ from the others.",
    )


def _nothing(frame: pd.DataFrame, size: float, level: float, why: str) -> Turns:
    """Return a result that says why there is none."""
    said_so = f"Losses and gains are not compared: {why}"
    return Turns(
        frame=frame,
        size=size,
        loss=None,
        gain=None,
        balance=None,
        table=Note(paragraphs=(said_so,)),
        sentence=said_so,
        guards=(Guard(kind="scored twice", fired=False, text=said_so),),
        reason=why,
        level=level,
    )
