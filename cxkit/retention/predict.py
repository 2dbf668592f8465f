"""Which measure of experience predicts staying best, in this study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.metrics.answers import check_choice, check_level
from cxkit.metrics.families import holm
from cxkit.retention import predict_wording as wording
from cxkit.retention.asked import Depth, hold_asked
from cxkit.retention.judging import BASELINE
from cxkit.retention.logit import design
from cxkit.retention.measured import measured
from cxkit.retention.model_guards import (
    beyond_follow_up,
    collinearity,
    few_exits,
    leakage,
    leaky,
    multiplicity,
)
from cxkit.retention.predictors import Comparison, compare_predictors, predict_unseen
from cxkit.retention.separation import separation

if TYPE_CHECKING:
    from cxkit.results import Guard, Note, Table
    from cxkit.study.study import Study


@dataclass(frozen=True, kw_only=True)
class WhichMeasure:
    """Which measure predicts staying best; tables, sentence and guards are ready to read.

    Attributes
    ----------
    comparison : Comparison
        Every number, on the customers in whom all compared measures are known.
    steps : DataFrame
        Who is in the comparison, and who is not: step, customers, reason.
    apart : DataFrame
        Measures that too few gave to be compared with all, each on its own customers: measure, n,
        exits, gain, gain_low, gain_high, p, p_adjusted, family, beside (the first compared
        measure), beside_gain, better, better_low, better_high (against it), reason.
    left_out : tuple of str
        Measures not used, each with its reason.
    """

    comparison: Comparison
    steps: pd.DataFrame
    apart: pd.DataFrame
    left_out: tuple[str, ...]
    table: Table
    pairs: Table | Note
    forward: Table | Note
    within: Table | Note
    on_their_own: Table | Note
    who: Table
    sentence: str
    beside: Note
    guards: tuple[Guard, ...]
    horizon: int
    gap: int
    level: float


def which_measure_predicts(
    study: Study,
    *,
    horizon: int = 12,
    gap: int = 90,
    depth: Depth = "quick",
    seed: int = 0,
    level: float = 0.95,
) -> WhichMeasure:
    """Compare NPS, CSAT, CES, the components and time to resolution as predictors of staying.

    Parameters
    ----------
    study : Study
        With dated customers and at least one scored measure; tickets are used if there are any.
    horizon : int
        Months after the landmark within which leaving is predicted.
    gap : int
        Days between the last answer used and the landmark.
    depth : "quick" or "full"
        5 folds and normal intervals, or 10 folds and 2,000 bootstrap samples of customers.
    seed : int
        Of the folds and samples.
    level : float
        Level of the intervals, 0 to 1.

    Returns
    -------
    WhichMeasure

    Raises
    ------
    MissingTableError
        The study has no customers or no responses.
    QuestionError
        The customers have no dates, no score is there, or too few left to compare anything.

    Notes
    -----
    One row per customer. A customer comes up on the first day by which every compared score has
    been given once; each score is the latest one up to that day, and cases are those opened up to
    it: all are known equally early, ``gap`` days before the landmark. Only customers still there at
    the landmark count, and only those whose landmark lies ``horizon`` months before the data end:
    the others are left out whether they left or not, a restriction by date alone, so that nothing
    need be weighted for censoring. Every model holds the band of tenure at the landmark and the
    study's segments. Time to resolution enters as having had a case that was not closed
    automatically, and the logarithm of 1 + its mean hours (a case open at the landmark with its
    time so far). A score that under nine tenths of the answering customers gave is compared on its
    own customers only. How measures are judged: :func:`compare_predictors`.

    References
    ----------
    de Haan, E., Verhoef, P. C. and Wiesel, T. (2015). The predictive ability of different customer
    feedback metrics for retention. International Journal of Research in Marketing 32(2), 195-206.
    https://doi.org/10.1016/j.ijresmar.2015.02.004

    Examples
    --------
    >>> import cxkit as cx
    >>> found = cx.which_measure_predicts(cx.sample_study())
    >>> found.comparison.scores["measure"].tolist()[:3]
    ['controls only', 'NPS, 0–10', 'NPS, three bands']
    """
    level = check_level(level)
    hold_asked(study, horizon=horizon, gap=gap)
    check_choice("depth", depth, get_args(Depth))
    study.need("customers", why="to see which answers come before leaving")
    if study.contract.of("customers").form == "snapshot":
        raise QuestionError(
            "which_measure_predicts: a snapshot does not say whether an answer came before the "
            "leaving, so nothing can be predicted from it.\n  Write form: dates under customers in "
            "study.yml, with start and end, and dated answers under responses."
        )
    study.need("responses", why="to see which answers come before leaving")
    data = measured(study, horizon=horizon, gap=gap)
    rows = data.rows
    tried = list(dict.fromkeys(c for part in data.measures.values() for c in part))
    tried += list(data.rare.values())
    leaks = leaky(rows, outcome="left", predictors=tried)
    measures = {k: v for k, v in data.measures.items() if not set(v) & set(leaks)}
    if not measures:
        raise QuestionError(
            f"which_measure_predicts: every measure ({', '.join(leaks)}) nearly is the outcome.\n"
            "  Check that the answers were given before the leaving, and not filled in after it."
        )
    single = [c for c in data.single if c not in leaks]
    controls = ["tenure_band", *data.segments]
    compared = dict(measures)
    if len(measures) > 1:
        compared[wording.TOGETHER] = single
    found = compare_predictors(
        rows,
        outcome="left",
        measures=compared,
        controls=controls,
        customer="customer",
        came_up="landmark",
        settled="settled",
        segments=data.segments,
        depth=depth,
        seed=seed,
        level=level,
    )
    lead = next(iter(measures))
    rare = {k: v for k, v in data.rare.items() if v not in leaks}
    apart = _apart(rows, rare, {lead: measures[lead]}, controls, depth, seed, level)
    guards = (
        leakage(rows, outcome="left", predictors=tried),
        separation(rows, outcome="left", predictors=[*controls, *single], level=level).guard,
        collinearity(rows, predictors=single),
        few_exits(
            exits=found.exits,
            stays=found.n - found.exits,
            parameters=design(rows, [*controls, *single]).shape[1] - 1,
        ),
        beyond_follow_up(data.followed, horizon=horizon),
        multiplicity(
            {
                "measures against the controls": found.gains,
                "pairs of measures": found.pairs,
            },
            level=level,
        ),
    )
    return WhichMeasure(
        comparison=found,
        steps=data.steps,
        apart=apart,
        left_out=tuple(
            f"{name}: nearly the outcome itself (AUC {markup.number(v, 3)})"
            for name, v in leaks.items()
        ),
        table=wording.scores_table(found, horizon=horizon, gap=gap),
        pairs=wording.pairs_table(found),
        forward=wording.forward_table(found),
        within=wording.within_table(found),
        on_their_own=wording.apart_table(apart, level=level),
        who=wording.who_table(data.steps),
        sentence=wording.sentence(found, horizon=horizon),
        beside=wording.beside_published(found, horizon=horizon, gap=gap),
        guards=guards,
        horizon=horizon,
        gap=gap,
        level=level,
    )


def _apart(
    rows: pd.DataFrame,
    rare: dict[str, str],
    lead: dict[str, list[str]],
    controls: list[str],
    depth: Depth,
    seed: int,
    level: float,
) -> pd.DataFrame:
    """Compare each rarely given measure with the controls, and with the first, on its customers."""
    beside = next(iter(lead))
    parts: list[dict[str, object]] = []
    for name, column in rare.items():
        own = rows[rows[column].notna()]
        part: dict[str, object] = {
            "measure": name,
            "n": len(own),
            "exits": int(own["left"].sum()),
            "beside": beside,
        }
        try:
            unseen = predict_unseen(
                own,
                outcome="left",
                measures={name: [column], **lead},
                controls=controls,
                customer="customer",
                depth=depth,
                seed=seed,
            )
        except QuestionError as refused:
            parts.append({**part, "reason": str(refused).splitlines()[0]})
            continue
        judge = unseen.judge(level)
        gain, other = judge.gain(name, BASELINE), judge.gain(beside, BASELINE)
        better = judge.gain(name, beside)
        parts.append(
            {
                **part,
                "gain": gain.value,
                "gain_low": gain.low,
                "gain_high": gain.high,
                "p": gain.p,
                "beside_gain": other.value,
                "better": better.value,
                "better_low": better.low,
                "better_high": better.high,
                "reason": "",
            }
        )
    frame = pd.DataFrame(parts, columns=APART)
    adjusted = holm(frame["p"].tolist()) if len(frame) else None
    if adjusted is not None:
        frame["p_adjusted"] = adjusted["p_adjusted"].to_numpy()
        frame["family"] = adjusted["family"].to_numpy()
    return frame


#: Columns of measures compared on their own customers.
APART = [
    "measure",
    "n",
    "exits",
    "gain",
    "gain_low",
    "gain_high",
    "p",
    "p_adjusted",
    "family",
    "beside",
    "beside_gain",
    "better",
    "better_low",
    "better_high",
    "reason",
]
