import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError, ScaleError

FRAME = pd.DataFrame(
    {
        "customer": list("abcdefgh"),
        "nps": [10, 9, 9, 8, 3, 0, None, 7],
        "referred": pd.Series([1, 0, None, 1, 0, 1, 1, 0], dtype="boolean"),
        "review": pd.Series([1, 1, 0, 0, 0, 1, 0, 0], dtype="boolean"),
        "people": [3, 2, 1, 0, 4, 1, 2, 5],
    }
)


def cell(found, act, among):
    return found[(found["act"] == act) & (found["among"] == among)].iloc[0]


def test_promoters_who_refer_are_a_share_of_promoters():
    found = cx.advocacy(FRAME)
    promoters = cell(found, "referred", "promoters")
    own = cx.share([1, 0, None])
    assert (promoters["value"], promoters["low"], promoters["high"]) == (
        own.value,
        own.low,
        own.high,
    )
    assert (promoters["n"], promoters["n_missing"]) == (2, 1)
    assert cell(found, "review", "detractors")["value"] == 50
    assert cell(found, "referred", "no score")["n"] == 1
    for _, part in found.groupby("act"):
        groups = part[part["among"] != "all"]
        whole = part[part["among"] == "all"].iloc[0]
        assert (groups["n"] + groups["n_missing"]).sum() == whole["n"] + whole["n_missing"]


def test_counts_are_rows():
    long = FRAME.loc[FRAME.index.repeat(FRAME["people"])]
    one, other = cx.advocacy(FRAME, counts="people"), cx.advocacy(long)
    pd.testing.assert_frame_equal(one, other, rtol=1e-10)


def test_customers_who_answer_twice_are_clusters():
    twice = pd.concat([FRAME, FRAME])
    found = cell(cx.advocacy(twice, clusters="customer"), "review", "all")
    assert found["method"] == "Wilson, cluster-robust by 8 clusters (customer)"
    assert found["low"] < cell(cx.advocacy(twice), "review", "all")["low"]


def test_what_was_not_recorded_is_a_row():
    found = cx.advocacy(FRAME.drop(columns="review"))
    silent = found[found["act"] == "review"]
    assert (silent["status"] == "no data").all()
    assert silent["reason"].iloc[0] == "The data have no column review: it was not recorded."
    empty = cx.advocacy(FRAME[:0])
    assert (empty["status"] == "no data").all()
    assert cx.advocacy(FRAME, nps=None)["among"].tolist() == ["all", "all"]


def test_senseless_questions_are_refused():
    with pytest.raises(ColumnError, match="advocacy: asked for column 'score'"):
        cx.advocacy(FRAME, nps="score")
    with pytest.raises(QuestionError, match="do not split 0 to 10"):
        cx.advocacy(FRAME, promoter=5)
    with pytest.raises(QuestionError, match="no act is named"):
        cx.advocacy(FRAME, acts={})
    with pytest.raises(ScaleError, match="11 is not a whole number"):
        cx.advocacy(FRAME.assign(nps=11))
