"""Leaving within a fixed window as a logit, and what it means in percentage points."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np
import pandas as pd

from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_choice, check_level, need_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: A level of a text column with a smaller share of the rows is pooled with the other small ones.
SMALL_LEVEL = 0.05

#: How far a fitted probability is kept from 0 and 1 when it is judged.
FLOOR = 1e-6


def average_marginal_effects(
    frame: pd.DataFrame,
    *,
    outcome: str,
    predictors: Sequence[str],
    binary: Literal["difference", "slope"] = "difference",
    level: float = 0.95,
) -> pd.DataFrame:
    """Return by how many percentage points each predictor moves the chance of an outcome.

    Parameters
    ----------
    frame : DataFrame of shape (n, k)
        One row per customer.
    outcome : str
        Column of 0 and 1, or true and false: left within the horizon, say.
    predictors : list of str
        Numeric or yes/no columns, in their own units; all of them are in one model.
    binary : "difference" or "slope"
        What the effect of a column of 0 and 1 is: the mean difference of the probability at 1 and
        at 0, or the mean slope.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    DataFrame
        One row per predictor with the columns of an Estimate (percentage points per unit of the
        predictor), ``predictor``, ``z`` and ``p``.

    Raises
    ------
    ColumnError
        A column is not there.
    QuestionError
        A predictor is text; the outcome does not vary; or a predictor tells it perfectly, so that
        no coefficient is finite.

    Notes
    -----
    P(y = 1) = 1 / (1 + exp(-x'b)); the effect of x_k is the mean over the rows of b_k p (1 - p), or
    of p(x_k = 1) - p(x_k = 0). Standard errors by the delta method; intervals are normal. Rows with
    a missing value are left out and counted in ``n_missing``. ``statsmodels`` Logit and its
    ``get_margeff(at="overall")``; the default ``dummy=False`` is overridden.

    References
    ----------
    Greene, W. H. (2003). Econometric Analysis, 5th ed., table 21.1. Prentice Hall.
    Bartus, T. (2005). Estimation of marginal effects using margeff. Stata Journal 5(3), 309-329.
    https://doi.org/10.1177/1536867X0500500303

    Examples
    --------
    >>> import cxkit as cx
    >>> frame = pd.DataFrame({"left": [0, 1, 0, 1, 0, 0, 1, 0], "late": [0, 1, 1, 1, 0, 0, 0, 1]})
    >>> found = cx.average_marginal_effects(frame, outcome="left", predictors=["late"])
    >>> float(found["value"].iloc[0].round(1))
    25.0
    """
    from scipy.stats import norm
    from statsmodels.discrete.discrete_model import Logit

    level = check_level(level)
    check_choice("binary", binary, ("difference", "slope"))
    need_columns(frame, [outcome, *predictors], asked="average_marginal_effects")
    text = [p for p in predictors if not pd.api.types.is_numeric_dtype(frame[p].dtype)]
    if text:
        raise QuestionError(
            f"average_marginal_effects: {text[0]!r} is not a number.\n  Give one column of 0 and 1 "
            "for each of its levels but one, e.g. by pandas.get_dummies(..., drop_first=True)."
        )
    whole = frame[[outcome, *predictors]].dropna().astype(float)
    y = whole[outcome].to_numpy()
    _refuse_constant(y, outcome)
    x = np.column_stack([np.ones(len(whole)), whole[list(predictors)]])
    if separated(y, x).any() or np.linalg.matrix_rank(x) < x.shape[1]:
        _refuse_endless(outcome, predictors)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Logit(y, x).fit(method="newton", maxiter=100, tol=1e-12, disp=False)
        found = fitted.get_margeff(at="overall", dummy=binary == "difference")
    z = float(norm.isf((1 - level) / 2))
    value, se = 100 * found.margeff, 100 * found.margeff_se
    return pd.DataFrame(
        {
            "predictor": list(predictors),
            "metric": [f"average marginal effect of {p} on {outcome}" for p in predictors],
            "measured_in": "percentage points",
            "value": value,
            "low": value - z * se,
            "high": value + z * se,
            "se": se,
            "level": level,
            "n": len(whole),
            "n_missing": len(frame) - len(whole),
            "method": "logit, average marginal effect, delta method",
            "status": "ok",
            "reason": "",
            "z": value / se,
            "p": 2 * norm.sf(np.abs(value / se)),
        }
    )


def design(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a constant, numbers in standard units, levels and yes/no as 0 and 1.

    A missing level is a level of its own; a level with under 5 % of the rows is pooled with the
    other small ones. Which levels are small does not depend on the outcome.
    """
    parts: dict[str, NDArray[np.float64]] = {"(constant)": np.ones(len(frame))}
    for column in columns:
        given = frame[column]
        if pd.api.types.is_numeric_dtype(given.dtype):
            values = given.to_numpy(float, na_value=np.nan)
            spread = values.std()
            plain = np.isin(values, (0.0, 1.0)).all()
            if spread > 0:
                parts[column] = values if plain else (values - values.mean()) / spread
            continue
        text = given.astype("string").fillna("(missing)").astype(object)
        shares = text.value_counts(normalize=True)
        small = shares.index[shares < SMALL_LEVEL]
        if len(small) > 1:
            text = text.where(~text.isin(small), "(small levels)")
        # the largest level is the one compared with, so that the others are well told
        for name in text.value_counts().index[1:]:
            parts[f"{column}: {name}"] = (text == name).to_numpy(float)
    return pd.DataFrame(parts, index=frame.index)


def coefficients(
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    *,
    start: NDArray[np.float64] | None = None,
    offset: NDArray[np.float64] | None = None,
    most: int = 35,
) -> NDArray[np.float64]:
    """Return logit coefficients by Newton's method; separated ones stop where the steps do."""
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Logit(y, x, offset=offset, check_rank=False)
        try:
            fitted = model.fit(
                start_params=start, method="newton", maxiter=most, disp=False, skip_hessian=True
            )
        except np.linalg.LinAlgError:  # steps that leave for infinity; GLM's least squares do not
            fitted = GLM(y, x, offset=offset, family=Binomial()).fit(maxiter=most)
    return np.nan_to_num(np.asarray(fitted.params, float))


def chances(x: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return fitted probabilities, kept a millionth away from 0 and 1."""
    from scipy.special import expit

    return np.clip(expit(x @ b), FLOOR, 1 - FLOOR)


def log_losses(y: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each row's log-loss: minus the log of the probability given to what happened."""
    return -np.where(y > 0, np.log(p), np.log1p(-p))


def separated(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.int_]:
    """Return for each column 1 or -1 where its coefficient runs away upward or downward, else 0."""
    from scipy.optimize import linprog

    signed = np.unique(np.where(y > 0, 1.0, -1.0)[:, None] * x, axis=0)
    limits = [(-1.0, 1.0)] * x.shape[1]
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=limits)
    if found.x is None or -found.fun < 1e-7:
        return np.zeros(x.shape[1], int)
    return np.where(np.abs(found.x) > 1e-7, np.sign(found.x), 0).astype(int)


def _refuse_endless(outcome: str, predictors: Sequence[str]) -> NoReturn:
    """Refuse data in which no finite coefficient exists, or two predictors are one."""
    raise QuestionError(
        f"average_marginal_effects: no finite effect on {outcome!r} exists: a predictor among "
        f"{', '.join(predictors)} tells it perfectly in some rows, or repeats another one.\n  See "
        "the guards 'separation' and 'collinearity' for what can still be said, or leave it out."
    )


def _refuse_constant(y: NDArray[np.float64], outcome: str) -> None:
    """Refuse an outcome that is not two values, 0 and 1, both of them seen."""
    seen = set(np.unique(y))
    if seen != {0.0, 1.0}:
        shown = ", ".join(f"{v:g}" for v in sorted(seen)[:5]) or "nothing"
        raise QuestionError(
            f"column {outcome!r} holds {shown}; an outcome is 0 for some rows and 1 for others.\n"
            "  Make it a column of 0 and 1 that both occur."
        )
