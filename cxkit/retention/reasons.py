"""Leaving by reason: what share has left for each by the horizon, when the reasons compete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from cxkit import markup
from cxkit.disclosure import LEAST_CUSTOMERS, count_said, showable_parts
from cxkit.metrics.answers import check_level
from cxkit.metrics.durations import kaplan_meier
from cxkit.metrics.families import holm
from cxkit.metrics.incidence import cumulative_incidence
from cxkit.results import Difference, Guard, Note, Table
from cxkit.retention.asked import hold_asked
from cxkit.retention.clock import bands_of, wind
from cxkit.retention.hazard import FEWEST_EXITS

if TYPE_CHECKING:
    from cxkit.study.study import Study

#: The reason of those who left without one, and of reasons too rare to show.
UNSAID, OTHER = "no reason given", "other reasons"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Leaving by reason and band.

    Attributes
    ----------
    curves : DataFrame
        Aalen-Johansen, one row per band, reason and time: band, reason, time (months), at_risk,
        events, incidence, low, high, se (shares, 0 to 1).
    frame : DataFrame
        One row per band and reason at the horizon: band, reason, value, low, high (%), se, n,
        exits, told (whether the share may be shown: of nobody or of 5 leavers and more, and such
        that no hidden one can be had by subtraction).
    differences : dict of str to Difference
        By reason, the share of the best band less that of the poorest, percentage points; p by Holm
        over the reasons.
    naive : dict of str to float
        By reason, one less the Kaplan-Meier curve with the other reasons censored, in % of all
        bands together: too high, never an answer.
    table : Table or Note
    sentence : str
    guards : tuple of Guard
    reason : str
    contract : str
        Scale, direction and cut-points of the score that the bands are made of.
    """

    curves: pd.DataFrame
    frame: pd.DataFrame
    differences: dict[str, Difference]
    naive: dict[str, float]
    horizon: int
    table: Table | Note
    sentence: str
    guards: tuple[Guard, ...]
    reason: str
    level: float
    contract: str = ""


def leaving_by_reason(
    study: Study, *, measure: str = "nps", horizon: int = 12, gap: int = 90, level: float = 0.95
) -> Reasons:
    """Compute what share of each band has left for each reason by the horizon.

    Parameters
    ----------
    study : Study
        With customers in dated form and ``end_reason``, and responses.
    measure : str
        A score of the study: nps, csat or ces.
    horizon : int
        Months after the landmark.
    gap : int
        Days from the answer to the landmark.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Reasons

    Raises
    ------
    MissingTableError
        The study lacks customers or responses.
    QuestionError
        Nobody can be followed.

    Notes
    -----
    Aalen-Johansen's estimator (:func:`cumulative_incidence`) in each band, from the landmark on. A
    customer who left for one reason can no longer leave for another; one less a Kaplan-Meier curve
    in which the other reasons are censored would say what happened if they could not occur, and is
    too high. Those who left without a reason are a reason of their own; reasons with fewer than
    five leavers are joined. Nothing is held equal.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov
    chains based on censored observations. Scandinavian Journal of Statistics 5(3), 141-150.

    Examples
    --------
    >>> import cxkit as cx
    >>> found = cx.leaving_by_reason(cx.sample_study())
    >>> found.differences["service"].direction
    'lower'
    """
    level = check_level(level)
    hold_asked(study, horizon=horizon, gap=gap)
    study.need("customers", "responses", why="to see who stayed, and how they were served")
    if "end_reason" not in study.customers:
        return _nothing(
            "the study says when customers left, not why. Where the firm keeps it, write "
            "end_reason: COLUMN under customers in study.yml.",
            horizon,
            level,
        )
    bands = bands_of(study, measure)
    spells = wind(study, bands=bands, gap=gap).spells
    n = spells["band"].value_counts()
    shown = [b for b in bands.names if n.get(b, 0) >= LEAST_CUSTOMERS]
    spells = spells[spells["band"].isin(shown)].reset_index(drop=True)
    spells = spells.assign(cause=_causes(spells))
    causes = [str(c) for c in spells["cause"].dropna().value_counts().index]
    longest = float(spells.groupby("band", observed=True)["months"].max().min()) if shown else 0.0
    until = min(horizon, int(longest))
    if len(causes) < 2 or until < 1:
        return _nothing(
            f"fewer than {FEWEST_EXITS} left for each reason."
            if causes == [OTHER]
            else f"there is one reason only ({causes[0]!r})."
            if len(causes) == 1
            else "nobody who can be followed left.",
            horizon,
            level,
        )
    parts = []
    for band in shown:
        own = spells[spells["band"] == band]
        parts.append(
            cumulative_incidence(own["months"], own["cause"], level=level).assign(band=band)
        )
    curves = pd.concat(parts, ignore_index=True).rename(columns={"cause": "reason"})
    frame = _at(curves, spells, shown, causes, until)
    differences = _differences(frame, shown, causes, until, level)
    naive = {
        c: 100 * (1 - _last(kaplan_meier(spells["months"], spells["cause"] == c), until))
        for c in causes
    }
    together = cumulative_incidence(spells["months"], spells["cause"], level=level)
    return Reasons(
        curves=curves,
        frame=frame,
        differences=differences,
        naive=naive,
        horizon=until,
        table=_table(frame, differences, until, level),
        sentence=sentence(differences, until),
        guards=(_competing(naive, together, frame, until), _unsaid(spells)),
        reason="",
        level=level,
        contract=study.scale_of(measure),
    )


def sentence(differences: dict[str, Difference], horizon: int) -> str:
    """Say for which reasons the bands differ, by the intervals."""
    known = {c: d for c, d in differences.items() if d.value is not None}
    if not known:
        return "By which reason the bands differ cannot be told: too few left for any of them."
    first = next(iter(known.values()))
    said: dict[str, list[str]] = {"lower": [], "higher": [], "cannot be told": []}
    for cause, d in known.items():
        size = markup.quantity(d.value, "percentage points")
        limits = markup.interval(d.low, d.high, "percentage points")
        said[d.direction].append(f"{cause} ({size}, {limits})")
    parts = []
    if said["lower"]:
        less = _list(said["lower"])
        parts.append(f"{first.a} leave less often than {first.b} because of {less}")
    if said["higher"]:
        parts.append(
            f"{first.a} leave more often than {first.b} because of {_list(said['higher'])}"
        )
    if said["cannot be told"]:
        parts.append(
            f"no difference between {first.a} and {first.b} can be told in leaving because of "
            f"{_list(said['cannot be told'])}"
        )
    return f"Within {markup.counted(horizon, 'month')} of the landmark " + "; ".join(parts) + "."


def _causes(spells: pd.DataFrame) -> pd.Series:
    """Return why each customer left, missing for those still there; rare reasons joined."""
    cause = spells["end_reason"].astype("string").fillna(UNSAID).astype(object)
    cause = cause.where(spells["left"], None)
    exits = cause.value_counts()
    rare = exits.index[exits < FEWEST_EXITS]
    return cause.where(~cause.isin(rare), OTHER) if len(rare) else cause


def _at(
    curves: pd.DataFrame, spells: pd.DataFrame, shown: list[str], causes: list[str], until: int
) -> pd.DataFrame:
    """Return each band's share that has left for each reason by the horizon, in percent."""
    rows: list[dict[str, Any]] = []
    for band in shown:
        own = spells[spells["band"] == band]
        for cause in causes:
            part = curves[(curves["band"] == band) & (curves["reason"] == cause)]
            part = part[part["time"] <= until]
            last = (part.to_dict("records") or [{}])[-1]
            exits = int(((own["cause"] == cause) & (own["months"] <= until)).sum())
            given = exits > 0
            rows.append(
                {
                    "band": band,
                    "reason": cause,
                    "value": 100 * float(last["incidence"]) if given else 0.0,
                    "low": 100 * float(last["low"]) if given else None,
                    "high": 100 * float(last["high"]) if given else None,
                    "se": 100 * float(last["se"]) if given else None,
                    "n": len(own),
                    "exits": exits,
                }
            )
    frame = pd.DataFrame(rows)
    left = frame["exits"]
    by_band = left[left > 0].groupby(frame["band"], sort=False)
    told = by_band.transform(lambda own: showable_parts(own)).astype(bool)
    return frame.assign(told=told.reindex(frame.index, fill_value=True))


def _differences(
    frame: pd.DataFrame, shown: list[str], causes: list[str], until: int, level: float
) -> dict[str, Difference]:
    """Return by reason the best band's share less the poorest's, p by Holm over the reasons."""
    if len(shown) < 2:
        return {}
    low, high = shown[0], shown[-1]
    at = {(r["band"], r["reason"]): r for r in frame.to_dict("records")}
    z = -float(ndtri((1 - level) / 2))
    found: dict[str, dict[str, Any]] = {}
    for cause in causes:
        a, b = at[high, cause], at[low, cause]
        told = a["told"] and b["told"] and min(a["exits"], b["exits"]) >= FEWEST_EXITS
        value = float(a["value"] - b["value"])
        se = float(np.hypot(a["se"], b["se"])) if told else None
        found[cause] = {
            "value": value if told else None,
            "low": value - z * se if se else None,
            "high": value + z * se if se else None,
            "se": se,
            "p": float(2 * ndtr(-abs(value) / se)) if se else None,
            "n_a": int(a["n"]),
            "n_b": int(b["n"]),
            "status": "ok" if told else "no data",
            "reason": ""
            if told
            else "in one of the two bands too few left so, or would be told of another reason.",
        }
    adjusted = holm([f["p"] for f in found.values()])
    family = sum(f["p"] is not None for f in found.values())
    return {
        cause: Difference(
            metric=f"Left because of {cause} within {markup.counted(until, 'month')} of the "
            "landmark",
            measured_in="percentage points",
            a=high,
            b=low,
            level=level,
            n_missing=0,
            method="difference of Aalen-Johansen estimates",
            p_adjusted=None if f["p"] is None else float(p),
            family=max(family, 1),
            **f,
        )
        for (cause, f), p in zip(found.items(), adjusted["p_adjusted"], strict=True)
    }


def _last(curve: pd.DataFrame, until: float) -> float:
    """Return the share a curve stands at."""
    return float(curve.loc[curve["time"] <= until, "survival"].iloc[-1])


def _table(
    frame: pd.DataFrame, differences: dict[str, Difference], until: int, level: float
) -> Table:
    """Return reasons by band, and the difference with its p, as a table that is read."""
    rows: list[dict[str, Any]] = []
    hidden = False
    for cause, own in frame.groupby("reason", sort=False):
        d = differences.get(str(cause))
        row: dict[str, Any] = {"reason": cause}
        for i, (_, r) in enumerate(own.iterrows()):
            row |= {f"v{i}": r["value"] if r["told"] else None}
            hidden |= not r["told"]
        row |= {
            "d": None if d is None else d.value,
            "low": None if d is None else d.low,
            "high": None if d is None else d.high,
            "p": markup.p_value(None if d is None else d.p_adjusted),
        }
        rows.append(row)
    names = list(frame["band"].unique())
    n = frame.drop_duplicates("band")["n"].sum()
    return Table.of(
        pd.DataFrame(rows),
        caption=f"Left within {markup.counted(until, 'month')} of the landmark, by reason "
        f"(Aalen–Johansen, %), n = {int(n):,} customers. Difference: {names[-1]} less {names[0]}. "
        "p by Holm over the reasons."
        + (
            f" A dash: fewer than {LEAST_CUSTOMERS} left so, or hidden with them." if hidden else ""
        ),
        columns=[
            ("Reason", "reason", "text"),
            *[(f"{name} (%)", f"v{i}", "%") for i, name in enumerate(names)],
            ("Difference", "d", "percentage points"),
            (f"{markup.percent_label(level)} interval", "low..high", "percentage points"),
            ("p, Holm", "p", "text"),
        ],
    )


def _competing(
    naive: dict[str, float], together: pd.DataFrame, frame: pd.DataFrame, until: int
) -> Guard:
    """Say what one less Kaplan-Meier would have claimed for the commonest reason."""
    cause = next(iter(naive))
    own = together[(together["cause"] == cause) & (together["time"] <= until)]
    share = 100 * float(own["incidence"].iloc[-1]) if len(own) else 0.0
    if not frame.loc[frame["reason"] == cause, "told"].all():
        return Guard(
            kind="competing reasons",
            fired=naive[cause] - share > 0.05,
            text="Shares with the other reasons censored would be too high; how much is not told, "
            f"since in one band fewer than {LEAST_CUSTOMERS} left because of {cause}, or are "
            "hidden with them.",
        )
    return Guard(
        kind="competing reasons",
        fired=naive[cause] - share > 0.05,
        text=f"Within {markup.counted(until, 'month')} {markup.quantity(share, '%')} left because "
        f"of {cause}; with the other reasons censored it would be "
        f"{markup.quantity(naive[cause], '%')}, which is too high.",
    )


def _unsaid(spells: pd.DataFrame) -> Guard:
    """Say how many left without a reason."""
    gone = int(spells["left"].sum())
    silent = int((spells["cause"] == UNSAID).sum())
    return Guard(
        kind="reasons not given",
        fired=silent > 0.2 * gone,
        text=f"Of {count_said(gone)} who left at any time after the landmark, {count_said(silent)} "
        "have no reason in the table.",
    )


def _list(words: list[str]) -> str:
    """Join words: a, b and c."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _nothing(why: str, horizon: int, level: float) -> Reasons:
    """Return a result that says why there is none."""
    said = f"Leaving is not divided by reason: {why}"
    columns = ["band", "reason", "value", "low", "high", "se", "n", "exits"]
    return Reasons(
        curves=pd.DataFrame(columns=["band", "reason", "time", "incidence", "low", "high", "se"]),
        frame=pd.DataFrame(columns=columns),
        differences={},
        naive={},
        horizon=horizon,
        table=Note(paragraphs=(said,)),
        sentence=said,
        guards=(Guard(kind="competing reasons", fired=False, text=said),),
        reason=why,
        level=level,
    )
