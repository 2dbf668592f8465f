"""Do the questions of a scale measure together: reverse-keyed items, alpha, item against rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import fdtri

from cxkit.errors import QuestionError, ScaleError
from cxkit.metrics.answers import (
    Scale,
    check_level,
    check_scale,
    need_columns,
    need_frame,
    no_data,
    nobody_answered,
    numbers,
    on_scale,
)
from cxkit.metrics.weights import people_of
from cxkit.results import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to every item, turned to one direction; a row of ``given`` stands for ``people``."""

    names: tuple[str, ...]
    given: NDArray[np.float64]
    people: NDArray[np.int64]
    n_missing: int

    @property
    def n(self) -> int:
        """Return the number of people who answered every item."""
        return int(self.people.sum())

    def variance(self, column: NDArray[np.float64]) -> float:
        """Return the variance over people of one number a row; 0 for one person."""
        if self.n < 2:
            return 0.0
        mean = float(self.people @ column) / self.n
        return float(self.people @ (column - mean) ** 2) / (self.n - 1)


def reverse(
    items: pd.DataFrame, *, columns: Sequence[str], scale: Scale | Mapping[str, Scale]
) -> pd.DataFrame:
    """Turn reverse-keyed items round, so that high means the same in every column.

    Question: which items were asked the other way round? Interval: none, a recoding.

    Parameters
    ----------
    items : DataFrame of shape (n, k)
        Answers as they were given; not changed.
    columns : list of str
        The items that were asked the other way round.
    scale : (low, high), or a mapping from item to (low, high)
        Ends of the scale; an answer x becomes low + high - x.

    Returns
    -------
    DataFrame of shape (n, k)
        A copy with those columns turned round; missing stays missing.

    Raises
    ------
    ColumnError
        A column is not in the frame.
    ScaleError
        An answer lies off the scale, so that turning it round would make nonsense.

    Notes
    -----
    Forgetting it makes alpha fall: .43 instead of .70 in the Agreeableness items of the R package
    psych.

    References
    ----------
    Revelle, W. psych: procedures for psychological, psychometric, and personality research; data
    set bfi.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> items = pd.DataFrame({"proud": [5, 4], "left_alone": [1, 2]})
    >>> cx.reverse(items, columns=["left_alone"], scale=(1, 5))
       proud  left_alone
    0      5           5
    1      4           4
    """
    need_columns(items, columns, asked="reverse")
    turned = items.copy()
    for name in columns:
        ends = scale_of(name, scale)
        on_scale(items[name], scale=ends, asked="reverse", whole=False)
        total = ends[0] + ends[1]
        turned[name] = (int(total) if float(total).is_integer() else total) - items[name]
    return turned


def cronbach_alpha(
    items: pd.DataFrame,
    *,
    reversed: Sequence[str] = (),  # noqa: A002 - the word of study.yml
    scale: Scale | Mapping[str, Scale] | None = None,
    counts: str | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate Cronbach's alpha, the consistency of a scale made of several items.

    Question: do the items of a scale go together? Interval: Feldt.

    Parameters
    ----------
    items : DataFrame of shape (n, k), k >= 2
        One column per item, one row per person (or per pattern of answers, with ``counts``). Only
        people who answered every item are used; the others are counted as missing.
    reversed : list of str
        Items asked the other way round; they are turned round first, which needs ``scale``.
    scale : (low, high), or a mapping from item to (low, high), optional
        Ends of the scale; if given, an answer off it is refused.
    counts : str, optional
        Column of ``items`` with how many people gave each row's answers.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``measured_in`` is "coefficient", at most 1. An item that goes against the rest (negative
        correlation with their sum) is named in ``reason``: it is probably reverse-keyed. Fewer than
        two people, or no spread: "no data".

    Raises
    ------
    ColumnError
        A reversed item or the counts are not in the frame.
    QuestionError
        There are fewer than two items, or reversed ones without a scale.
    ScaleError
        An answer lies off the scale.

    Notes
    -----
    alpha = k / (k - 1) (1 - sum of item variances / variance of the sum). Feldt's limits are
    1 - (1 - alpha) F[(1 ± level) / 2; n - 1, (n - 1)(k - 1)]. A high alpha does not show that the
    items measure one thing only.

    References
    ----------
    Feldt, L. S., Woodruff, D. J. and Salih, F. A. (1987). Statistical inference for coefficient
    alpha. Applied Psychological Measurement 11(1), 93-103. doi:10.1177/014662168701100107

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> items = pd.DataFrame({"proud": [5, 4, 2, 3], "stay": [4, 4, 1, 3], "alone": [1, 2, 4, 2]})
    >>> print(cx.cronbach_alpha(items, reversed=["alone"], scale=(1, 5)))
    Cronbach's alpha 0.97 (95 % interval 0.82 to 1.00, n = 4; 3 items, Feldt)
    >>> cx.cronbach_alpha(items).reason
    'Against the rest (correlation with the sum of the others): alone (−0.95). Reverse-keyed?'
    """
    level, metric = check_level(level), "Cronbach's alpha"
    answers = keyed(items, reversed=reversed, scale=scale, counts=counts, asked="cronbach_alpha")
    n, k = answers.n, len(answers.names)
    method = f"{k} items, Feldt"
    if k < 2:
        raise QuestionError(
            f"cronbach_alpha: {k} item has no consistency to measure.\n"
            "  Give a frame with at least two item columns; one question has no alpha."
        )
    alpha = _alpha(answers)
    if alpha is None:
        if not n:
            reason = nobody_answered(answers.n_missing)
        elif n == 1:
            reason = "One person answered every item: there is no spread between people."
        else:
            reason = "All people have the same sum: there is no spread between people."
        return no_data(
            metric,
            "coefficient",
            level=level,
            n=n,
            n_missing=answers.n_missing,
            method=method,
            reason=reason,
        )
    df = (n - 1, (n - 1) * (k - 1))
    return Estimate(
        metric=metric,
        measured_in="coefficient",
        value=alpha,
        low=1 - (1 - alpha) * float(fdtri(*df, (1 + level) / 2)),
        high=1 - (1 - alpha) * float(fdtri(*df, (1 - level) / 2)),
        se=None,
        level=level,
        n=n,
        n_missing=answers.n_missing,
        method=method,
        reason=against_the_rest(answers),
    )


def item_rest(
    items: pd.DataFrame,
    *,
    reversed: Sequence[str] = (),  # noqa: A002 - the word of study.yml
    scale: Scale | Mapping[str, Scale] | None = None,
    counts: str | None = None,
) -> pd.DataFrame:
    """Return how each item goes with the sum of the others, and which go against it.

    Question: which item does not go with the others? Interval: none, a check.

    Parameters
    ----------
    items : DataFrame of shape (n, k), k >= 2
        One column per item, one row per person (or per pattern of answers, with ``counts``). Only
        people who answered every item are used.
    reversed : list of str
        Items asked the other way round; they are turned round first, which needs ``scale``.
    scale : (low, high), or a mapping from item to (low, high), optional
        Ends of the scale; if given, an answer off it is refused.
    counts : str, optional
        Column of ``items`` with how many people gave each row's answers.

    Returns
    -------
    DataFrame
        One row per item in order: ``item``, ``n`` people, ``item_rest`` (correlation with the sum
        of the others), ``alpha_if_dropped``, ``against`` and ``reason``. ``against`` is true where
        the correlation is negative: the item is probably reverse-keyed. Nothing is turned round
        unasked. Where there is no number the cell is None and ``reason`` says why.

    Raises
    ------
    ColumnError
        A reversed item or the counts are not in the frame.
    QuestionError
        There are fewer than two items, or reversed ones without a scale.
    ScaleError
        An answer lies off the scale.

    Notes
    -----
    The item is left out of the sum it is compared with, which with few items would flatter it. If
    half of the items are reversed, all go against the rest: read the signs with the questions.

    References
    ----------
    Nunnally, J. C. and Bernstein, I. H. (1994). Psychometric Theory, 3rd ed. McGraw-Hill.

    Examples
    --------
    >>> import cxkit as cx
    >>> import pandas as pd
    >>> items = pd.DataFrame({"proud": [5, 4, 2, 3], "stay": [4, 4, 1, 3], "alone": [1, 2, 4, 2]})
    >>> cx.item_rest(items)[["item", "n", "item_rest", "against"]].round({"item_rest": 2})
        item  n  item_rest  against
    0  proud  4       0.26    False
    1   stay  4       0.00    False
    2  alone  4      -0.95     True
    """
    answers = keyed(items, reversed=reversed, scale=scale, counts=counts, asked="item_rest")
    if len(answers.names) < 2:
        raise QuestionError(
            f"item_rest: {len(answers.names)} item has no others to go with.\n"
            "  Give a frame with at least two item columns."
        )
    rows = []
    for name, r, dropped in _item_rest(answers):
        reason = ""
        if r is None:
            reason = nobody_answered(answers.n_missing) if not answers.n else "no spread"
        against = r is not None and r < 0
        rows.append((name, answers.n, r, dropped, against, reason))
    found = pd.DataFrame(
        rows, columns=["item", "n", "item_rest", "alpha_if_dropped", "against", "reason"]
    )
    for column in ("item_rest", "alpha_if_dropped"):
        if found[column].isna().any():
            found[column] = found[column].astype(object).where(found[column].notna(), None)
    return found


def keyed(
    items: pd.DataFrame,
    *,
    reversed: Sequence[str],  # noqa: A002 - the word of study.yml
    scale: Scale | Mapping[str, Scale] | None,
    counts: str | None,
    asked: str,
) -> Answers:
    """Return the answers of people who answered every item, reversed ones turned round."""
    need_frame(items, asked=asked)
    need_columns(items, [counts] if counts else [], asked=asked)
    people = people_of(items[counts] if counts else None, len(items), asked=asked)
    if counts:
        items = items.drop(columns=counts)
    if scale is not None:
        for name in items.columns:
            on_scale(items[name], scale=scale_of(name, scale), asked=asked, whole=False)
    if reversed:
        if scale is None:
            raise QuestionError(
                f"{asked}: turning {', '.join(reversed)} round needs the ends of the scale."
                "\n  Write e.g. scale=(1, 5)."
            )
        items = reverse(items, columns=reversed, scale=scale)
    complete = items.notna().all(axis=1).to_numpy() & (people > 0)
    for name in items.columns:
        numbers(items[name], asked=asked)
    used = items.loc[complete].to_numpy(dtype=float)
    return Answers(
        names=tuple(map(str, items.columns)),
        given=used,
        people=people[complete],
        n_missing=int(people.sum()) - int(people[complete].sum()),
    )


def against_the_rest(answers: Answers) -> str:
    """Name the items whose correlation with the sum of the others is negative."""
    found = [(name, r) for name, r, _ in _item_rest(answers) if r is not None and r < 0]
    if not found:
        return ""
    named = ", ".join(f"{name} ({r:.2f})".replace("-", "−") for name, r in found)
    return f"Against the rest (correlation with the sum of the others): {named}. Reverse-keyed?"


def _alpha(answers: Answers) -> float | None:
    """Return alpha, or None where the sum has no spread."""
    k = answers.given.shape[1]
    spread = answers.variance(answers.given.sum(axis=1))
    if spread <= 1e-12 or k < 2:
        return None
    own = sum(answers.variance(column) for column in answers.given.T)
    return k / (k - 1) * (1 - own / spread)


def _item_rest(answers: Answers) -> list[tuple[str, float | None, float | None]]:
    """Return each item's correlation with the sum of the others, and alpha without it."""
    found: list[tuple[str, float | None, float | None]] = []
    total = answers.given.sum(axis=1)
    for j, name in enumerate(answers.names):
        item, rest = answers.given[:, j], total - answers.given[:, j]
        a, b = answers.variance(item), answers.variance(rest)
        r = None
        if a > 1e-12 and b > 1e-12:
            both = (answers.variance(item + rest) - a - b) / 2
            r = float(np.clip(both / np.sqrt(a * b), -1, 1))
        others = Answers((), np.delete(answers.given, j, axis=1), answers.people, 0)
        found.append((name, r, _alpha(others)))
    return found


def scale_of(name: str, scale: Scale | Mapping[str, Scale]) -> Scale:
    """Return the ends of one item's scale."""
    if not isinstance(scale, Mapping):
        return check_scale(scale, asked=str(name))
    if name not in scale:
        raise ScaleError(
            f"item {name!r} has no scale; scales are given for: {', '.join(map(str, scale))}.\n"
            f"  Add {name!r}: (lowest, highest)."
        )
    return check_scale(scale[name], asked=str(name))
