"""Do staff see the experience as customers do: the same item asked of both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scale, Scores, check_level, check_scale
from cxkit.metrics.compare import difference
from cxkit.metrics.proportions import csat, csat_mean, span

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from cxkit.results import Difference


def perception_gap(
    staff: Scores,
    customers: Scores,
    *,
    staff_scale: Scale = (1, 5),
    customer_scale: Scale = (1, 5),
    item: str = "experience",
    top: float | None = None,
    staff_counts: ArrayLike | None = None,
    customer_counts: ArrayLike | None = None,
    customer_clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> Difference:
    """Compare what staff think customers experience with what customers say: staff less customers.

    Question: do employees know what customers experience? Interval: Welch's t, Newcombe.

    Parameters
    ----------
    staff, customers : Series, array or list of shape (n,) and (m,)
        Answers of both to the same item, whole numbers, high is good. Missing ones are counted.
    staff_scale, customer_scale : (low, high), default (1, 5)
        Ends of the two scales. They must be the same: two scales cannot be compared.
    item : str, default "experience"
        What was asked.
    top : float, optional
        Compare the shares who answer this or more, instead of the means.
    staff_counts, customer_counts : Series, array or list, optional
        How many people gave each answer.
    customer_clusters : Series, array or list of shape (m,), optional
        Who answered, where customers answer more than once; see :func:`csat`.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Difference
        In points of the scale, or in percentage points with ``top``. Above 0 the staff think better
        of the experience than the customers do.

    Raises
    ------
    ScaleError
        An answer is off the scale.
    QuestionError
        The scales differ, or the cut is not on the scale.

    Notes
    -----
    Means by Welch's t, shares by Newcombe's method 10; see :func:`difference`. Staff and customers
    are different people, so the two are not paired. Both must be of the same places and time: a gap
    between staff of all branches and customers of some is not one of perception.

    References
    ----------
    Parasuraman, A., Zeithaml, V. A. and Berry, L. L. (1985). A conceptual model of service quality
    and its implications for future research. Journal of Marketing 49(4), 41-50.
    doi:10.1177/002224298504900403

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.perception_gap([5, 4, 5, 4, 5], [3, 4, 2, 3, 5, 4], item="was served well"))
    Perceived was served well, mean (1 to 5), staff against customers: 1.10 (95 % interval −0.04 to
    2.24, n = 5 and 6; Welch's t): cannot be told
    """
    level = check_level(level)
    scales = [
        check_scale(scale, asked=f"perception_gap, {who}")
        for who, scale in (("staff", staff_scale), ("customers", customer_scale))
    ]
    if scales[0] != scales[1]:
        (a, b), (c, d) = scales
        raise QuestionError(
            f"perception_gap: staff answered on {a:g} to {b:g} and customers on {c:g} to {d:g}.\n"
            "  A gap needs the same item on the same scale; answers of two scales cannot be turned "
            "into one another."
        )
    low, high = scales[0]
    asked = (staff, customers)
    more = (
        {"counts": staff_counts},
        {"counts": customer_counts, "clusters": customer_clusters},
    )
    if top is None:
        name = f"{item}, mean ({low:g} to {high:g})"
        found = [
            csat_mean(scores, scale=scales[0], level=level, **choices)
            for scores, choices in zip(asked, more, strict=True)
        ]
    else:
        name = f"{item} ({span(top, high)} on {low:g} to {high:g})"
        found = [
            csat(scores, scale=scales[0], top=top, level=level, **choices)
            for scores, choices in zip(asked, more, strict=True)
        ]
    one, other = (replace(e, metric=f"Perceived {name}") for e in found)
    return difference(one, other, a_name="staff", b_name="customers")
