"""What would become of customers if they were in another band: retention one by one, and summed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxkit.retention.hazard import refits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cxkit.retention.hazard import Hazard

#: Draws of the coefficients and of the customers together; bootstrap samples with a fit for each.
DRAWS, SAMPLES = 1000, 200

#: What `hazard.fit` calls the levels of a column that it pooled.
POOLED = "(small levels)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the customers moved, one row per draw (or one in all), one column per group.

    ``kept`` counts customers, ``revenue`` is in the unit of their value; ``now`` and ``then`` are
    the customers expected to have left by the horizon as they are, and once moved.
    """

    kept: NDArray[np.float64]
    revenue: NDArray[np.float64]
    now: NDArray[np.float64]
    then: NDArray[np.float64]


def retained_in(
    model: Hazard, rows: pd.DataFrame, bands: pd.Series, b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the chance of each customer to stay to the horizon, were they in these bands.

    Shape (draws, customers): S = exp(-sum over months of exp(x'b)), each with what the model holds
    equal for them; ``b`` has one row of coefficients per draw.
    """
    months = np.zeros(len(model.terms))
    x = np.zeros((len(rows), len(model.terms)))
    for j, (column, value) in enumerate(model.terms):
        if isinstance(value, tuple):
            months[j] = max(0, min(value[1], model.horizon) - value[0] + 1)
        elif column == "band":
            x[:, j] = bands.astype(str) == value
        else:
            levels = set(model.people[column])
            own = rows[column].astype("string").fillna("(missing)").astype(object)
            x[:, j] = own.where(own.isin(levels), POOLED) == value
    baseline = np.exp(b[:, months > 0]) @ months[months > 0]
    return np.exp(-baseline[:, None] * np.exp(b @ x.T))


def totals(
    model: Hazard,
    rows: pd.DataFrame,
    *,
    to: str,
    groups: NDArray[np.intp],
    b: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> Totals:
    """Sum over the customers to be moved: who is kept, what they bring, who leaves either way.

    ``groups`` numbers each customer's group; ``weights`` of shape (draws, customers) say how often
    each is in a draw's sample.
    """
    now = retained_in(model, rows, rows["band"], b)
    then = retained_in(model, rows, pd.Series(to, index=rows.index), b)
    w = np.ones_like(now) if weights is None else weights
    value = rows["value"].to_numpy(float) if "value" in rows else np.zeros(len(rows))
    member = np.eye(int(groups.max()) + 1)[groups]
    member = np.column_stack([member, np.ones(len(rows))])  # the last one is everybody
    gained = w * (then - now)
    return Totals(
        kept=gained @ member,
        revenue=(gained * np.nan_to_num(value)) @ member,
        now=(w * (1 - now)) @ member,
        then=(w * (1 - then)) @ member,
    )


def draws(
    model: Hazard,
    rows: pd.DataFrame,
    *,
    to: str,
    groups: NDArray[np.intp],
    n: int,
    rng: np.random.Generator,
) -> Totals:
    """Return totals under drawn coefficients, each on a drawn sample of the ``n`` customers."""
    root = np.linalg.cholesky(model.covariance + 1e-12 * np.eye(len(model.terms)))
    normal = rng.standard_normal((DRAWS, len(model.terms)))
    # the customers not below the cut are one cell of the multinomial
    even = np.append(np.full(len(rows), 1 / n), max(0.0, 1 - len(rows) / n))
    weights = rng.multinomial(n, even / even.sum(), size=DRAWS)[:, :-1].astype(float)
    return totals(
        model, rows, to=to, groups=groups, b=model.coefficients + normal @ root.T, weights=weights
    )


def samples(
    model: Hazard,
    spells: pd.DataFrame,
    *,
    below: NDArray[np.bool_],
    to: str,
    groups: NDArray[np.intp],
    rng: np.random.Generator,
) -> Totals:
    """Return totals of bootstrap samples of customers, each with its own fit.

    ``below`` says which of the ``spells`` are below the cut, ``groups`` numbers the group of each
    of them.
    """
    n = len(spells)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=SAMPLES).astype(float)
    return totals(
        model,
        spells[below].reset_index(drop=True),
        to=to,
        groups=groups,
        b=refits(model, spells, weights=weights),
        weights=weights[:, below],
    )
