"""Customer Effort Score, whose two versions run in opposite directions and are never pooled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scores, check_level
from cxkit.metrics.proportions import mean_scoring, share_between, span
from cxkit.metrics.scoring import Scoring, estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from cxkit.results import Estimate

Version = Literal["1.0", "2.0"]


@dataclass(frozen=True, slots=True)
class _Form:
    """What one version asks: its scale, which answers are easy, which end is good."""

    scale: tuple[int, int]
    easy: tuple[int, int]
    high_is: str


_FORMS = {"1.0": _Form((1, 5), (1, 2), "hard"), "2.0": _Form((1, 7), (5, 7), "easy")}


def ces(
    scores: Scores,
    *,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    version: Version,
    level: float = 0.95,
) -> Estimate:
    """Estimate the Customer Effort Score as the share who found it easy, in percent.

    Question: how many found it easy to get help? Interval: Wilson; by cluster with t.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        Whole numbers: version 1.0 asks how much effort it took (1 to 5, high is hard), version 2.0
        whether the company made it easy (1 to 7, high is easy). Missing answers are counted.
    counts : Series, array or list of shape (n,), optional
        How many people gave each value of ``scores``, whole numbers from 0: a row is then a
        pattern, and the result is that of the rows written out. Matched by position.
    clusters : Series, array or list of shape (n,), optional
        Who answered, e.g. the customer, or any coarser key; the error is then cluster-robust, and
        the method says by how many clusters (with the Series' name). Matched by position.
    version : {"1.0", "2.0"}
        Which of the two was asked. It is never guessed: answers from 1 to 5 fit both.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        In percent, 0 to 100, with Wilson's interval; high is easy in both versions, and its name
        says the version and which answers count.

    Raises
    ------
    ScaleError
        An answer is not a whole number on the version's scale.
    QuestionError
        The version is not one of the two, or ``counts`` or ``clusters`` do not fit.

    Notes
    -----
    Version 2.0 counts the answers 5, 6 and 7; version 1.0 counts 1 and 2. The two ask different
    things on different scales: :func:`difference` refuses to compare them. "Net easy" scores are
    other measures and not these. See :func:`share` for the interval
    and for ``clusters``.

    References
    ----------
    Dixon, M., Freeman, K. and Toman, N. (2010). Stop trying to delight your customers. Harvard
    Business Review 88(7/8), 116-122.

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.ces([7, 6, 5, 2], version="2.0"))
    CES 2.0 (easy: 5 to 7 on 1 to 7) 75.0 % (95 % interval 30.1 to 95.4, n = 4; Wilson)
    """
    scoring = ces_scoring(version=version)
    return estimate(scoring, scores, level=check_level(level), counts=counts, clusters=clusters)


def ces_scoring(*, version: str) -> Scoring:
    """Return what makes a CES: 1 for an easy answer of its version, else 0."""
    form = _form(version)
    return share_between(
        f"CES {version} (easy: {span(*form.easy)} on {span(*form.scale)})",
        f"ces {version}",
        form.scale,
        form.easy,
    )


def ces_mean(
    scores: Scores,
    *,
    counts: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    version: Version,
    level: float = 0.95,
) -> Estimate:
    """Estimate the Customer Effort Score as the mean answer on its version's scale.

    Question: how much effort did it take on average? Interval: Student's t; by cluster.

    Parameters
    ----------
    scores : Series, array or list of shape (n,)
        Whole numbers on the version's scale; see :func:`ces`. Missing answers are counted.
    counts : Series, array or list of shape (n,), optional
        How many people gave each value of ``scores``, whole numbers from 0: a row is then a
        pattern, and the result is that of the rows written out. Matched by position.
    clusters : Series, array or list of shape (n,), optional
        Who answered, e.g. the customer, or any coarser key; the error is then cluster-robust, and
        the method says by how many clusters (with the Series' name). Matched by position.
    version : {"1.0", "2.0"}
        Which of the two was asked; never guessed.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Estimate
        ``measured_in`` is "score". In version 1.0 a high mean is bad, in version 2.0 good; its name
        says so.

    Raises
    ------
    ScaleError
        An answer is not a whole number on the version's scale.
    QuestionError
        The version is not one of the two, or ``counts`` or ``clusters`` do not fit.

    Notes
    -----
    Student's interval and ``clusters``: see :func:`csat_mean`. The scale is not turned round, so
    that the number stays comparable with others of its version.

    References
    ----------
    Dixon, M., Freeman, K. and Toman, N. (2010). Stop trying to delight your customers. Harvard
    Business Review 88(7/8), 116-122.

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.ces_mean([1, 2, 2, 4], version="1.0"))
    CES 1.0 mean (1 to 5, high is hard) 2.25 (95 % interval 1.00 to 4.25, n = 4; Student's t)
    """
    scoring = ces_mean_scoring(version=version)
    return estimate(scoring, scores, level=check_level(level), counts=counts, clusters=clusters)


def ces_mean_scoring(*, version: str) -> Scoring:
    """Return what makes a mean CES: the answer itself, not turned round."""
    form = _form(version)
    metric = f"CES {version} mean ({span(*form.scale)}, high is {form.high_is})"
    return mean_scoring(metric, f"ces_mean {version}", form.scale)


def _form(version: str) -> _Form:
    """Return what a version asks, or refuse one that is not known."""
    if version not in _FORMS:
        raise QuestionError(
            f"ces: version {version!r} is not known.\n"
            '  Write version="1.0" (effort, 1 to 5, high is hard) or version="2.0" (made it easy, '
            "1 to 7, high is easy)."
        )
    return _FORMS[version]
