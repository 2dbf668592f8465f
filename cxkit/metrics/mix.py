"""Did the score move, or the mix of those who answer? A change in two parts."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from cxkit import markup
from cxkit.metrics.answers import need_columns
from cxkit.metrics.clusters import check_clusters, check_counts, moments_of, spread
from cxkit.metrics.compare import difference, measured
from cxkit.metrics.grouped import check_scoring, groups
from cxkit.metrics.scoring import fields_of
from cxkit.results import Estimate, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

_CELLS = ["share_before", "share_now", "before", "now", "change", "within", "mix"]


def what_moved(
    frame: pd.DataFrame,
    metric: Callable[..., Estimate],
    *,
    column: str,
    segment: str,
    period: str,
    before: Hashable,
    now: Hashable,
    counts: str | None = None,
    clusters: str | None = None,
    choices: Mapping[str, Any] | None = None,
) -> Table:
    """Split the change of a score between two periods into change within segments and of their mix.

    Question: did the score move, or the mix of customers? Interval: that of the difference; t
    within segments.

    Parameters
    ----------
    frame : DataFrame
        One row per answer.
    metric : function
        A mean of single answers: ``cx.nps``, ``cx.csat``, ``cx.csat_mean``, ``cx.ces``,
        ``cx.ces_mean`` or ``cx.share``.
    column : str
        Column of the answers.
    segment, period : str
        Columns of the segment and of the period. Answers without a segment are a segment
        "(missing)".
    before, now : value of ``period``
        The two periods.
    counts, clusters : str, optional
        Columns as in :func:`by`.
    choices : mapping, optional
        Further choices of the metric, e.g. ``{"level": 0.9}``.

    Returns
    -------
    Table
        ``frame`` has one row per segment and a last row "all": ``share_before`` and ``share_now``
        (percent of the answers), ``before``, ``now`` and ``change`` (now less before; percentage
        points for shares), ``within`` and ``mix`` (what the segment adds to the change of all, in
        the same unit), n_before, n_now, reason. In the row "all" change is the sum of within and
        mix; low, high belong to its change, within_low, within_high to its within. The caption says
        them, and whether the whole went the other way than every segment (Simpson's paradox).

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        The metric is no mean of single answers.

    Notes
    -----
    With shares w and scores y of segment s: within = (w0 + w1) / 2 (y1 - y0) and
    mix = (w1 - w0) ((y0 + y1) / 2 - Y), Y the mean of the scores of both periods; their sums are
    exactly the change of all. A segment without answers in one period has its score of the other,
    so that its coming or going is all mix. The interval of within takes the shares as they are:
    sum of (w0 + w1)^2 / 4 (se0^2 + se1^2), each se from its own answers with n - 1, and t on
    Satterthwaite's degrees of freedom. A single answer, or a single cluster, shows no spread: it
    takes the mean variance of one answer (of one cluster) of the other cells, and where no cell has
    two, or all within every cell answered alike, there is no interval. Where the metric gives such
    a cell no score none is shown, but it counts in within and mix. Who answers in both periods is
    taken as two people, which makes intervals too wide where they answer alike. It describes; it
    does not say why a mix changed. Missing answers count in no share.

    References
    ----------
    Kitagawa, E. M. (1955). Components of a difference between two rates. Journal of the American
    Statistical Association 50(272), 1168-1194. doi:10.1080/01621459.1955.10501299

    Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance components.
    Biometrics Bulletin 2(6), 110-114. doi:10.2307/3002019

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "year": [2024] * 100 + [2025] * 100,
    ...     "channel": ["shop"] * 80 + ["app"] * 20 + ["shop"] * 40 + ["app"] * 60,
    ...     "happy": [1] * 60 + [0] * 20 + [1] * 8 + [0] * 12 + [1] * 32 + [0] * 8 + [1] * 27
    ...     + [0] * 33})
    >>> table = cx.what_moved(frame, cx.share, column="happy", segment="channel", period="year",
    ...                       before=2024, now=2025)
    >>> table.frame[["channel", "before", "now", "change", "within", "mix"]].round(1)
      channel  before   now  change  within  mix
    0     app    40.0  45.0     5.0     2.0 -8.4
    1    shop    75.0  80.0     5.0     3.0 -5.6
    2     all    68.0  59.0    -9.0     5.0 -14.0
    """
    need_columns(
        frame,
        [column, segment, period, *(c for c in (counts, clusters) if c is not None)],
        asked="what_moved",
    )
    check_scoring(metric, choices, asked="what_moved")
    special = {n: c for n, c in (("counts", counts), ("clusters", clusters)) if c is not None}
    halves = [frame[frame[period] == at] for at in (before, now)]
    whole = [
        measured(h, metric, [column], choices, asked="what_moved", special=special) for h in halves
    ]
    total = difference(whole[1], whole[0], a_name=str(now), b_name=str(before))
    cells = _cells(halves, metric, segment, column, choices, special)
    known = not any(e.value is None for e in whole)
    half, why = _split(cells, total.level) if known else (None, "")
    row: dict[str, Any] = {
        segment: "all",
        "n_before": whole[0].n,
        "n_now": whole[1].n,
        "share_before": 100.0,
        "share_now": 100.0,
        "before": whole[0].value,
        "now": whole[1].value,
        "change": total.value,
        "within": cells["within"].sum() if known else None,
        "mix": cells["mix"].sum() if known else None,
        "low": total.low,
        "high": total.high,
    }
    if half is not None:
        row |= {"within_low": row["within"] - half, "within_high": row["within"] + half}
    cells["reason"] = [_why(r) for r in cells.to_dict("records")]
    row["reason"] = " ".join(said for said in (total.reason, why) if said)
    numbers = [*_CELLS, "low", "high", "within_low", "within_high"]
    both = pd.concat([cells, pd.DataFrame([row])], ignore_index=True).reindex(
        columns=[segment, *numbers, "n_before", "n_now", "reason"]
    )
    both = both.astype(dict.fromkeys(numbers, "float64"))
    return _table(both, total, segment=segment, before=before, now=now, why=why)


def _cells(
    halves: list[pd.DataFrame],
    metric: Callable[..., Estimate],
    segment: str,
    column: str,
    choices: Mapping[str, Any] | None,
    special: Mapping[str, str],
) -> pd.DataFrame:
    """Return of every segment its score in both periods, the error of it and what that rests on.

    ``mean`` is the score even where the metric would give none, ``free`` how many degrees of
    freedom its error has: 0 where one answer or one cluster gave it, which shows no error.
    """
    scored, level = check_scoring(metric, choices, asked="what_moved")
    times = 1.0 if scored.measured_in == "score" else 100.0
    group, labels, many = groups(pd.concat(halves), [segment])
    cells = pd.DataFrame(labels, index=pd.RangeIndex(many))
    ends = np.cumsum([0, *map(len, halves)])
    for which, h, start, end in zip(("before", "now"), halves, ends, ends[1:], strict=False):
        values, missing = scored.read(h[column])
        given = {n: h[c] for n, c in special.items()}
        sums = moments_of(
            scored.points(values),
            missing=missing,
            counts=check_counts(given.get("counts"), len(h), asked=scored.asked),
            clusters=check_clusters(given.get("clusters"), len(h), asked=scored.asked),
            groups=group[start:end],
            n_groups=many,
        )
        seen = spread(sums, level=level)
        cells[f"n_{which}"] = sums.n
        cells[f"asked_{which}"] = sums.n + sums.n_missing > 0
        cells[f"share_{which}"] = 100 * sums.n / sums.n.sum() if sums.n.sum() else np.nan
        found = fields_of(scored, sums, level=level)
        cells[f"mean_{which}"] = times * seen.mean
        cells[which] = np.where(np.isnan(found["value"]), np.nan, times * seen.mean)
        cells[f"why_{which}"] = np.where(np.isnan(found["value"]), found["reason"], "")
        cells[f"variance_{which}"] = (times * seen.se) ** 2
        cells[f"free_{which}"] = np.where(sums.n > 0, seen.df, np.nan)
    cells["change"] = cells["now"] - cells["before"]
    return cells


def _split(cells: pd.DataFrame, level: float) -> tuple[float | None, str]:
    """Add the two parts of each segment's change; return half the interval of all within, or why.

    The variances add up to one on Satterthwaite's degrees of freedom.
    """
    y0 = cells["mean_before"].fillna(cells["mean_now"])
    y1 = cells["mean_now"].fillna(cells["mean_before"])
    w0, w1 = cells["share_before"] / 100, cells["share_now"] / 100
    middle = float((w0 * y0.fillna(0)).sum() + (w1 * y1.fillna(0)).sum()) / 2
    cells["within"] = ((w0 + w1) / 2 * (y1 - y0)).fillna(0)
    cells["mix"] = ((w1 - w0) * ((y0 + y1) / 2 - middle)).fillna(0)
    both = (cells[["n_before", "n_now"]] > 0).all(axis=1).to_numpy()
    if not both.any():
        return None, "No interval within segments: no segment answered in both periods."
    weight = np.tile(((w0 + w1) ** 2 / 4)[both], 2)
    own, free = (
        np.concatenate([cells.loc[both, f"{what}_{which}"] for which in ("before", "now")])
        for what in ("variance", "free")
    )
    alone = free < 1
    freedom = float(free[~alone].sum())
    if not freedom:
        return None, "No interval within segments: no cell has two answers or two clusters."
    # Of one answer or cluster: the mean over the cells whose answers or clusters show it.
    one = float((free * own * (free + 1))[~alone].sum()) / freedom
    parts = weight * np.where(alone, 0.0, own)
    pooled = float(weight[alone].sum()) * one
    variance = float(parts.sum()) + pooled
    if not variance > 0:
        return None, "No interval within segments: all within each answered alike."
    spent = float((parts[~alone] ** 2 / free[~alone]).sum()) + pooled**2 / freedom
    return float(stdtrit(variance**2 / spent, (1 + level) / 2)) * math.sqrt(variance), ""


def _why(row: dict[Hashable, Any]) -> str:
    """Say why a segment has no score in a period, or none that is shown."""
    gone = [which for which in ("before", "now") if row[which] != row[which]]
    if not gone:
        return ""
    said = "in either period." if len(gone) == 2 else f"{gone[0]}."
    if any(not row[f"n_{which}"] for which in gone) and len(gone) == 1:
        said = f"{gone[0]}: its share is all mix."
    silent = [str(row[f"why_{which}"]) for which in gone if row[f"asked_{which}"]]
    return " ".join(["No score", said, *dict.fromkeys(silent)])


def _table(
    frame: pd.DataFrame, total: Any, *, segment: str, before: Hashable, now: Hashable, why: str
) -> Table:
    """Return the parts as a table whose caption reads them."""
    unit, label = total.measured_in, markup.percent_label(total.level)
    whole, parts = frame.iloc[-1], frame.iloc[:-1]
    if total.value is None:
        caption = f"{total.metric}, {before} to {now}: nothing to split. {total.reason}"
    else:
        within = ""
        if not why:
            limits = markup.interval(whole["within_low"], whole["within_high"], unit)
            within = f" ({label} interval {limits})"
        opposite = np.sign(parts["change"].dropna()) == -np.sign(total.value)
        caption = (
            f"{total.metric}, {now} less {before}: {markup.quantity(total.value, unit)} ({label} "
            f"interval {markup.interval(total.low, total.high, unit)}), of which "
            f"{markup.quantity(whole['within'], unit)} within segments by {segment}{within} and "
            f"{markup.quantity(whole['mix'], unit)} by their mix."
        ) + (f" {why}" if why else "")
        if total.value and len(opposite) and opposite.all():
            caption += (
                " Every segment went the other way than the whole (Simpson's paradox): the change "
                "of all is one of who answered."
            )
    table = Table.of(
        frame,
        caption=caption,
        columns=[
            (segment, segment, "text"),
            (f"Share {before}", "share_before", "%"),
            (f"Share {now}", "share_now", "%"),
            (f"{before}", "before", unit),
            (f"{now}", "now", unit),
            ("Change", "change", unit),
            ("Within", "within", unit),
            ("Mix", "mix", unit),
        ],
    )
    return dataclasses.replace(table, frame=frame)
