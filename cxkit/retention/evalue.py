"""How strong an unmeasured cause would have to be to explain an association away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_choice, is_real

Ratio = Literal["risk ratio", "odds ratio", "hazard ratio", "standardised difference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EValue:
    """E-values of an estimate and of its limit nearer to no effect, on the risk-ratio scale.

    Attributes
    ----------
    risk_ratio : float
        The estimate as a risk ratio; ``low`` and ``high`` are its limits, None if not given.
    estimate : float
        1 or more: both the cause's ties, to the experience and to leaving, would need at least this
        risk ratio to explain the estimate away.
    limit : float or None
        The same for the limit nearer 1; 1 where the interval holds no effect already.
    method : str
        How the risk ratio was had.
    """

    risk_ratio: float
    low: float | None
    high: float | None
    estimate: float
    limit: float | None
    method: str

    def __str__(self) -> str:
        """Say what the two numbers mean."""
        limits = markup.interval(self.low, self.high, "ratio")
        known = "" if self.low is None and self.high is None else f" (interval {limits})"
        said = (
            f"Risk ratio {markup.quantity(self.risk_ratio, 'ratio')}{known}: an unmeasured cause "
            "would have to be tied both to the experience and to leaving by a risk ratio of at "
            f"least {markup.quantity(self.estimate, 'ratio')} each to explain it away"
        )
        if self.limit is None:
            return f"{said}."
        if self.limit == 1:
            return f"{said}; the interval holds no effect already, so none is needed for that."
        return (
            f"{said}, and by {markup.quantity(self.limit, 'ratio')} to move the interval to where "
            "it holds no effect."
        )


def e_value(
    value: float,
    *,
    low: float | None = None,
    high: float | None = None,
    measure: Ratio = "risk ratio",
    outcome: Literal["common", "rare"] = "common",
    se: float | None = None,
) -> EValue:
    """Return the E-value of an estimate and of its limit nearer to no effect.

    Parameters
    ----------
    value : float
        A risk, odds or hazard ratio, or a difference in standard deviations.
    low, high : float, optional
        Limits of its interval, on the same scale.
    measure : str
        What ``value`` is: "risk ratio", "odds ratio", "hazard ratio", "standardised difference".
    outcome : "common" or "rare"
        Leaving is common by the horizon where over about 15 % do: an odds or hazard ratio is then
        turned into a risk ratio, and not taken for one.
    se : float, optional
        Standard error of a standardised difference; its limits come from it.

    Returns
    -------
    EValue

    Raises
    ------
    QuestionError
        A ratio is not above 0, or the limits do not lie about the estimate.

    Notes
    -----
    E = RR + sqrt(RR (RR - 1)), RR below 1 inverted first. Common outcome: sqrt(OR), and
    (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1 / HR)). Standardised difference d: exp(0.91 d), limits
    exp(0.91 d -+ 1.78 se). An interval that holds 1 gives 1 for the limit.

    References
    ----------
    VanderWeele, T. J. and Ding, P. (2017). Sensitivity analysis in observational research:
    introducing the E-value. Annals of Internal Medicine 167, 268-274.
    https://doi.org/10.7326/M16-2607

    Examples
    --------
    >>> import cxkit as cx
    >>> found = cx.e_value(0.8, low=0.71, high=0.91)
    >>> round(found.estimate, 2), round(found.limit, 2)
    (1.81, 1.43)
    """
    check_choice("measure", measure, get_args(Ratio))
    check_choice("outcome", outcome, ("common", "rare"))
    if measure == "standardised difference":
        ratio = float(np.exp(0.91 * value))
        if se is not None:
            ends = [float(np.exp(0.91 * value + sign * 1.78 * se)) for sign in (-1, 1)]
            return _of(ratio, *ends, method="exp(0.91 d)")
        given = [None if g is None else float(np.exp(0.91 * g)) for g in (low, high)]
        return _of(ratio, *given, method="exp(0.91 d)")
    for one in (value, low, high):
        if one is not None and not (is_real(one) and one > 0):
            raise QuestionError(
                f"e_value: {one!r} is not a {measure}.\n  A ratio lies above 0; give a difference"
                ' with measure="standardised difference".'
            )
    if (low is not None and low > value) or (high is not None and high < value):
        raise QuestionError(
            f"e_value: the limits {low!r} and {high!r} do not lie about the estimate {value!r}.\n"
            "  Give low below it and high above it, on the same scale."
        )
    if measure == "risk ratio" or outcome == "rare":
        return _of(value, low, high, method=measure + (", rare" if measure[0] != "r" else ""))
    turned = [None if g is None else _as_risk_ratio(g, measure) for g in (value, low, high)]
    return _of(turned[0] or 1.0, turned[1], turned[2], method=f"{measure}, common outcome")


def _as_risk_ratio(value: float, measure: str) -> float:
    """Return an odds or hazard ratio of a common outcome as a risk ratio, approximately."""
    root = float(np.sqrt(value))
    return root if measure == "odds ratio" else (1 - 0.5**root) / (1 - 0.5 ** (1 / root))


def _of(ratio: float, low: float | None, high: float | None, *, method: str) -> EValue:
    """Return the E-values of a risk ratio and its limits."""
    nearer = low if ratio >= 1 else high
    crosses = nearer is not None and (nearer <= 1 if ratio >= 1 else nearer >= 1)
    return EValue(
        risk_ratio=ratio,
        low=low,
        high=high,
        estimate=_needed(ratio),
        limit=None if nearer is None else 1.0 if crosses else _needed(nearer),
        method=method,
    )


def _needed(ratio: float) -> float:
    """Return the E-value of one risk ratio."""
    up = ratio if ratio >= 1 else 1 / ratio
    return float(up + np.sqrt(up * (up - 1)))
