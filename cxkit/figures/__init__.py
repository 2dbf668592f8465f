"""Results become seaborn pictures with a caption and a text alternative; nothing is computed."""

from cxkit.figures.curves import retention
from cxkit.figures.places import plane, published
from cxkit.figures.sections import left_by_reason, ratios, retention_by_score
from cxkit.figures.units import lags, scatter

__all__ = [
    "lags",
    "left_by_reason",
    "plane",
    "published",
    "ratios",
    "retention",
    "retention_by_score",
    "scatter",
]


def __dir__() -> list[str]:
    """Return the public names, for completion in a notebook."""
    return __all__
