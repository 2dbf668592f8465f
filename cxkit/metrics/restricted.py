"""The mean time up to a limit, where cases come from the same people or end otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cxkit.metrics.answers import no_data, nobody_answered
from cxkit.metrics.incidence import clustered, felt, share_ended, steps_of
from cxkit.results import Estimate

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from cxkit.metrics.durations import Spells


def mean_up_to(
    cases: Spells,
    codes: NDArray[np.int64],
    tau: float,
    *,
    metric: str,
    measured_in: str,
    level: float,
    clusters: pd.Series | None,
) -> Estimate:
    """Return the mean time up to ``tau`` until cause 0, all of ``tau`` where it never comes.

    Notes
    -----
    tau less the area under the share ended by the cause. That area is linear in the shares, so the
    influence of a case on it is the area under its influences on them; squared and added up as in
    :func:`ended_by`. Without other ends it is the area under the Kaplan-Meier curve, and its
    variance sum A_k^2 d_k / (n_k (n_k - d_k)).
    """
    metric = f"{metric} (mean up to {tau:g} {measured_in})"
    about: dict[str, Any] = {"level": level, "n": cases.n, "n_missing": cases.n_missing}
    other = bool((codes > 0).any())
    method = f"{'Aalen-Johansen' if other else 'Kaplan-Meier'} area"
    if not cases.n:
        reason = nobody_answered(cases.n_missing)
        return no_data(metric, measured_in, **about, method=method, reason=reason)
    # Also refuses a tau beyond all that were followed, and has the limits where no spread is seen.
    end = share_ended(
        cases, codes, 0, time=tau, metric=metric, level=level, n_missing=0, clusters=clusters
    )
    steps = steps_of(cases, codes, max(int(codes.max()) + 1, 1))
    i = int(np.searchsorted(steps.times, tau, side="right"))
    share, reach = steps.incidence(0)[:i], tau - steps.times[:i]
    area = share * np.diff(np.append(steps.times[:i], tau))
    lost = area[::-1].cumsum()[::-1]
    influence = np.zeros(len(codes))
    if i:
        influence = felt(cases, codes, steps, 0, reach=reach, to_come=lost - share * reach)
    robust = clustered(influence, cases.weight, clusters, level=level)
    if robust.se is None or end.low is None or end.high is None:
        return no_data(metric, measured_in, **about, method=method, reason=robust.said)
    value = float(tau - area.sum())
    low, high = value - robust.half, value + robust.half
    method += robust.said
    if robust.half < 1e-9 * tau:
        low, high = tau * (1 - end.high / 100), tau * (1 - end.low / 100)
        method += "; limits from the share not ended"
    return Estimate(
        metric=metric,
        measured_in=measured_in,
        value=value,
        low=float(np.clip(low, 0, value)),
        high=float(np.clip(high, value, tau)),
        se=robust.se,
        **about,
        method=method,
    )
