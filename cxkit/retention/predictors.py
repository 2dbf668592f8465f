"""Which of several measures predicts best: same customers, same controls, none of them seen."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from cxkit.disclosure import count_said, leavers
from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_choice, check_level, need_columns
from cxkit.metrics.families import holm
from cxkit.retention.asked import Depth
from cxkit.retention.auc import placements
from cxkit.retention.folds import by_customer, forward, out_of_fold
from cxkit.retention.hazard import EXITS_PER_PARAMETER
from cxkit.retention.judging import BASELINE, Judge, adjusted, calibration, gains_frame
from cxkit.retention.logit import design, log_losses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cxkit.results import Difference


#: Folds and bootstrap samples; quick takes normal intervals of the paired differences.
FOLDS = {"quick": 5, "full": 10}
SAMPLES = {"quick": 0, "full": 2000}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Measures compared as predictors of one outcome, for customers the fit has not seen.

    Attributes
    ----------
    scores : DataFrame
        One row per measure, the baseline first: measure, n, exits, log_loss, gain (percent of the
        baseline's log-loss), gain_low, gain_high, p, p_adjusted, family, auc, auc_low, auc_high,
        auc_gain, auc_gain_low, auc_gain_high, auc_p, auc_p_adjusted, brier, calibration_intercept,
        calibration_slope.
    gains : tuple of Difference
        Each measure against the baseline, in percent of its log-loss, Holm in that family.
    pairs : tuple of Difference
        Each measure against each other one, Holm in that family; positive if the first is better.
    forward : DataFrame or None
        measure, n, exits, log_loss, gain, gain_low, gain_high: fitted earlier, judged later.
    forward_known : bool or None
        Whether the outcomes fitted to were known when the first customers judged came up.
    within : DataFrame
        The gains within each level of each segment: segment, level, measure, n, exits, gain,
        gain_low, gain_high, p, p_adjusted, family.
    losses : DataFrame
        Each row's log-loss under each measure.
    """

    scores: pd.DataFrame
    gains: tuple[Difference, ...]
    pairs: tuple[Difference, ...]
    forward: pd.DataFrame | None
    forward_known: bool | None
    within: pd.DataFrame
    losses: pd.DataFrame
    n: int
    n_missing: int
    customers: int
    exits: int
    folds: int
    samples: int
    level: float


def compare_predictors(
    frame: pd.DataFrame,
    *,
    outcome: str,
    measures: Mapping[str, Sequence[str]],
    controls: Sequence[str] = (),
    customer: str = "",
    came_up: str = "",
    settled: str = "",
    segments: Sequence[str] = (),
    depth: Depth = "quick",
    seed: int = 0,
    level: float = 0.95,
) -> Comparison:
    """Compare measures by how well they predict an outcome of customers the fit has not seen.

    Parameters
    ----------
    frame : DataFrame of shape (n, k)
        One row per customer, or several with ``customer``.
    outcome : str
        Column of 0 and 1, or true and false.
    measures : dict of str to list of str
        Name of each measure, and its columns: one for a score, several for a set.
    controls : list of str
        Columns that every model holds.
    customer : str
        Column that names the customer; "" where a row is one.
    came_up, settled : str
        Days on which a customer comes up and on which the outcome is settled; "" for no splits
        forward in time.
    segments : list of str
        Text columns within whose levels the gains are shown.
    depth : "quick" or "full"
        5 folds and normal intervals, or 10 folds and 2,000 bootstrap samples of customers.
    seed : int
        Of the folds and samples.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    Comparison

    Raises
    ------
    ColumnError
        A column is not there.
    QuestionError
        Fewer than 20 customers have the outcome, or fewer than 20 have not.

    Notes
    -----
    Only rows in which every measure is known are used, so that all are judged on the same
    customers. Log-loss is -mean[y log p + (1 - y) log(1 - p)] with p from a logit fitted without
    the customer's fold; the gain is what a measure saves of the controls' log-loss, in percent, its
    interval from the paired differences per customer (linearised ratio), which does not hold the
    chance of the fits themselves. AUC of these same p by DeLong, Brier score mean (y - p)^2;
    calibration: slope of y on logit p (1 is right), and intercept with the slope held at 1 (0 is
    right). ``statsmodels`` Logit throughout.

    References
    ----------
    DeLong, E. R. et al. (1988). Biometrics 44, 837-845. https://doi.org/10.2307/2531595
    Steyerberg, E. W. et al. (2010). Assessing the performance of prediction models. Epidemiology
    21, 128-138. https://doi.org/10.1097/EDE.0b013e3181c30fb2

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"score": rng.normal(size=400), "noise": rng.normal(size=400)})
    >>> frame["left"] = rng.random(400) < 1 / (1 + np.exp(1 + 1.5 * frame["score"]))
    >>> found = compare_predictors(
    ...     frame, outcome="left", measures={"score": ["score"], "noise": ["noise"]}
    ... )
    >>> [g.direction for g in found.gains]
    ['higher', 'cannot be told']
    """
    level = check_level(level)
    check_choice("depth", depth, get_args(Depth))
    unseen = predict_unseen(
        frame,
        outcome=outcome,
        measures=measures,
        controls=[*controls],
        customer=customer,
        also=[c for c in (came_up, settled, *segments) if c],
        depth=depth,
        seed=seed,
    )
    y, who, losses = unseen.y, unseen.who, unseen.losses
    judge = unseen.judge(level)
    names = list(measures)
    gains = adjusted([judge.gain(name, BASELINE) for name in names])
    pairs = adjusted([judge.gain(a, b) for a, b in combinations(names, 2)])
    most = max(x.shape[1] for x in unseen.designs.values())
    later = None
    if came_up and settled:
        came, known = (unseen.rows[c].to_numpy("M8[D]") for c in (came_up, settled))
        later = forward(y, who, came_up=came, settled=known, parameters=most)
    ahead = None
    if later is not None:
        p_ahead, judged = out_of_fold(y, unseen.designs, later.splits)
        ahead_losses = pd.DataFrame({k: log_losses(y, v) for k, v in p_ahead.items()})[judged]
        ahead_judge = Judge(ahead_losses, who[judged], level=level)
        ahead = gains_frame(ahead_judge, names, y[judged])
    return Comparison(
        scores=_scores(y, unseen.chances, losses, gains, level),
        gains=gains,
        pairs=pairs,
        forward=ahead,
        forward_known=None if later is None else later.known,
        within=_within(unseen, segments, names, level),
        losses=losses,
        n=len(y),
        n_missing=len(frame) - len(y),
        customers=int(who.max()) + 1,
        exits=int(y.sum()),
        folds=FOLDS[depth],
        samples=SAMPLES[depth],
        level=level,
    )


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """Probabilities and losses of rows in which every measure is known, from fits without them."""

    rows: pd.DataFrame
    y: NDArray[np.float64]
    who: NDArray[np.intp]
    designs: dict[str, NDArray[np.float64]]
    chances: dict[str, NDArray[np.float64]]
    losses: pd.DataFrame
    samples: int
    seed: int

    def judge(self, level: float) -> Judge:
        """Return what compares the measures, with its bootstrap if there is one."""
        return Judge(self.losses, self.who, level=level, samples=self.samples, seed=self.seed)


def predict_unseen(
    frame: pd.DataFrame,
    *,
    outcome: str,
    measures: Mapping[str, Sequence[str]],
    controls: Sequence[str],
    customer: str = "",
    also: Sequence[str] = (),
    depth: Depth = "quick",
    seed: int = 0,
) -> Unseen:
    """Predict the outcome of each customer by fits that have not seen them, for every measure."""
    columns = [c for part in measures.values() for c in part]
    named = [outcome, *columns, *controls, *also, *([customer] if customer else [])]
    need_columns(frame, named, asked="compare_predictors")
    whole = frame[frame[[outcome, *columns]].notna().all(axis=1)]
    y = whole[outcome].to_numpy(float)
    who = pd.factorize(whole[customer])[0] if customer else np.arange(len(whole))
    exits = int(y.sum())
    if min(exits, len(y) - exits) < 2 * EXITS_PER_PARAMETER:
        raise QuestionError(
            f"Of the {count_said(len(y))} customers in whom every measure is known "
            f"{leavers(exits, len(y))} left; comparing measures needs {2 * EXITS_PER_PARAMETER} "
            "who left and as many who stayed.\n"
            "  Ask for fewer measures, a longer horizon, or with later data."
        )
    held = design(whole, controls)
    designs = {BASELINE: held.to_numpy()}
    for name, part in measures.items():
        designs[name] = np.column_stack([held, design(whole, part).iloc[:, 1:]])
    rng = np.random.default_rng(seed)
    chances, _ = out_of_fold(y, designs, by_customer(y, who, folds=FOLDS[depth], rng=rng))
    return Unseen(
        rows=whole,
        y=y,
        who=who,
        designs=designs,
        chances=chances,
        losses=pd.DataFrame({k: log_losses(y, v) for k, v in chances.items()}, index=whole.index),
        samples=SAMPLES[depth],
        seed=seed,
    )


def _scores(
    y: NDArray[np.float64],
    p: dict[str, NDArray[np.float64]],
    losses: pd.DataFrame,
    gains: tuple[Difference, ...],
    level: float,
) -> pd.DataFrame:
    """Return one row per measure with everything it is judged by."""
    from scipy.stats import norm

    names = list(p)
    ranked = placements(y, np.vstack([p[name] for name in names]))
    z = float(norm.isf((1 - level) / 2))
    rows = []
    for i, name in enumerate(names):
        se = float(np.sqrt(ranked.covariance[i, i]))
        intercept, slope = calibration(y, p[name])
        rows.append(
            {
                "measure": name,
                "n": len(y),
                "exits": int(y.sum()),
                "log_loss": float(losses[name].mean()),
                "auc": float(ranked.auc[i]),
                "auc_low": float(ranked.auc[i]) - z * se,
                "auc_high": float(ranked.auc[i]) + z * se,
                "brier": float(((y - p[name]) ** 2).mean()),
                "calibration_intercept": intercept,
                "calibration_slope": slope,
            }
        )
    frame = pd.DataFrame(rows)
    over = [ranked.difference(i, 0, names=(n, BASELINE), level=level) for i, n in enumerate(names)]
    auc_p = holm([d.p for d in over[1:]])["p_adjusted"]
    for column, values in {
        "gain": [d.value for d in gains],
        "gain_low": [d.low for d in gains],
        "gain_high": [d.high for d in gains],
        "p": [d.p for d in gains],
        "p_adjusted": [d.p_adjusted for d in gains],
        "family": [d.family for d in gains],
        "auc_gain": [d.value for d in over[1:]],
        "auc_gain_low": [d.low for d in over[1:]],
        "auc_gain_high": [d.high for d in over[1:]],
        "auc_p": [d.p for d in over[1:]],
        "auc_p_adjusted": auc_p.tolist(),
    }.items():
        # the baseline has no gain over itself
        frame[column] = np.append(np.nan, np.asarray(values, dtype=float))
    return frame


def _within(
    unseen: Unseen, segments: Sequence[str], names: list[str], level: float
) -> pd.DataFrame:
    """Return the gains within each level of each segment: fitted on all, judged within."""
    parts = []
    for segment in segments:
        text = unseen.rows[segment].astype("string").fillna("(missing)").to_numpy(object)
        for value in sorted(set(text)):
            inside = text == value
            y = unseen.y[inside]
            if min(int(y.sum()), len(y) - int(y.sum())) < EXITS_PER_PARAMETER:
                continue
            judge = Judge(unseen.losses[inside], unseen.who[inside], level=level)
            part = gains_frame(judge, names, y)
            parts.append(part.assign(segment=segment, level=str(value)))
    columns = ["segment", "level", "measure", "n", "exits", "gain", "gain_low", "gain_high", "p"]
    if not parts:
        return pd.DataFrame(columns=[*columns, "p_adjusted", "family"])
    found = pd.concat(parts, ignore_index=True)[columns]
    adjusted_p = holm(found["p"].tolist())
    return found.assign(
        p_adjusted=adjusted_p["p_adjusted"].to_numpy(), family=adjusted_p["family"].to_numpy()
    )
