"""A change in two parts: exact sums, Simpson's paradox, and a planted truth."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError

#: Bickel, Hammel and O'Connell (1975): admitted and rejected, men and women, six departments.
BERKELEY = {
    "A": (512, 313, 89, 19),
    "B": (353, 207, 17, 8),
    "C": (120, 205, 202, 391),
    "D": (138, 279, 131, 244),
    "E": (53, 138, 94, 299),
    "F": (22, 351, 24, 317),
}


def berkeley():
    rows = [
        (dept, who, yes, n)
        for dept, counts in BERKELEY.items()
        for (who, yes), n in zip(
            [("men", 1), ("men", 0), ("women", 1), ("women", 0)], counts, strict=True
        )
    ]
    return pd.DataFrame(rows, columns=["dept", "who", "admitted", "people"])


def moved(frame, metric=cx.nps, column="nps", **choices):
    given = {"segment": "segment", "period": "year", "before": 2024, "now": 2025} | choices
    return cx.what_moved(frame, metric, column=column, **given)


def made(shares, seed=1, n=400, segments=("a", "b", "c")):
    """Two years of answers whose segments have the same scores and other shares."""
    rng = np.random.default_rng(seed)
    p = {"a": [0.2, 0.3, 0.5], "b": [0.5, 0.3, 0.2], "c": [0.7, 0.2, 0.1]}
    parts = []
    for year, w in zip((2024, 2025), shares, strict=True):
        for s, many in zip(segments, rng.multinomial(n, w), strict=True):
            scores = rng.choice([3, 8, 10], size=many, p=p[s])
            parts.append(pd.DataFrame({"year": year, "segment": s, "nps": scores}))
    return pd.concat(parts, ignore_index=True)


def test_berkeley_agrees_with_the_published_rates():
    """Rates .4452 and .3035 in R's datasets::UCBAdmissions; 4 of 6 departments favour women."""
    table = cx.what_moved(
        berkeley(),
        cx.share,
        column="admitted",
        segment="dept",
        period="who",
        before="women",
        now="men",
        counts="people",
    )
    whole = table.frame.iloc[-1]
    assert whole["now"] == pytest.approx(44.5187662578967)
    assert whole["before"] == pytest.approx(30.3542234332425)
    assert (table.frame["change"].iloc[:-1] < 0).sum() == 4
    assert whole["mix"] > whole["change"] > 0 > whole["within"]
    assert whole["within_low"] < whole["within"] < whole["within_high"]
    assert "Simpson" not in table.caption  # two departments go with the whole


def test_a_whole_that_goes_against_every_segment_is_named():
    frame = pd.DataFrame(
        {
            "year": [2024] * 100 + [2025] * 100,
            "segment": ["shop"] * 80 + ["app"] * 20 + ["shop"] * 40 + ["app"] * 60,
            "yes": [1] * 60
            + [0] * 20
            + [1] * 8
            + [0] * 12
            + [1] * 32
            + [0] * 8
            + [1] * 27
            + [0] * 33,
        }
    )
    table = moved(frame, cx.share, "yes")
    assert "Simpson's paradox" in table.caption
    assert table.frame["within"].tolist() == pytest.approx([2, 3, 5])
    assert table.frame["mix"].tolist() == pytest.approx([-8.4, -5.6, -14])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("metric", "column"), [(cx.nps, "nps"), (cx.share, "yes")])
def test_the_parts_add_up_and_turn_round(metric, column, seed):
    frame = made([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]], seed=seed, n=120)
    frame["yes"] = (frame["nps"] > 8).where(frame.index % 7 > 0).astype("boolean")
    found = moved(frame, metric, column).frame
    whole, parts = found.iloc[-1], found.iloc[:-1]
    assert whole["within"] + whole["mix"] == pytest.approx(whole["change"], abs=1e-10)
    assert parts["within"].sum() == pytest.approx(whole["within"])
    years = [metric(frame.loc[frame["year"] == y, column]) for y in (2024, 2025)]
    assert whole["change"] == pytest.approx(years[1].value - years[0].value)
    back = moved(frame, metric, column, before=2025, now=2024).frame
    for part in ("change", "within", "mix"):
        np.testing.assert_allclose(found[part], -back[part], atol=1e-10)


def test_a_change_of_mix_alone_leaves_nothing_within():
    """Planted: 60 firms whose segments never change; within is told apart in about 5 %."""
    seen = []
    for seed in range(60):
        whole = moved(made([[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]], seed=seed)).frame.iloc[-1]
        seen.append(not whole["within_low"] <= 0 <= whole["within_high"])
        assert whole["mix"] < -20
    assert sum(seen) <= 3 + 3 * math.sqrt(60 * 0.05 * 0.95)


def test_within_one_segment_is_welchs_t():
    rng = np.random.default_rng(3)
    old, new = rng.integers(1, 6, 9), rng.integers(2, 6, 30)
    frame = pd.DataFrame({"year": [2024] * 9 + [2025] * 30, "segment": "all of them"})
    frame["csat"] = [*old, *new]
    whole = moved(frame, cx.csat_mean, "csat").frame.iloc[-1]
    there = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.95)
    assert (whole["within_low"], whole["within_high"]) == pytest.approx(tuple(there))
    assert (whole["within_low"], whole["within_high"]) == pytest.approx(
        (whole["low"], whole["high"])
    )


@pytest.mark.parametrize(("metric", "column"), [(cx.nps, "nps"), (cx.csat_mean, "csat")])
def test_few_answers_a_cell_are_not_too_sure(metric, column):
    """Planted: nothing moves within 6 segments, of which a third have one answer a year."""
    rng = np.random.default_rng(8)
    year, segment = np.repeat([2024, 2025], 24), np.tile(np.repeat([*range(6)], [1, 3, 8] * 2), 2)
    told = []
    for _ in range(100):
        likely = 0.2 + 0.1 * segment
        happy = rng.random(48) < likely
        frame = pd.DataFrame({"year": year, "segment": segment, "nps": np.where(happy, 10, 3)})
        frame["csat"] = frame["nps"] // 2
        whole = moved(frame, metric, column).frame.iloc[-1]
        told.append(not whole["within_low"] <= 0 <= whole["within_high"])
    assert sum(told) <= 5 + 3 * math.sqrt(100 * 0.05 * 0.95)


def test_a_single_answer_or_cluster_is_a_score_and_has_no_spread_of_its_own():
    frame = pd.DataFrame(
        {
            "year": [2024] * 7 + [2025] * 7,
            "segment": list("aabbbbc") * 2,
            "who": [1, 1, 2, 3, 4, 5, 6] * 2,
            "nps": [9, 3, 9, 8, 3, 9, 10, 10, 9, 10, 2, 9, 9, 3],
        }
    )
    for metric, column, clusters, lone in (
        (cx.nps, "nps", "who", "a"),
        (cx.csat_mean, "csat", "who", "a"),
        (cx.csat_mean, "csat", None, "c"),
    ):
        table = moved(frame.assign(csat=(frame["nps"] + 1) // 2), metric, column, clusters=clusters)
        whole = table.frame.iloc[-1]
        assert whole["within"] + whole["mix"] == pytest.approx(whole["change"], abs=1e-10)
        untold = table.frame.set_index("segment").loc[lone]
        assert pd.isna(untold[["before", "now", "change"]]).all()
        assert untold["reason"].startswith("No score in either period. ")
        assert ("one cluster (who)" if clusters else "One answer (5)") in untold["reason"]
        assert untold["within"] != 0
        assert whole["within_low"] < whole["within"] < whole["within_high"]
    lone = frame[frame["segment"] == "c"]
    others = frame[frame["segment"] == "b"]
    pair = pd.concat([lone, others])
    wide = moved(pair).frame.iloc[-1]
    # c has one answer a year: it takes the variance that one answer of b has in both years.
    one = others.groupby("year")["nps"].apply(
        lambda s: (100 * np.sign(s - 8)).clip(-100, 100).var()
    )
    parts = np.array([one.mean() * 2 * 0.2**2, *(one / 4 * 0.8**2)])
    freedom = parts.sum() ** 2 / (parts[0] ** 2 / 6 + (parts[1:] ** 2 / 3).sum())
    half = stats.t.isf(0.025, freedom) * np.sqrt(parts.sum())
    assert wide["within_high"] - wide["within"] == pytest.approx(half)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (
            [(2024, "a", 9), (2024, "b", 3), (2025, "a", 3), (2025, "b", 9)],
            "no cell has two answers",
        ),
        ([(y, s, 10 if s == "a" else 3) for y in (2024, 2025) for s in "aabb"], "answered alike"),
        (
            [(2024, "a", 9), (2024, "a", 3), (2025, "b", 3), (2025, "b", 9)],
            "no segment answered in",
        ),
    ],
)
def test_where_nothing_shows_the_spread_there_is_no_interval(rows, why):
    table = moved(pd.DataFrame(rows, columns=["year", "segment", "nps"]))
    whole = table.frame.iloc[-1]
    assert pd.isna(whole["within_low"])
    assert whole["within"] + whole["mix"] == pytest.approx(whole["change"])
    assert why in whole["reason"]
    assert why in table.caption
    assert "nan" not in str(table).lower()


def test_counts_are_the_rows_and_clusters_widen():
    frame = made([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    patterns = frame.groupby(["year", "segment", "nps"]).size().reset_index(name="people")
    rows, counted = moved(frame), moved(patterns, counts="people")
    pd.testing.assert_frame_equal(rows.frame, counted.frame, rtol=1e-10)
    twice = pd.concat([frame, frame], ignore_index=True).assign(who=[*range(800), *range(800)])
    robust, naive = moved(twice, clusters="who").frame.iloc[-1], moved(twice).frame.iloc[-1]
    assert robust["within_high"] - robust["within"] > 1.3 * (naive["within_high"] - naive["within"])


def test_a_segment_that_comes_or_goes_is_all_mix():
    frame = made([[0.5, 0.5, 0.0], [0.4, 0.4, 0.2]])
    table = moved(frame)
    new = table.frame.set_index("segment").loc["c"]
    assert (new["within"], new["share_before"]) == (0, 0)
    assert new["reason"] == "No score before: its share is all mix."
    assert pd.isna(new["change"])
    whole = table.frame.iloc[-1]
    assert whole["within"] + whole["mix"] == pytest.approx(whole["change"], abs=1e-10)
    assert "nan" not in str(table).lower()


@pytest.mark.parametrize("rows", [0, 4])
def test_nothing_to_split_is_said(rows):
    frame = pd.DataFrame({"year": [2024] * rows, "segment": ["a"] * rows, "nps": [9.0] * rows})
    table = moved(frame)
    assert "nothing to split. 2025: There is no answer to count." in table.caption
    assert table.frame["reason"].astype(bool).all()
    assert "nan" not in str(table).lower()


def test_refusals():
    frame = made([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]], n=20)
    with pytest.raises(QuestionError, match="waiting_time is not a mean of points of"):
        moved(frame, cx.waiting_time)
    with pytest.raises(ColumnError, match="perhaps you meant 'segment'"):
        moved(frame, segment="segmnt")
