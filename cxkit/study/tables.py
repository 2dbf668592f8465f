"""A small table that left an engine, in the same pandas types whichever engine it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import pyarrow as pa


def plain(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table in plain types.

    Whole numbers, of whatever width or as decimals or floats, become ``int64``, or ``Int64`` where
    some are missing; other numbers ``float64``; yes and no ``bool`` or ``boolean``; days and
    moments ``datetime64[us]``, of a time zone as UTC; the rest text.

    >>> import pyarrow as pa
    >>> plain(pa.table({"a": [1.0, 2.0], "b": [1, None], "c": ["x", None]})).dtypes.to_list()
    [dtype('int64'), Int64Dtype(), <StringDtype(na_value=nan)>]
    """
    columns = {name: _column(table.column(name)) for name in table.column_names}
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))


def _column(values: Any) -> pd.Series:
    """Return one column in its plain type."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_dictionary(kind):
        return _column(values.cast(kind.value_type))
    if pa.types.is_integer(kind):
        return _whole(values)
    if pa.types.is_decimal(kind):
        whole = kind.scale == 0
        return _whole(values) if whole else _number(values.cast(pa.float64()))
    if pa.types.is_floating(kind):
        return _number(values.cast(pa.float64()))
    if pa.types.is_boolean(kind):
        found = pd.Series(values.to_pandas().to_numpy())
        return found.astype("boolean" if values.null_count else "bool")
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pd.Series(values.cast(pa.timestamp("us")).to_pandas())
    if pa.types.is_null(kind):
        return pd.Series([np.nan] * len(values), dtype="float64")
    return pd.Series(values.cast(pa.large_string()).to_pandas(), dtype="str")


def _whole(values: Any) -> pd.Series:
    """Return whole numbers, exactly, also where some are missing."""
    import pyarrow as pa

    known = values.cast(pa.int64())
    gone = known.is_null().to_numpy()
    if not gone.any():
        return pd.Series(known.to_numpy())
    held = known.fill_null(0).to_numpy()
    return pd.Series(pd.arrays.IntegerArray(held.copy(), np.array(gone, dtype=bool)))


def _number(values: Any) -> pd.Series:
    """Return numbers; if all are whole they are whole numbers, whatever they were stored as."""
    import pyarrow as pa

    held = values.fill_null(np.nan).to_numpy().astype(np.float64)
    gone = np.isnan(held)
    exact = np.abs(held[~gone]) < 2**53
    if exact.all() and (held[~gone] == np.floor(held[~gone])).all():
        return _whole(
            pa.chunked_array([pa.array(np.where(gone, 0, held).astype(np.int64), mask=gone)])
        )
    return pd.Series(held)
