import numpy as np
import pandas as pd
import pytest
from scipy import stats

import cxkit as cx
from cxkit.errors import ColumnError, ParameterError, QuestionError, ScaleError


def people(seed=2):
    rng = np.random.default_rng(seed)
    return rng.integers(2, 6, 40), rng.integers(1, 6, 300)


def test_the_gap_of_means_is_welchs_t():
    staff, customers = people()
    there = stats.ttest_ind(staff, customers, equal_var=False)
    found = cx.perception_gap(staff, customers)
    assert found.p == pytest.approx(there.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(there.confidence_interval(0.95)))
    assert (found.a, found.b, found.measured_in) == ("staff", "customers", "score")


def test_each_side_is_held_to_its_own_scale():
    with pytest.raises(ScaleError, match="perception_gap, staff, row 1: 6 is not a whole"):
        cx.perception_gap([1, 6], [1, 5])
    with pytest.raises(ScaleError, match="perception_gap, customers, row 1: 6 is not a whole"):
        cx.perception_gap([1, 5], [1, 6], top=4)
    with pytest.raises(QuestionError, match="scale"):
        cx.perception_gap([1, 5], [1, 6], customer_scale=(1, 7))


def test_the_gap_of_shares_is_newcombes():
    # Newcombe (1998), table II: 56 of 70 against 48 of 80, method 10
    staff, customers = [5] * 56 + [1] * 14, [4] * 48 + [2] * 32
    found = cx.perception_gap(staff, customers, top=4, item="helped")
    assert (found.low, found.high) == pytest.approx((5.24, 33.39), abs=0.01)
    assert found.metric == "Perceived helped (4 or 5 on 1 to 5)"
    assert found.direction == "higher"


def test_counts_are_rows_and_customers_who_repeat_widen_it():
    staff, customers = people()
    values = [1, 2, 3, 4, 5]
    counted = cx.perception_gap(
        values,
        values,
        staff_counts=[(staff == v).sum() for v in values],
        customer_counts=[(customers == v).sum() for v in values],
    )
    rows = cx.perception_gap(staff, customers)
    for name in ("value", "low", "high", "p"):
        assert getattr(counted, name) == pytest.approx(getattr(rows, name), abs=1e-10)
    who = np.repeat(np.arange(60), 5)
    repeated = cx.perception_gap(staff, np.repeat(customers[:60], 5), customer_clusters=who)
    naive = cx.perception_gap(staff, np.repeat(customers[:60], 5))
    assert repeated.se > naive.se
    waves = {"staff_clusters": np.repeat(np.arange(40), 3)}
    again = cx.perception_gap(np.repeat(staff, 3), customers, **waves)
    once = cx.perception_gap(staff, customers)
    assert again.se == pytest.approx(once.se, rel=1e-3)  # the same people thrice know no more
    assert cx.perception_gap(np.repeat(staff, 3), customers).se < once.se


def test_two_scales_are_refused():
    with pytest.raises(QuestionError, match=r"staff answered on 1 to 7 and customers on 1 to 5"):
        cx.perception_gap([7, 6], [5, 4], staff_scale=(1, 7))


def test_one_silent_side_is_no_data():
    found = cx.perception_gap([], [5, 4, 3])
    assert (found.value, found.status) == (None, "no data")
    assert found.reason.startswith("staff: There is no answer")


def shops(sizes, seed=5):
    """Staff and customers of shops A, B, ..., as many on either side as given."""
    rng = np.random.default_rng(seed)
    names = "ABCDEFGHIJ"[: len(sizes)]
    frames = []
    for side in (0, 1):
        many = [size[side] for size in sizes]
        shop = np.repeat(list(names), many)
        score = rng.integers(1 + (1 - side), 6, len(shop))
        frames.append(pd.DataFrame({"shop": shop, "quarter": "Q1", "helped": score}))
    return frames


def test_gaps_by_shop_are_welchs_t_of_each_in_one_family():
    staff, customers = shops([(30, 60), (25, 80), (12, 9)])
    table = cx.perception_gaps(staff, customers, "shop", column="helped", item="help")
    p = []
    for row in table.frame.to_dict("records"):
        one, other = (f.loc[f["shop"] == row["shop"], "helped"] for f in (staff, customers))
        there = stats.ttest_ind(one, other, equal_var=False)
        limits = there.confidence_interval(0.95)
        assert (row["low"], row["high"], row["p"]) == pytest.approx((*limits, there.pvalue))
        assert (row["n_a"], row["n_b"], row["family"]) == (len(one), len(other), 3)
        p.append(there.pvalue)
    assert table.frame["p_adjusted"].tolist() == pytest.approx(cx.holm(p)["p_adjusted"].tolist())
    assert "Of 3 groups shown" in table.caption
    assert "Family of 3, p adjusted by Holm" in table.caption
    looked = cx.perception_gaps(staff, customers, "shop", column="helped", family="bh")
    assert looked.frame["p_adjusted"].tolist() == pytest.approx(cx.bh(p)["p_adjusted"].tolist())


def test_the_sides_swapped_turn_every_gap_round():
    staff, customers = shops([(30, 60), (25, 80), (40, 20)])
    staff["helped"] = staff["helped"].clip(lower=np.where(staff["shop"] == "A", 4, 1))
    renamed = customers.rename(columns={"helped": "was_helped"})
    one = cx.perception_gaps(staff, renamed, ["shop", "quarter"], column=("helped", "was_helped"))
    other = cx.perception_gaps(renamed, staff, ["shop", "quarter"], column=("was_helped", "helped"))
    np.testing.assert_allclose(one.frame["value"], -other.frame["value"])
    np.testing.assert_allclose(one.frame["low"], -other.frame["high"])
    ways = {"staff think better of it": "customers think better of it"}
    ways |= {to: of for of, to in ways.items()}
    assert one.frame["reading"].replace(ways).tolist() == other.frame["reading"].tolist()
    assert set(one.frame["reading"]) > {"staff think better of it"}


def test_counts_and_repeats_reach_every_gap():
    staff, customers = shops([(30, 60), (25, 80)])
    customers["who"] = np.arange(len(customers)) // 4
    staff["who"] = np.arange(len(staff)) // 2
    rows = cx.perception_gaps(staff, customers, "shop", column="helped", top=4)
    tables = [
        f.value_counts(["shop", "helped"]).rename("n").reset_index() for f in (staff, customers)
    ]
    counted = cx.perception_gaps(
        *tables, "shop", column="helped", top=4, staff_counts="n", customer_counts="n"
    )
    pd.testing.assert_frame_equal(rows.frame, counted.frame, check_dtype=False, rtol=1e-10)
    pd.testing.assert_frame_equal(rows.shown, counted.shown)
    robust = cx.perception_gaps(
        staff, customers, "shop", column="helped", staff_clusters="who", customer_clusters="who"
    )
    for row in robust.frame.to_dict("records"):
        one, other = (f[f["shop"] == row["shop"]] for f in (staff, customers))
        alone = cx.perception_gap(
            one["helped"],
            other["helped"],
            staff_clusters=one["who"],
            customer_clusters=other["who"],
        )
        assert (row["low"], row["high"]) == pytest.approx((alone.low, alone.high))
        assert "MOVER" in row["method"]


@pytest.mark.parametrize(
    ("sizes", "more", "shown"),
    [
        ([(30, 60), (9, 80), (12, 4), (10, 5)], {}, "AD"),
        ([(30, 60), (9, 80), (25, 70)], {}, "A"),  # B alone would be what the whole leaves
        ([(30, 60), (0, 80), (25, 70)], {}, "AC"),  # B has no gap: there is nothing to protect
        ([(30, 60), (12, 80), (25, 70)], {"min_employees": 26}, "A"),
        ([(30, 60), (12, 80), (25, 70)], {"min_customers": 75}, "B"),
    ],
)
def test_a_group_of_few_people_is_not_shown(sizes, more, shown):
    staff, customers = shops(sizes)
    table = cx.perception_gaps(staff, customers, "shop", column="helped", **more)
    assert "".join(table.shown["shop"]) == shown
    assert len(table.frame) == len(sizes)
    hidden = int((table.frame["value"].notna() & ~table.frame["shop"].isin(list(shown))).sum())
    assert (f" {hidden} more count" in table.caption) == bool(hidden)
    assert ("no gap to tell" in table.caption) == table.frame["value"].isna().any()


def test_a_person_counts_once_and_one_answer_of_all_is_not_shown():
    staff, customers = shops([(30, 60), (40, 80), (50, 70)])
    staff["who"] = staff.groupby("shop").cumcount() // 4  # 8 people of A, 10 of B, 13 of C
    named = {"staff_clusters": "who"}
    seen = cx.perception_gaps(staff, customers, "shop", column="helped", **named).shown
    assert seen["shop"].tolist() == ["C"]
    agreed = staff.assign(helped=staff["helped"].where(staff["shop"] != "B", 4))
    table = cx.perception_gaps(agreed, customers, "shop", column="helped")
    assert table.shown["shop"].tolist() == ["C"]  # A goes with B
    assert table.frame.loc[table.frame["shop"] == "B", "value"].notna().all()


def test_gaps_that_cannot_be_asked_for():
    staff, customers = shops([(12, 12), (12, 12)])
    ask = {"column": "helped"}
    with pytest.raises(QuestionError, match=r"no shop is in both.*'A' and customers 'a'"):
        cx.perception_gaps(staff, customers.assign(shop="a"), "shop", **ask)
    with pytest.raises(ParameterError, match="min_employees = 9: the minimum is 10"):
        cx.perception_gaps(staff, customers, "shop", min_employees=9, **ask)
    with pytest.raises(ColumnError, match="perception_gaps: asked for column 'branch'"):
        cx.perception_gaps(staff, customers, "branch", **ask)
    with pytest.raises(QuestionError, match="perception_gaps: the groups come from column 'p'"):
        cx.perception_gaps(staff.assign(p=1), customers.assign(p=1), "p", **ask)
    with pytest.raises(QuestionError, match="perception_gaps: family='none' is no adjustment"):
        cx.perception_gaps(staff, customers, "shop", family="none", **ask)
    lost = staff.assign(shop=staff["shop"].where(staff["shop"] != "B"))
    caption = cx.perception_gaps(lost, customers, "shop", **ask).caption
    assert "12 rows of staff without shop are not compared" in caption
    assert "1 has no gap to tell" in caption


def test_a_frame_of_gaps_goes_by_a_key_that_no_result_is_called():
    frame = pd.DataFrame({"a": [9, 8, 3], "b": [7, 9, 4], "family": ["x", "x", "y"]})
    with pytest.raises(QuestionError, match="by: the groups come from column 'family'"):
        cx.by(frame, "family", cx.paired_difference, column=["a", "b"], choices={"measure": "nps"})
