"""Results become seaborn pictures with a caption and a text alternative; nothing is computed."""

from cxkit.figures.curves import naive, retention
from cxkit.figures.units import lags, scatter

__all__ = ["lags", "naive", "retention", "scatter"]
