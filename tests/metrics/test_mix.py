"""A change in two parts: exact sums, Simpson's paradox, and a planted truth."""

import math

import numpy as np
import pandas as pd
import pytest

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
    rows = []
    for year, w in zip((2024, 2025), shares, strict=True):
        for s in rng.choice(segments, size=n, p=w):
            rows.append((year, s, rng.choice([3, 8, 10], p=p[s])))
    return pd.DataFrame(rows, columns=["year", "segment", "nps"])


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
    with pytest.raises(QuestionError, match="no mean of single answers"):
        moved(frame, cx.waiting_time)
    with pytest.raises(ColumnError, match="perhaps you meant 'segment'"):
        moved(frame, segment="segmnt")
