"""Answers as patterns with counts, for the law that counts give what the rows give."""

import numpy as np
import pandas as pd
from hypothesis import settings
from hypothesis import strategies as st

LAW = settings(max_examples=25)

#: Counts and rows are added in another order; nothing else may differ.
EQUAL = 1e-10


@st.composite
def patterns(draw, answers, *, clusters=4, groups=2, most=6, longest=12):
    """Draw a table of patterns: group, cluster (some missing), answer (some missing), n."""
    row = st.tuples(
        st.integers(1, groups),
        st.none() | st.integers(1, clusters),
        st.none() | answers,
        st.integers(0, most),
    )
    rows = draw(st.lists(row, max_size=longest))
    return pd.DataFrame(rows, columns=["group", "cluster", "answer", "n"]).astype(
        {"group": "int64", "cluster": "float64", "answer": "float64", "n": "int64"}
    )


def rows_of(table, counts="n"):
    """Write a table of patterns out, one row per person."""
    times = table[counts].to_numpy(dtype=np.int64)
    return table.loc[table.index.repeat(times)].drop(columns=counts).reset_index(drop=True)


def same(one, other, tolerance=EQUAL):
    """Assert that two results are one: every field, numbers to the tolerance."""
    assert type(one) is type(other)
    for name in one.__dataclass_fields__:
        a, b = getattr(one, name), getattr(other, name)
        if isinstance(a, float) and isinstance(b, float):
            assert abs(a - b) <= tolerance * max(1.0, abs(a)), (name, a, b)
        else:
            assert a == b, (name, a, b)
