import pytest

import cxkit as cx
from cxkit.errors import QuestionError, ScaleError


def test_easy_is_high_in_both_versions_as_a_share():
    easy, hard = cx.ces([7, 7, 6], version="2.0"), cx.ces([1, 2, 1], version="2.0")
    assert (easy.value, hard.value) == (100, 0)
    easy, hard = cx.ces([1, 1, 2], version="1.0"), cx.ces([5, 4, 5], version="1.0")
    assert (easy.value, hard.value) == (100, 0)


def test_the_share_is_that_of_the_answers_named():
    assert cx.ces([1, 2, 3, 4, 5, 6, 7], version="2.0").value == pytest.approx(100 * 3 / 7)
    assert cx.ces([1, 2, 3, 4, 5], version="1.0").value == pytest.approx(40)
    assert cx.ces([1, 2, 3, 4, 5], version="1.0") == cx.ces([5, 4, 3, 2, 1], version="1.0")


def test_the_interval_is_that_of_a_share():
    ces, share = cx.ces([7, 7, 2, 5], version="2.0"), cx.share([True, True, False, True])
    assert (ces.low, ces.high, ces.se) == (share.low, share.high, share.se)


def test_the_mean_says_which_end_is_good():
    assert "high is easy" in cx.ces_mean([1, 7], version="2.0").metric
    assert "high is hard" in cx.ces_mean([1, 5], version="1.0").metric
    assert cx.ces_mean([1, 5], version="1.0").value == 3


@pytest.mark.parametrize("metric", [cx.ces, cx.ces_mean])
def test_the_version_is_never_guessed(metric):
    with pytest.raises(TypeError, match="version"):
        metric([1, 2])
    with pytest.raises(QuestionError, match=r"(?s)version '2' is not known.*1\.0.*2\.0"):
        metric([1, 2], version="2")


@pytest.mark.parametrize("metric", [cx.ces, cx.ces_mean])
def test_answers_of_the_other_version_are_refused(metric):
    with pytest.raises(ScaleError, match=r"ces.* 1\.0, row 0: 7 is not a whole number from 1 to 5"):
        metric([7, 2], version="1.0")


def test_the_two_versions_are_not_compared():
    with pytest.raises(QuestionError, match=r"metric is 'CES 1\.0"):
        cx.difference(cx.ces([1, 5], version="1.0"), cx.ces([1, 5], version="2.0"))
    with pytest.raises(QuestionError, match=r"metric is 'CES 1\.0 mean"):
        cx.difference(cx.ces_mean([1, 5], version="1.0"), cx.ces_mean([1, 5], version="2.0"))
