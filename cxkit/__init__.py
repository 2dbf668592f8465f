"""cxkit: a notebook research kit for customer experience.

>>> import cxkit as cx
>>> import pandas as pd
>>> print(cx.nps(pd.Series([10, 9, 8, 6, 10, 9, 2])))
NPS 28.6 points (95 % interval −32.2 to 72.2, n = 7; adjusted Wald)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# The one list of public names. A name is imported when it is first used, so that a kernel and
# `cxkit --help` pay for nothing they do not need.
_PUBLIC = {
    "Answer": "results",
    "Difference": "results",
    "Estimate": "results",
    "Finding": "results",
    "Guard": "results",
    "Note": "results",
    "OpeningHours": "metrics.opening",
    "Picture": "results",
    "Table": "results",
    "Weights": "metrics.weights",
    "across_units": "metrics.across",
    "ad_m": "metrics.agreement",
    "advocacy": "metrics.advocacy",
    "auc": "retention.auc",
    "auc_difference": "retention.auc",
    "average_marginal_effects": "retention.logit",
    "backlog": "metrics.service",
    "bad_experience": "metrics.touchpoints",
    "bh": "metrics.families",
    "by": "metrics.compare",
    "case_episodes": "retention.cases",
    "ces": "metrics.effort",
    "ces_mean": "metrics.effort",
    "churn_rate": "metrics.dates",
    "closed_loop_rate": "metrics.closed_loop",
    "codebook": "study.codebook",
    "compare": "metrics.families",
    "compare_predictors": "retention.predictors",
    "comparisons": "retention.comparisons",
    "component": "metrics.journey",
    "corrected_correlation": "linkage.reliable",
    "correlation": "linkage.ladder",
    "correlation_by_level": "linkage.ladder",
    "count_months": "retention.episodes",
    "counts": "study.counts",
    "cox": "retention.cox",
    "cronbach_alpha": "metrics.consistency",
    "csat": "metrics.proportions",
    "csat_mean": "metrics.proportions",
    "cumulative_incidence": "metrics.incidence",
    "customer_years": "metrics.purchases",
    "describe": "study.describe",
    "difference": "metrics.compare",
    "disattenuate": "linkage.ladder",
    "discrete_hazard": "retention.monthly",
    "dose": "retention.shape",
    "e_value": "retention.evalue",
    "effect_by_model": "retention.models",
    "effect_by_segment": "retention.segments",
    "effect_by_tenure": "retention.tenure",
    "ended_by": "metrics.incidence",
    "engagement_index": "metrics.employees",
    "enps": "metrics.employees",
    "episodes": "retention.episodes",
    "exposure": "retention.exposure",
    "favourability": "metrics.employees",
    "figures": "figures",
    "first_contact_resolution": "metrics.service",
    "first_response_time": "metrics.resolution",
    "fit_panel": "linkage.panel",
    "funnel": "metrics.funnel",
    "holm": "metrics.families",
    "icc1": "metrics.agreement",
    "icc2": "metrics.agreement",
    "icc_agreement": "metrics.touchpoints",
    "icc_consistency": "metrics.touchpoints",
    "item_rest": "metrics.consistency",
    "journey": "metrics.journey",
    "journey_table": "metrics.journey",
    "kaplan_meier": "metrics.durations",
    "km_at": "metrics.durations",
    "km_quantile": "metrics.durations",
    "km_restricted_mean": "metrics.durations",
    "leaving_by_reason": "retention.reasons",
    "linkage_answer": "linkage.answer",
    "logrank": "metrics.logrank",
    "losses_and_gains": "retention.turns",
    "moments": "study.counts",
    "months_apart": "retention.apart",
    "nonresponse": "retention.nonresponse",
    "nps": "metrics.nps",
    "omega": "metrics.omega",
    "open_study": "study.study",
    "paired_difference": "metrics.paired",
    "pairs": "metrics.paired",
    "participation": "metrics.employees",
    "perception_gap": "metrics.perception",
    "perception_gaps": "metrics.perception",
    "pool": "linkage.pooling",
    "post_stratify": "metrics.weights",
    "provenance": "study.provenance",
    "purchase_frequency": "metrics.purchases",
    "r_indicator": "metrics.silence",
    "rake": "metrics.weights",
    "repeat_purchase_rate": "metrics.purchases",
    "resolved_within": "metrics.resolution",
    "response_rate": "metrics.silence",
    "responses_needed": "metrics.planning",
    "retention_answer": "retention.answer",
    "retention_rate": "metrics.dates",
    "revenue_pairs": "metrics.revenue",
    "revenue_retention": "metrics.revenue",
    "reverse": "metrics.consistency",
    "rwg": "metrics.agreement",
    "rwg_j": "metrics.agreement",
    "sample_study": "study.study",
    "scoring": "metrics.grouped",
    "share": "metrics.proportions",
    "shrunken": "metrics.shrinkage",
    "silent_bounds": "metrics.silence",
    "simpson": "retention.strata",
    "simulate_firm": "simulate.firm",
    "smallest_change": "metrics.planning",
    "staff_turnover": "metrics.turnover",
    "time_to_resolution": "metrics.resolution",
    "touchpoint_consistency": "metrics.touchpoints",
    "units_needed": "metrics.planning",
    "waiting_time": "metrics.service",
    "weighted": "metrics.weighted",
    "what_moved": "metrics.mix",
    "which_first": "linkage.order",
    "which_measure_predicts": "retention.predict",
    "within_between": "linkage.multilevel",
    "worth_of_experience": "retention.worth",
}

__all__ = sorted([*_PUBLIC, "__version__"])

if TYPE_CHECKING:
    from cxkit.metrics.compare import by as by
    from cxkit.metrics.nps import nps as nps
    from cxkit.study.study import open_study as open_study


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _PUBLIC:
        from difflib import get_close_matches

        # Tools ask every module for names such as __wrapped__: nobody mistyped those.
        near = [] if name.startswith("_") else get_close_matches(name, _PUBLIC, n=1)
        raise AttributeError(
            f"module 'cxkit' has no attribute {name!r}"
            + (f"; perhaps you meant {near[0]!r}" if near else "")
            + f". Its public names are: {', '.join(sorted(_PUBLIC))}"
        )
    module = import_module(f"cxkit.{_PUBLIC[name]}")
    value = module if name == _PUBLIC[name] else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, for completion in a notebook."""
    return __all__
