"""Do the people of a unit agree enough for the unit to have a score: ICC(1), ICC(2), rwg, AD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy.special import fdtri

from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_level, need_columns, no_data, nobody_answered
from cxkit.metrics.weights import people_of
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GroupSize = Literal["mean", "n0"]
Null = Literal["uniform", "skewed"]

#: A slight skew on five options; answers to satisfaction questions lean like this by themselves.
_SKEWED = {5: (0.05, 0.15, 0.20, 0.35, 0.25)}


@dataclass(frozen=True, slots=True)
class _Anova:
    """A one-way analysis of variance between units."""

    n: int
    n_missing: int
    units: int
    k: float
    between: float
    within: float

    @property
    def df(self) -> tuple[int, int]:
        """Return the degrees of freedom between and within."""
        return self.units - 1, self.n - self.units


@dataclass(frozen=True, slots=True)
class _Units:
    """Answers by unit: a row of ``scores`` stands for ``people`` of the unit ``codes`` names."""

    names: pd.Index
    codes: NDArray[np.intp]
    scores: NDArray[np.float64]
    people: NDArray[np.int64]
    n_missing: int

    @property
    def n(self) -> NDArray[np.int64]:
        """Return how many people of each unit answered."""
        many = np.bincount(self.codes, weights=self.people, minlength=len(self.names))
        return many.astype(np.int64)

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums over the people of each unit, a column for each item."""
        columns = [
            np.bincount(self.codes, weights=self.people * v, minlength=len(self.names))
            for v in values.T
        ]
        return np.column_stack(columns)

    def means(self) -> NDArray[np.float64]:
        """Return the mean of each unit, a column for each item; 0 where nobody answered."""
        return self.sums(self.scores) / np.maximum(self.n, 1)[:, None]


def icc1(
    frame: pd.DataFrame,
    *,
    unit: str,
    score: str,
    k: GroupSize = "mean",
    counts: str | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate ICC(1): how much of one person's answer the unit explains.

    Question: how much of an answer comes from the unit? Interval: exact F.

    Parameters
    ----------
    frame : DataFrame
        One row per person. Rows without a unit or a score are dropped and counted.
    unit, score : str
        Columns: the unit a person belongs to, and the answer (any numeric scale).
    k : {"mean", "n0"}, default "mean"
        Group size in the formula: the mean N / J, as R's ``multilevel``, or n0, which allows for
        unequal sizes. ``method`` says which, and its value.
    counts : str, optional
        Column with how many people each row stands for.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``measured_in`` is "correlation"; n counts people. A negative value is kept, and ``reason``
        says so. Fewer than two units, one person in each, or no spread at all: "no data".

    Raises
    ------
    ColumnError
        A column is not in the frame.

    Notes
    -----
    ICC(1) = (MSB - MSW) / (MSB + (k - 1) MSW). Limits with F = MSB / MSW and the F distribution's
    quantiles: FL = F / F[(1 + level) / 2; J - 1, N - J], FU = F F[(1 + level) / 2; N - J, J - 1],
    (F* - 1) / (F* + k - 1); exact for units of equal size, close otherwise.

    References
    ----------
    Shrout, P. E. and Fleiss, J. L. (1979). Intraclass correlations: uses in assessing rater
    reliability. Psychological Bulletin 86(2), 420-428. doi:10.1037/0033-2909.86.2.420

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"branch": list("aaabbbccc"), "score": [5, 4, 5, 3, 3, 2, 4, 3, 4]})
    >>> print(cx.icc1(frame, unit="branch", score="score"))
    ICC(1) of score 0.73 (95 % interval 0.07 to 0.99, n = 9; one-way ANOVA, 3 units, mean size 3)
    """
    return _icc(frame, unit=unit, score=score, k=k, counts=counts, level=level, kind="ICC(1)")


def icc2(
    frame: pd.DataFrame,
    *,
    unit: str,
    score: str,
    k: GroupSize = "mean",
    counts: str | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate ICC(2): how reliable the mean of a unit is.

    Question: how reliable is the mean of a unit? Interval: exact F.

    Parameters
    ----------
    frame : DataFrame
        One row per person. Rows without a unit or a score are dropped and counted.
    unit, score : str
        Columns: the unit a person belongs to, and the answer (any numeric scale).
    k : {"mean", "n0"}, default "mean"
        Only named in ``method``: ICC(2) does not depend on it, but large units raise it.
    counts : str, optional
        Column with how many people each row stands for.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``measured_in`` is "correlation"; n counts people. A negative value is kept, and ``reason``
        says so. Fewer than two units, one person in each, or no spread between units: "no data".

    Raises
    ------
    ColumnError
        A column is not in the frame.

    Notes
    -----
    ICC(2) = (MSB - MSW) / MSB = 1 - 1 / F, with limits 1 - 1 / FL and 1 - 1 / FU; see :func:`icc1`.

    References
    ----------
    Shrout, P. E. and Fleiss, J. L. (1979). Intraclass correlations: uses in assessing rater
    reliability. Psychological Bulletin 86(2), 420-428. doi:10.1037/0033-2909.86.2.420

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"branch": list("aaabbbccc"), "score": [5, 4, 5, 3, 3, 2, 4, 3, 4]})
    >>> print(cx.icc2(frame, unit="branch", score="score"))
    ICC(2) of score 0.89 (95 % interval 0.19 to 1.00, n = 9; one-way ANOVA, 3 units, mean size 3)
    """
    return _icc(frame, unit=unit, score=score, k=k, counts=counts, level=level, kind="ICC(2)")


def rwg(
    frame: pd.DataFrame, *, unit: str, score: str, options: int, counts: str | None = None
) -> pd.DataFrame:
    """Return the agreement rwg of each unit on one question.

    Question: do the people of a unit agree on a question? Interval: none for one unit.

    Parameters
    ----------
    frame : DataFrame
        One row per person. Rows without a unit or a score are dropped.
    unit, score : str
        Columns: the unit, and the answer to one question.
    options : int
        How many answers the question offers: 5 for a scale from 1 to 5.
    counts : str, optional
        Column with how many people each row stands for.

    Returns
    -------
    DataFrame
        One row per unit in order: ``unit``, ``n`` people, ``rwg``, ``set_to_zero`` and ``reason``.
        A unit with fewer than two people has no rwg, and ``reason`` says so.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        ``options`` is less than 2.

    Notes
    -----
    rwg = 1 - s^2 / ((A^2 - 1) / 12): the variance within the unit (with n - 1) against that of
    answers spread evenly over the A options. A variance larger than that makes rwg negative; by
    convention it is set to 0, and ``set_to_zero`` says where. Even spread flatters questions whose
    answers lean to one side by themselves; see ``null`` of :func:`rwg_j`.

    References
    ----------
    James, L. R., Demaree, R. G. and Wolf, G. (1984). Estimating within-group interrater reliability
    with and without response bias. Journal of Applied Psychology 69(1), 85-98.
    doi:10.1037/0021-9010.69.1.85

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"branch": list("aaabbbc"), "score": [5, 4, 5, 1, 5, 2, 3]})
    >>> cx.rwg(frame, unit="branch", score="score", options=5)[["unit", "n", "rwg", "set_to_zero"]]
      unit  n       rwg  set_to_zero
    0    a  3  0.833333        False
    1    b  3  0.000000         True
    2    c  1       NaN        False
    """
    found = rwg_j(frame, unit=unit, items=[score], options=options, counts=counts)
    return found.rename(columns={"rwg_j": "rwg"})


def rwg_j(
    frame: pd.DataFrame,
    *,
    unit: str,
    items: Sequence[str],
    options: int,
    null: Null = "uniform",
    counts: str | None = None,
) -> pd.DataFrame:
    """Return the agreement rwg(j) of each unit on a set of parallel questions.

    Question: do the people of a unit agree on a set of questions? Interval: none for one unit.

    Parameters
    ----------
    frame : DataFrame
        One row per person. Rows without a unit, or with any item missing, are dropped.
    unit : str
        Column of the unit.
    items : list of str
        Columns of the questions, all on one scale, reversed ones turned round before.
    options : int
        How many answers each question offers: 5 for a scale from 1 to 5.
    null : {"uniform", "skewed"}, default "uniform"
        What answers without agreement would look like: spread evenly, or leaning slightly to one
        side (5 %, 15 %, 20 %, 35 %, 25 %; for five options only), which asks for more agreement.
    counts : str, optional
        Column with how many people each row stands for.

    Returns
    -------
    DataFrame
        One row per unit in order: ``unit``, ``n`` people, ``rwg_j``, ``set_to_zero``, ``reason``.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        There is no item, ``options`` is less than 2, or no skewed null is known for it.

    Notes
    -----
    With m the mean over the J items of s^2 / s_E^2, rwg(j) = J (1 - m) / (J (1 - m) + m). It is set
    to 0 where m > 1, and ``set_to_zero`` says where. s_E^2 is (A^2 - 1) / 12 for even spread and
    1.34 for the skewed one.

    References
    ----------
    James, L. R., Demaree, R. G. and Wolf, G. (1984). Estimating within-group interrater reliability
    with and without response bias. Journal of Applied Psychology 69(1), 85-98.
    doi:10.1037/0021-9010.69.1.85

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"branch": list("aaa"), "proud": [5, 4, 5], "valued": [4, 4, 5]})
    >>> cx.rwg_j(frame, unit="branch", items=["proud", "valued"], options=5)[["unit", "n", "rwg_j"]]
      unit  n     rwg_j
    0    a  3  0.909091
    """
    units = _units(frame, unit, _items(unit, items, asked="rwg"), counts, asked="rwg")
    expected = _null_variance(options, null)
    _enough_options(units, options)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = units.sums((units.scores - units.means()[units.codes]) ** 2)
        m = (spread / (units.n - 1)[:, None] / expected).mean(axis=1)
        j = units.scores.shape[1]
        value = np.where(m > 1, 0.0, j * (1 - m) / (j * (1 - m) + m))
    found = _per_unit(units, value, name="rwg_j")
    found["set_to_zero"] = (m > 1) & (units.n > 1)
    return found[["unit", "n", "rwg_j", "set_to_zero", "reason"]]


def ad_m(
    frame: pd.DataFrame, *, unit: str, items: str | Sequence[str], counts: str | None = None
) -> pd.DataFrame:
    """Return each unit's mean absolute deviation from its mean, in points of the scale.

    Question: how far are the people of a unit apart? Interval: none for one unit.

    Parameters
    ----------
    frame : DataFrame
        One row per person. Rows without a unit, or with any item missing, are dropped.
    unit : str
        Column of the unit.
    items : str or list of str
        Column of one question, or of several on one scale.
    counts : str, optional
        Column with how many people each row stands for.

    Returns
    -------
    DataFrame
        One row per unit in order: ``unit``, ``n`` people, ``ad_m`` (low is agreement), ``reason``.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    QuestionError
        There is no item.

    Notes
    -----
    AD_M = mean |x - mean of the unit| for one question, averaged over several.

    References
    ----------
    Burke, M. J., Finkelstein, L. M. and Dusig, M. S. (1999). On average deviation indices for
    estimating interrater agreement. Organizational Research Methods 2(1), 49-68.
    doi:10.1177/109442819921004

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"branch": list("aaaa"), "score": [5, 4, 5, 2]})
    >>> cx.ad_m(frame, unit="branch", items="score")[["unit", "n", "ad_m"]]
      unit  n  ad_m
    0    a  4   1.0
    """
    names = _items(unit, [items] if isinstance(items, str) else items, asked="ad_m")
    units = _units(frame, unit, names, counts, asked="ad_m")
    with np.errstate(divide="ignore", invalid="ignore"):
        away = units.sums(np.abs(units.scores - units.means()[units.codes]))
        value = (away / units.n[:, None]).mean(axis=1)
    return _per_unit(units, value, name="ad_m")


def _icc(
    frame: pd.DataFrame,
    *,
    unit: str,
    score: str,
    k: GroupSize,
    counts: str | None,
    level: float,
    kind: str,
) -> Estimate:
    """Return ICC(1) or ICC(2) from a one-way analysis of variance."""
    level, metric = check_level(level), f"{kind} of {score}"
    a = _anova(frame, unit=unit, score=score, k=k, counts=counts)
    size = "mean size" if k == "mean" else "size n0"
    method = f"one-way ANOVA, {a.units:,} units, {size} {a.k:.4g}"
    why = _why_no_icc(a, kind)
    if why:
        return no_data(
            metric,
            "correlation",
            level=level,
            n=a.n,
            n_missing=a.n_missing,
            method=method,
            reason=why,
        )
    first, second = a.df
    with np.errstate(divide="ignore"):
        f = np.float64(a.between) / a.within
    f_low = f / fdtri(first, second, (1 + level) / 2)
    f_high = f * fdtri(second, first, (1 + level) / 2)
    value, low, high = (_from_f(ratio, a.k, kind) for ratio in (f, f_low, f_high))
    reason = ""
    if not a.within:
        reason = "Nobody differs from the others of the unit, so the interval has no width."
    elif not a.between:
        reason = "Negative: all units have the same mean, so the interval has no width."
    elif value < 0:
        reason = "Negative: people differ more within units than units differ; kept as it is."
    return Estimate(
        metric=metric,
        measured_in="correlation",
        value=value,
        low=low,
        high=high,
        se=None,
        level=level,
        n=a.n,
        n_missing=a.n_missing,
        method=method,
        reason=reason,
    )


def _anova(
    frame: pd.DataFrame, *, unit: str, score: str, k: GroupSize, counts: str | None
) -> _Anova:
    """Return the mean squares between and within units, and the group size asked for."""
    every = _units(frame, unit, [score], counts, asked="icc")
    if k not in {"mean", "n0"}:
        raise QuestionError(f'icc: k is {k!r}.\n  Write k="mean" (as R multilevel) or k="n0".')
    answers, sizes = every.scores, every.n[every.n > 0].astype(float)
    n, units = int(every.n.sum()), sizes.size
    if units < 2 or n <= units:
        return _Anova(n, every.n_missing, units, n / units if units else 0.0, 0.0, 0.0)
    size = n / units if k == "mean" else (n - (sizes**2).sum() / n) / (units - 1)
    means = every.means()[every.n > 0, 0]
    grand = float(every.people @ answers[:, 0]) / n
    between = float(sizes @ (means - grand) ** 2) / (units - 1)
    away = answers - every.means()[every.codes]
    within = float(every.people @ away[:, 0] ** 2) / (n - units)
    tiny = 1e-14 * max(float(every.people @ answers[:, 0] ** 2) / n, 1e-300)
    return _Anova(
        n,
        every.n_missing,
        units,
        size,
        between if between > tiny else 0.0,
        within if within > tiny else 0.0,
    )


def _why_no_icc(a: _Anova, kind: str) -> str:
    """Say why there is no ICC, or nothing if there is."""
    if not a.n:
        return nobody_answered(a.n_missing)
    if a.units < 2:
        return "There is one unit only: nothing to compare it with."
    if a.n == a.units:
        return "Every unit has one person: agreement within units cannot be seen."
    if not a.between and not a.within:
        return "All answers are the same: there is no spread to explain."
    if not a.between and kind == "ICC(2)":
        return "All units have the same mean: there is no difference to be reliable about."
    return ""


def _from_f(f: np.float64, k: float, kind: str) -> float:
    """Return ICC(1) or ICC(2) from the ratio of mean squares."""
    if np.isinf(f):
        return 1.0
    return float((f - 1) / (f + k - 1)) if kind == "ICC(1)" else float(1 - 1 / f)


def _enough_options(units: _Units, options: int) -> None:
    """Refuse answers that lie further apart than the answers a question offers."""
    if units.scores.size and np.ptp(units.scores, axis=0).max() > options - 1:
        low, high = units.scores.min(), units.scores.max()
        raise QuestionError(
            f"rwg: answers run from {low:g} to {high:g}, further than {options} options reach.\n"
            "  Write how many answers the question offers: 5 for a scale from 1 to 5."
        )


def _items(unit: str, items: Sequence[str], *, asked: str) -> list[str]:
    """Return the item columns, or refuse none."""
    if not items:
        raise QuestionError(f"{asked}: no item was given.\n  Name at least one column of answers.")
    return list(items)


def _units(
    frame: pd.DataFrame, unit: str, items: Sequence[str], counts: str | None, *, asked: str
) -> _Units:
    """Return the rows with a unit and every item, and the units, those without such rows too."""
    need_columns(frame, [unit, *items, *([counts] if counts else [])], asked=asked)
    people = people_of(frame[counts] if counts else None, len(frame), asked=asked)
    names = pd.Index(frame.loc[people > 0, unit].dropna().unique()).sort_values()
    used = frame[[unit, *items]].notna().all(axis=1).to_numpy() & (people > 0)
    rows = frame.loc[used]
    return _Units(
        names=names,
        codes=names.get_indexer(rows[unit]),
        scores=rows[list(items)].to_numpy(dtype=float),
        people=people[used],
        n_missing=int(people.sum()) - int(people[used].sum()),
    )


def _null_variance(options: int, null: Null) -> float:
    """Return the variance of answers without any agreement."""
    if options < 2:
        raise QuestionError(
            f"rwg: {options} options leave nothing to disagree on.\n"
            "  Write how many answers the question offers: 5 for a scale from 1 to 5."
        )
    if null == "uniform":
        return (options**2 - 1) / 12
    if null != "skewed" or options not in _SKEWED:
        raise QuestionError(
            f"rwg: no null {null!r} is known for {options} options.\n"
            '  null is "uniform", or "skewed" with 5 options.'
        )
    share, answer = np.array(_SKEWED[options]), np.arange(1, options + 1)
    return float(share @ answer**2 - (share @ answer) ** 2)


def _per_unit(units: _Units, value: NDArray[np.float64], *, name: str) -> pd.DataFrame:
    """Return one row per unit named in the frame, those without enough people included."""
    few = units.n < 2
    return pd.DataFrame(
        {
            "unit": units.names,
            "n": units.n,
            name: np.where(few, np.nan, value),
            "reason": np.where(few, "fewer than two people answered", ""),
        }
    )
