"""Families of comparisons: adjusted p-values and the size of the family, in rows and in words."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError
from tests import reference_case


@pytest.mark.parametrize(("adjust", "name"), [(cx.holm, "holm"), (cx.bh, "BH")])
def test_adjusted_p_agree_with_r_and_the_paper(adjust, name):
    case = reference_case.case("O18")
    p = reference_case.table("O18", "bh1995_pvalues.csv")["p"]
    there = case["expected"]
    found = adjust(p)
    np.testing.assert_allclose(
        found["p_adjusted"], there["adjusted"][name], atol=case["tolerance"]["abs"]
    )
    assert (found["p_adjusted"] <= 0.05).sum() == there["rejected_at_0.05"][name]


@pytest.mark.parametrize(("adjust", "name"), [(cx.holm, "holm"), (cx.bh, "BH")])
def test_missing_is_left_out_of_the_family_but_not_of_the_table(adjust, name):
    there = reference_case.expected("O18")["with_missing"]
    found = adjust(there["p"])
    assert found["family"].tolist() == [4] * 5
    expected = [np.nan if p is None else p for p in there[name]]
    np.testing.assert_allclose(found["p_adjusted"], expected, atol=1e-12)
    assert adjust([None])["family"].tolist() == [0]
    assert adjust([]).empty


@pytest.mark.parametrize("adjust", [cx.holm, cx.bh])
def test_what_is_no_p_value_is_refused(adjust):
    with pytest.raises(QuestionError, match=f"{adjust.__name__}: 5 is not a p-value"):
        adjust([0.1, 5])
    with pytest.raises(QuestionError, match="2 p-values but 1 names"):
        adjust([0.1, 0.2], names=["a"])


@pytest.mark.parametrize(("family", "key"), [("holm", "p_holm"), ("bh", "p_bh")])
def test_nps_of_regions_agrees_with_r(family, key):
    data = reference_case.table("O01", "nps_testdata.csv")
    pairs = {(p["a"], p["b"]): p for p in reference_case.expected("O01")["region_pairs"]}
    found = cx.compare(data, "region", cx.nps, column="likelihood", family=family).frame
    assert len(found) == len(pairs) == 6
    for row in found.to_dict("records"):
        there = pairs.get((row["a"], row["b"])) or pairs[row["b"], row["a"]]
        sign = 1 if row["a"] == there["a"] else -1
        assert row["value"] == pytest.approx(sign * there["diff"], abs=1e-8)
        assert row["p"] == pytest.approx(there["p"], abs=1e-8)
        assert row["p_adjusted"] == pytest.approx(there[key], abs=1e-8)
        assert row["family"] == 6


def frame(groups=4, each=40, seed=3):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "region": np.repeat([f"R{i}" for i in range(groups)], each),
            "nps": rng.integers(0, 11, groups * each),
            "csat": rng.integers(1, 6, groups * each),
        }
    )


def test_a_pair_is_the_difference_of_the_two():
    data = frame()
    row = cx.compare(data, "region", cx.csat, column="csat").frame.iloc[1]
    one, other = (cx.csat(data.loc[data["region"] == g, "csat"]) for g in (row["a"], row["b"]))
    there = cx.difference(one, other)
    assert (row["value"], row["low"], row["high"], row["p"]) == (
        there.value,
        there.low,
        there.high,
        there.p,
    )


def test_against_one_group_and_against_the_rest():
    data = frame()
    one = cx.compare(data, "region", cx.nps, column="nps", against="R2").frame
    assert one["a"].tolist() == ["R0", "R1", "R3"]
    assert set(one["b"]) == {"R2"}
    assert set(one["family"]) == {3}
    rest = cx.compare(data, "region", cx.nps, column="nps", against="rest").frame
    assert rest["n_b"].tolist() == [120] * 4
    others = cx.nps(data.loc[data["region"] != "R1", "nps"])
    mine = cx.nps(data.loc[data["region"] == "R1", "nps"])
    assert rest["value"][1] == pytest.approx(mine.value - others.value)
    two = cx.compare(data[data["region"] < "R2"], "region", cx.nps, column="nps").frame
    both = cx.compare(data[data["region"] < "R2"], "region", cx.nps, column="nps", against="rest")
    assert both.frame["value"].tolist() == pytest.approx([two["value"][0], -two["value"][0]])


def test_rows_without_a_group_and_tests_without_a_p_are_said():
    data = pd.concat(
        [
            frame(),
            pd.DataFrame({"region": [None] * 3 + ["Silent"] * 2, "nps": [9, 9, 9, None, None]}),
        ],
        ignore_index=True,
    )
    table = cx.compare(data, "region", cx.nps, column="nps")
    assert len(table.frame) == 10
    assert set(table.frame["family"]) == {6}
    assert "Family of 6, p adjusted by Holm; 4 without a p-value do not count in it" in str(table)
    assert "3 rows without region are not compared" in table.caption
    silent = table.frame[table.frame["b"] == "Silent"]
    assert set(silent["reading"]) == {"no data"}
    assert silent["reason"].str.contains("None of the 2 asked").all()
    assert "nan" not in str(table).lower()


def test_the_reading_follows_the_adjusted_p():
    """A single pair is seen; the same pair in a family of 45 is not."""
    pair = pd.DataFrame(
        {"g": ["a"] * 100 + ["b"] * 100, "x": [1] * 62 + [0] * 38 + [1] * 46 + [0] * 54}
    )
    alone = cx.compare(pair, "g", cx.share, column="x").frame
    assert alone["reading"].tolist() == ["higher"]
    noise = pd.DataFrame(
        {"g": np.repeat(list("cdefghij"), 100), "x": np.tile(np.repeat([1, 0], 50), 8)}
    )
    many = cx.compare(pd.concat([pair, noise]), "g", cx.share, column="x").frame
    row = many[(many["a"] == "a") & (many["b"] == "b")].iloc[0]
    assert (row["direction"], row["reading"], row["family"]) == ("higher", "cannot be told", 45)


def test_holm_holds_the_chance_of_a_false_alarm():
    """Six groups alike, 2,000 times: at most 5 % and three binomial errors see any difference.

    Holm's smallest p is Bonferroni's, so the simulation needs no more than that.
    """
    rng = np.random.default_rng(4)
    means = rng.normal(size=(2000, 6))
    one, other = np.tril_indices(6, -1)
    p = 2 * ndtr(-np.abs(means[:, one] - means[:, other]) / np.sqrt(2))
    smallest = np.minimum(15 * p.min(axis=1), 1)
    for row in range(3):
        assert cx.holm(p[row])["p_adjusted"].min() == pytest.approx(smallest[row])
    assert (smallest <= 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)
    assert (p.min(axis=1) <= 0.05).mean() > 0.3


@pytest.mark.parametrize("against", [None, "rest"])
@pytest.mark.parametrize("rows", [0, 5])
def test_nothing_to_compare_is_said(rows, against):
    data = pd.DataFrame({"region": ["North"] * rows, "nps": [9.0] * rows})
    table = cx.compare(data, "region", cx.nps, column="nps", against=against)
    assert table.frame.empty
    assert table.caption.startswith("Nothing to compare by region: there is ")
    assert "<caption>Nothing to compare" in table._repr_html_()


def test_refusals():
    with pytest.raises(QuestionError, match=r"(?s)against='R9' is no group.*groups: R0, R1"):
        cx.compare(frame(), "region", cx.nps, column="nps", against="R9")
    with pytest.raises(QuestionError, match='Write "holm" to confirm or "bh" to explore'):
        cx.compare(frame(), "region", cx.nps, column="nps", family="sidak")
    with pytest.raises(ColumnError, match="perhaps you meant 'region'"):
        cx.compare(frame(), "regon", cx.nps, column="nps")
    with pytest.raises(QuestionError, match="compare: mean returned"):
        cx.compare(frame(), "region", pd.Series.mean, column="nps")


def test_patterns_with_counts_are_the_rows():
    data = frame()
    patterns = data.groupby(["region", "nps"]).size().reset_index(name="people")
    rows = cx.compare(data, "region", cx.nps, column="nps").frame
    counted = cx.compare(patterns, "region", cx.nps, column="nps", counts="people").frame
    pd.testing.assert_frame_equal(rows, counted, rtol=1e-10)
    rest = cx.compare(
        patterns, "region", cx.nps, column="nps", counts="people", against="rest"
    ).frame
    assert rest["n_b"].tolist() == [120] * 4


def test_people_who_answer_twice_widen_the_interval_and_are_said():
    data = frame()
    twice = pd.concat([data, data], ignore_index=True).assign(who=[*range(160), *range(160)])
    once = cx.compare(data, "region", cx.nps, column="nps").frame
    naive = cx.compare(twice, "region", cx.nps, column="nps").frame
    robust = cx.compare(twice, "region", cx.nps, column="nps", clusters="who")
    assert (robust.frame["se"] > 1.3 * naive["se"]).all()
    np.testing.assert_allclose(robust.frame["se"], once["se"], rtol=0.02)
    assert "values of who" not in robust.caption
    moved = twice.assign(region=twice["region"].where(twice.index != 160, "R3"))
    said = cx.compare(moved, "region", cx.nps, column="nps", clusters="who").caption
    assert "1 of 160 values of who answer in more than one group" in said
