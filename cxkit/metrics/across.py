"""One number for the agreement of many units: its median, or the share of units that agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtr

from cxkit.errors import ColumnError, QuestionError
from cxkit.metrics.answers import check_level, no_data
from cxkit.metrics.proportions import share
from cxkit.results import Estimate

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

#: What a column of a frame of units is called and measured in.
_NAMES = {
    "rwg": ("rwg", "coefficient"),
    "rwg_j": ("rwg(j)", "coefficient"),
    "ad_m": ("AD", "score"),
}


def across_units(
    found: pd.DataFrame,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the median agreement over units, or the share of units that agree enough.

    Question: how well do units agree as a rule? Interval: order statistics; Wilson for a share.

    Parameters
    ----------
    found : DataFrame
        What :func:`rwg`, :func:`rwg_j` or :func:`ad_m` returned: one row per unit.
    at_least : float, optional
        Then the share of units with at least this agreement, such as 0.70 for rwg.
    at_most : float, optional
        Then the share of units with at most this deviation, such as a sixth of the options for AD.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        The median in the unit of the index, or a share in percent. ``n`` counts units;
        ``n_missing`` those without a value because fewer than two people answered. Too few units
        for an interval of the median: "no data", and ``reason`` gives the median and what it takes.

    Raises
    ------
    ColumnError
        The frame holds none of rwg, rwg_j and ad_m.
    QuestionError
        Both bounds are given.

    Notes
    -----
    Units are the sample: the interval says what other units like these would give. The share has
    Wilson's interval. The median has that of the order statistics: from the k-th lowest to the
    k-th highest unit, k the largest whole number for which a fair coin thrown once a unit shows
    fewer than k heads with a chance of at most (1 - level) / 2. It holds for any distribution, at
    least as often as said; a bootstrap of few units, and of shares near 0 or 1, does not. It takes
    6 units at a level of 0.95. .70 and .80 are conventions.

    References
    ----------
    Hahn, G. J. and Meeker, W. Q. (1991). Statistical Intervals. Wiley. doi:10.1002/9780470316771

    LeBreton, J. M. and Senter, J. L. (2008). Answers to 20 questions about interrater reliability
    and interrater agreement. Organizational Research Methods 11(4), 815-852.
    doi:10.1177/1094428106296642

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame(
    ...     {"branch": list("abcdef") * 3, "score": [5, 4, 1, 3, 2, 4, 4, 4, 5, 3, 1, 5] + [4] * 6}
    ... )
    >>> units = cx.rwg(frame, unit="branch", score="score", options=5)
    >>> print(cx.across_units(units))
    Median rwg over units 0.83 (95 % interval 0.00 to 1.00, n = 6; order statistics)
    >>> print(cx.across_units(units, at_least=0.70))
    Units with rwg of at least 0.7 66.7 % (95 % interval 30.0 to 90.3, n = 6; Wilson)
    """
    level = check_level(level)
    column = next((c for c in _NAMES if c in found.columns), None)
    if column is None:
        raise ColumnError(
            "across_units: the frame has no column rwg, rwg_j or ad_m.\n"
            f"  columns in the frame: {', '.join(map(str, found.columns)) or '(none)'}\n"
            "  Pass on what cx.rwg, cx.rwg_j or cx.ad_m returned."
        )
    if at_least is not None and at_most is not None:
        raise QuestionError("across_units: at_least and at_most were given.\n  Write one of them.")
    name, unit = _NAMES[column]
    values = found[column].dropna().to_numpy(dtype=float)
    if at_least is not None or at_most is not None:
        bound, words = (at_most, "at most") if at_least is None else (at_least, "at least")
        met = found[column] <= bound if at_least is None else found[column] >= bound
        answered = met.astype("boolean").mask(found[column].isna())
        return share(answered, metric=f"Units with {name} of {words} {bound:g}", level=level)
    missing = len(found) - values.size
    metric, method = f"Median {name} over units", "order statistics"
    low, high, reason = _median_limits(np.sort(values), level)
    if reason:
        return no_data(
            metric,
            unit,
            level=level,
            n=values.size,
            n_missing=missing,
            method=method,
            reason=reason,
        )
    return Estimate(
        metric=metric,
        measured_in=unit,
        value=float(np.median(values)),
        low=low,
        high=high,
        se=None,
        level=level,
        n=values.size,
        n_missing=missing,
        method=method,
    )


def _median_limits(ordered: NDArray[np.float64], level: float) -> tuple[float, float, str]:
    """Return the k-th lowest and the k-th highest value, or why no k will do."""
    units = ordered.size
    if not units:
        return 0.0, 0.0, "No unit has two people who answered."
    k = np.arange(1, units // 2 + 1)
    good = k[bdtr(k - 1, units, 0.5) <= (1 - level) / 2 + 1e-12]
    if not good.size:
        need = int(np.ceil(1 - np.log2(1 - level)))
        return (
            0.0,
            0.0,
            (
                f"The median of {units:,} units is {np.median(ordered):.2f}; an interval for it "
                f"takes {need} units."
            ),
        )
    return float(ordered[good[-1] - 1]), float(ordered[units - good[-1]]), ""
