"""Before the data: how many answers a question takes, and what so many can show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from scipy.special import ndtri

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import Scale, check_level, check_scale, is_real
from cxkit.results import Difference, Estimate

Planned: TypeAlias = 'Literal["nps", "share", "mean"] | Estimate'


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many answers a question takes or what so many can show, with what was assumed.

    ``size`` is the difference (or, without ``power``, half the width of the interval) in the unit
    of ``measured_in``; ``n`` and ``n_other`` are the answers in each group, ``spread`` the standard
    deviation of one answer in the unit of the metric. Where there is no number ``reason`` says why.
    """

    metric: str
    measured_in: str
    size: float | None
    n: int | None
    n_other: int | None
    spread: float | None
    assumed: str
    level: float
    power: float | None
    status: Literal["ok", "no data", "not reached"] = "ok"
    reason: str = ""

    def __str__(self) -> str:
        """Say the plan in a sentence with its assumption, or why there is none."""
        if self.size is None or self.n is None:
            return f"{self.metric}: {self.status}. {self.reason}"
        size = markup.size(self.size, self.measured_in)
        label = markup.percent_label(self.level)
        if self.power is None:
            answers = "answer" if self.n == 1 else "answers"
            return (
                f"{self.metric}: {self.n:,} {answers} give a {label} interval of ± {size} "
                f"(assumed: {self.assumed})."
            )
        groups = f"{self.n:,} answers" + (
            " in each of two groups"
            if self.n_other in (None, self.n)
            else f" in one group and {self.n_other:,} in the other"
        )
        return (
            f"{self.metric}: with {groups} a difference of {size} is seen with "
            f"{markup.percent_label(self.power)} power (two-sided, {label} level; assumed: "
            f"{self.assumed})."
        )

    def _repr_html_(self) -> str:
        return f'<p class="cx-estimate">{markup.escape(self)}</p>'


def units_needed(r: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Return how many units (or people) a correlation of size ``r`` takes to be seen, two-sided.

    Question: how many units does a correlation take? Interval: none, a plan.

    Parameters
    ----------
    r : float
        The correlation that is there, between -1 and 1 and not 0.
    power : float, default 0.8
        The chance to see it.
    alpha : float, default 0.05
        The chance to see one where there is none.

    Returns
    -------
    int
        Units, at least 4.

    Raises
    ------
    QuestionError
        ``r`` is 0 or beyond 1, or ``power`` or ``alpha`` is no chance.

    Notes
    -----
    ((z_{1 - alpha/2} + z_power) / atanh r)^2 + 3, rounded up; nothing is measured, so nothing can
    be missing.

    References
    ----------
    Fisher, R. A. (1921). On the probable error of a coefficient of correlation. Metron 1, 3-32.

    Cohen, J. (1992). A power primer. Psychological Bulletin 112(1), 155-159.
    doi:10.1037/0033-2909.112.1.155

    Examples
    --------
    >>> import cxkit as cx
    >>> [cx.units_needed(r) for r in (0.10, 0.18, 0.20, 0.25, 0.33)]
    [783, 240, 194, 124, 70]
    """
    if not (is_real(r) and 0 < abs(r) <= 1):
        raise QuestionError(
            f"units_needed: no number of units shows a correlation of {r!r}.\n"
            "  Write a size between -1 and 1 that is not 0, e.g. 0.2."
        )
    z = _z(1 - alpha, power, asked="units_needed")
    return max(math.ceil((z / math.atanh(abs(r))) ** 2 + 3 - 1e-9), 4) if abs(r) < 1 else 4


def responses_needed(
    metric: Planned,
    *,
    margin: float | None = None,
    difference: float | None = None,
    spread: float | None = None,
    share: float = 50.0,
    scale: Scale = (1, 5),
    design_effect: float = 1.0,
    level: float = 0.95,
    power: float = 0.8,
) -> Plan:
    """Return how many answers give a margin of error, or show a difference of two groups.

    Question: how many answers does it take? Interval: none, a plan.

    Parameters
    ----------
    metric : {"nps", "share", "mean"} or Estimate
        What will be measured. An Estimate of earlier answers of the same metric takes its value and
        spread from them, repeated answers and weights included.
    margin : float, optional
        Half the width of the interval wanted: points, percentage points or scale points.
    difference : float, optional
        The difference of two groups of equal size to be seen, in the same unit; for shares signed,
        from ``share`` up or down. Give this or ``margin``.
    spread : float, optional
        Standard deviation of one answer: points for "nps", scale points for "mean". None assumes
        evenly spread answers: promoters, passives and detractors a third each (81.6 points), or
        every answer of ``scale`` alike.
    share : float, default 50
        Share of yes in the first group, in percent; 50 is the costliest.
    scale : (low, high), default (1, 5)
        Ends of the scale of "mean".
    design_effect : float, default 1
        How many times the variance is that of independent answers (customers who answer twice,
        weights). An Estimate already holds its own.
    level : float, default 0.95
        Level of the interval; a difference is seen where its interval leaves out 0. In a family of
        m tests write ``1 - 0.05 / m``.
    power : float, default 0.8
        The chance to see the difference.

    Returns
    -------
    Plan
        ``n`` answers (in each group), not people to be asked: divide by the expected share who
        answer. Its text states what was assumed.

    Raises
    ------
    QuestionError
        Neither or both of ``margin`` and ``difference``, a size that is not above 0 or leads out of
        0 to 100 %, a metric that is not of single answers.

    Notes
    -----
    Margin: (z sd / margin)^2. Difference of NPS: 2 ((z_{1 - alpha/2} + z_power) sd / d)^2 a group.
    Shares: (z_{1 - alpha/2} sqrt(2 p q) + z_power sqrt(p1 q1 + p2 q2))^2 / d^2 with the mean share
    p, as in R's ``power.prop.test``. Means: Student's t for the margin and the noncentral t of
    ``statsmodels.stats.power.TTestIndPower`` for the difference, as in R's ``power.t.test``. All
    times the design effect, rounded up. An earlier Estimate without a spread (no answer, or all
    alike) gives the status "no data".

    References
    ----------
    Fleiss, J. L., Levin, B. and Paik, M. C. (2003). Statistical Methods for Rates and Proportions,
    3rd ed., chapter 4. doi:10.1002/0471445428

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.responses_needed("share", margin=5))
    Share: 385 answers give a 95 % interval of ± 5.0 percentage points (assumed: a share of 50 %).
    >>> print(cx.responses_needed("nps", difference=10))
    NPS: with 1,047 answers in each of two groups a difference of 10.0 points is seen with 80 %
    power (two-sided, 95 % level; assumed: promoters, passives and detractors a third each).
    """
    level = check_level(level)
    size = difference if margin is None else margin
    if size is None or (margin is not None and difference is not None):
        raise QuestionError(
            "responses_needed: write margin=... (half the width of the interval) or "
            "difference=... (between two groups), one of them."
        )
    if not math.isfinite(size) or size == 0 or (margin is not None and margin < 0):
        raise QuestionError(
            f"responses_needed: a size of {size:g} takes no finite number of answers.\n"
            "  Write a size above 0, in the unit of the metric."
        )
    z = _z(level, power if margin is None else 0.5, asked="responses_needed")
    found = _assume(metric, spread=spread, share=share, scale=scale, effect=design_effect)
    if found.sd is None:
        return _plan(found, level=level, power=None if margin else power, reason=found.reason)
    relative = found.sd / abs(size)
    if found.kind == "share" and margin is None:
        p1, p2 = found.base / 100, (found.base + size) / 100
        if not 0 <= p2 <= 1:
            raise QuestionError(
                f"responses_needed: {found.base:g} % and a difference of {size:g} percentage "
                f"points lead to {100 * p2:g} %.\n  Write one that stays between 0 and 100 %."
            )
        n = (_share_z(p1, p2, 1, 1, level, power) / abs(p2 - p1)) ** 2
    elif margin is not None:
        n = (z * relative) ** 2
        while found.kind == "mean" and n < (need := (_t(n, level) * relative) ** 2) - 1e-6:
            n = min(need, n + 1)
    else:
        n = 2 * (z * relative) ** 2
        if found.kind == "mean":
            n = max(math.floor(n), 2)
            while _t_power(1 / relative, n, level) < power:
                n += 1
    return _plan(
        found,
        level=level,
        power=power if margin is None else None,
        size=abs(size),
        n=max(math.ceil(n * found.effect - 1e-9), 2 if found.kind == "mean" else 1),
    )


def smallest_change(
    metric: Planned | Difference,
    *,
    n: int | None = None,
    n_before: int | None = None,
    spread: float | None = None,
    share: float = 50.0,
    scale: Scale = (1, 5),
    design_effect: float = 1.0,
    level: float = 0.95,
    power: float = 0.8,
) -> Plan:
    """Return the smallest change between two groups or periods that so many answers can show.

    Question: what change could these answers have shown? Interval: none, a plan.

    Parameters
    ----------
    metric : {"nps", "share", "mean"}, Estimate or Difference
        What is measured. An Estimate gives its value, spread and n; a Difference its standard error
        and level: what these very data could have shown.
    n, n_before : int, optional
        Answers in the one group and the other. By default those of the Estimate, and as many
        before.
    spread, share, scale, design_effect : optional
        What one answer is like, as in :func:`responses_needed`.
    level : float, default 0.95
        A change is seen where its interval of this level leaves out 0. A Difference brings its own.
    power : float, default 0.8
        The chance to see it.

    Returns
    -------
    Plan
        ``size`` in points, percentage points or scale points. From a share, the change towards
        50 %, the harder to see. Status "not reached" where no change of a share could be seen, and
        "no data" where nothing is known of the spread; the reason says it.

    Raises
    ------
    QuestionError
        Fewer than 2 answers or none given, or a metric that is not of single answers.

    Notes
    -----
    (z_{1 - alpha/2} + z_power) sd sqrt(1 / n + 1 / n_before); shares solve the formula of
    :func:`responses_needed`, means the noncentral t (``statsmodels.stats.power.TTestIndPower``). It
    says what could have been seen, not how likely the observed change was: power at the observed
    change only repeats its p-value.

    References
    ----------
    Hoenig, J. M. and Heisey, D. M. (2001). The abuse of power: the pervasive fallacy of power
    calculations for data analysis. The American Statistician 55(1), 19-24.
    doi:10.1198/000313001300339897

    Examples
    --------
    >>> import cxkit as cx
    >>> print(cx.smallest_change("nps", n=400))
    NPS: with 400 answers in each of two groups a difference of 16.2 points is seen with 80 %
    power (two-sided, 95 % level; assumed: promoters, passives and detractors a third each).
    """
    if isinstance(metric, Difference):
        return _of_difference(metric, power=power)
    level = check_level(level)
    z = _z(level, power, asked="smallest_change")
    found = _assume(metric, spread=spread, share=share, scale=scale, effect=design_effect)
    if found.sd is None:
        return _plan(found, level=level, power=power, reason=found.reason)
    now = n if n is not None else found.n
    before = n_before if n_before is not None else now
    if now is None or before is None or min(now, before) < 2:
        raise QuestionError(
            f"smallest_change: n={now} and n_before={before} leave a group without a spread.\n"
            "  Write n=..., the answers in each group, at least 2."
        )
    one, other = now / found.effect, before / found.effect
    size: float | None = z * found.sd * math.sqrt(1 / one + 1 / other)
    if found.kind == "mean":
        from statsmodels.stats.power import TTestIndPower

        size = found.sd * float(
            TTestIndPower().solve_power(
                nobs1=max(one, 2.0), ratio=other / one, alpha=1 - level, power=power
            )
        )
    elif found.kind == "share":
        size = _smallest_share(found.base / 100, one, other, level, power)
    reason = "" if size is not None else "So few answers cannot show any change of this share."
    return _plan(found, level=level, power=power, size=size, n=now, n_other=before, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Assumed:
    """What one answer of a metric is taken to be like; ``sd`` None where nothing is known."""

    name: str
    kind: Literal["nps", "share", "mean"]
    unit: str
    sd: float | None
    base: float
    effect: float
    text: str
    n: int | None = None
    reason: str = ""


_KINDS: dict[str, Literal["nps", "share", "mean"]] = {
    "points": "nps",
    "%": "share",
    "score": "mean",
}
_UNITS = {"nps": "points", "share": "percentage points", "mean": "score"}


def _assume(
    metric: Planned, *, spread: float | None, share: float, scale: Scale, effect: float
) -> _Assumed:
    """Return what one answer is taken to be like, from earlier answers or by assumption."""
    if not effect > 0 or (spread is not None and not spread > 0):
        raise QuestionError(
            f"design_effect={effect!r} or spread={spread!r} is not above 0.\n"
            "  Independent answers have a design effect of 1."
        )
    if isinstance(metric, Estimate):
        return _like(metric, effect=effect, spread=spread)
    if metric == "nps":
        sd = spread if spread is not None else 100 * math.sqrt(2 / 3)
        text = "promoters, passives and detractors a third each"
        name = "NPS"
    elif metric == "share":
        if not 0 < share < 100:
            raise QuestionError(f"share={share!r} is not between 0 and 100 %.\n  Write e.g. 60.")
        sd, text, name = math.sqrt(share * (100 - share)), f"a share of {share:g} %", "Share"
    elif metric == "mean":
        low, high = check_scale(scale, asked="mean")
        sd = spread if spread is not None else math.sqrt(((high - low + 1) ** 2 - 1) / 12)
        text, name = f"every answer from {low:g} to {high:g} alike", "Mean"
    else:
        raise QuestionError(
            f"metric={getattr(metric, '__name__', metric)!r} cannot be planned for.\n"
            '  Write "nps", "share" or "mean", or give an Estimate of earlier answers.'
        )
    if spread is not None and metric != "share":
        text = f"one answer spreads by {markup.quantity(spread, _UNITS[metric])}"
    if effect != 1:
        text += f", design effect {effect:g}"
    return _Assumed(
        name=name, kind=metric, unit=_UNITS[metric], sd=sd, base=share, effect=effect, text=text
    )


def _like(e: Estimate, *, effect: float, spread: float | None) -> _Assumed:
    """Return what one answer was like in earlier data; the sd holds their own design effect."""
    kind = _KINDS.get(e.measured_in)
    if kind is None:
        raise QuestionError(
            f"{e.metric} is measured in {e.measured_in}: it is not planned for by its answers.\n"
            "  Give an NPS, a share or a mean; for a correlation use cx.units_needed."
        )
    sd, base = spread, e.value if e.value is not None else 0.0
    if sd is None and e.se:
        sd = e.se * math.sqrt(e.n)
    if sd is not None and kind == "share" and 0 < base < 100:
        effect, sd = effect * sd**2 / (base * (100 - base)), math.sqrt(base * (100 - base))
    why = e.reason or "All earlier answers are alike: they tell nothing of the spread."
    text = (
        f"answers like the {e.n:,} at hand"
        if spread is None
        else f"one answer spreads by {markup.quantity(spread, _UNITS[kind])}"
    )
    return _Assumed(
        name=e.metric,
        kind=kind,
        unit=_UNITS[kind],
        sd=sd,
        base=base,
        effect=effect,
        text=text,
        n=e.n,
        reason="" if sd is not None else why,
    )


def _plan(
    found: _Assumed,
    *,
    level: float,
    power: float | None,
    size: float | None = None,
    n: int | None = None,
    n_other: int | None = None,
    reason: str = "",
) -> Plan:
    """Return a Plan; without a size or n it says why."""
    whole = size is not None and n is not None
    return Plan(
        metric=found.name,
        measured_in=found.unit,
        size=size,
        n=n,
        n_other=n_other if n_other is not None else n,
        spread=found.sd,
        assumed=found.text,
        level=level,
        power=power,
        status="ok" if whole else "no data" if found.sd is None else "not reached",
        reason=reason,
    )


def _of_difference(d: Difference, *, power: float) -> Plan:
    """Return the smallest difference that the data of a Difference could have shown."""
    z = _z(d.level, power, asked="smallest_change")
    known = bool(d.se)
    return Plan(
        metric=d.metric,
        measured_in=d.measured_in,
        size=z * d.se if d.se else None,
        n=d.n_a,
        n_other=d.n_b,
        spread=None,
        assumed="the spread of these answers",
        level=d.level,
        power=power,
        status="ok" if known else "no data",
        reason="" if known else d.reason or "All answers are alike: their spread is not known.",
    )


def _z(level: float, power: float, *, asked: str) -> float:
    """Return z of a two-sided level plus z of the power (0 for a power of one half)."""
    if not (0 < power < 1 and 0 < level < 1):
        raise QuestionError(
            f"{asked}: level {level:g} and power {power:g} must lie between 0 and 1.\n"
            "  The usual ones are 0.95 and 0.8."
        )
    return float(ndtri((1 + level) / 2) + ndtri(power))


def _share_z(p1: float, p2: float, n1: float, n2: float, level: float, power: float) -> float:
    """Return the difference that two shares must exceed, for n1 and n2 answers."""
    p = (n1 * p1 + n2 * p2) / (n1 + n2)
    null = math.sqrt(p * (1 - p) * (1 / n1 + 1 / n2))
    there = math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    return float(ndtri((1 + level) / 2)) * null + float(ndtri(power)) * there


def _smallest_share(p1: float, n1: float, n2: float, level: float, power: float) -> float | None:
    """Return the smallest change of a share towards 50 %, in percentage points, or None."""
    from scipy.optimize import brentq

    end = 1.0 if p1 <= 0.5 else 0.0

    def short(p2: float) -> float:
        return _share_z(p1, p2, n1, n2, level, power) - abs(p2 - p1)

    if short(end) > 0:
        return None
    return 100 * abs(float(brentq(short, p1, end)) - p1)


def _t(n: float, level: float) -> float:
    """Return Student's t for the margin of a mean of n answers."""
    from scipy.special import stdtrit

    return float(stdtrit(max(n - 1, 1.0), (1 + level) / 2))


def _t_power(effect: float, n: float, level: float) -> float:
    """Return the power of the two-sample t-test with n answers in each group."""
    from statsmodels.stats.power import TTestIndPower

    return float(TTestIndPower().power(effect, n, 1 - level))
