"""Corrected correlation, items, leaving, placing, literature: planted truths and branches."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import cxkit as cx
from cxkit.disclosure import Policy
from cxkit.errors import QuestionError
from cxkit.linkage import action, items, leaving, literature, measure
from cxkit.linkage.ladder import correlation
from cxkit.linkage.league import held_to
from cxkit.linkage.multilevel import within_between
from cxkit.linkage.pairs import pair
from cxkit.linkage.reliable import corrected_correlation
from cxkit.linkage.robust import weighted
from cxkit.results import Estimate
from tests import firms


def two_sides(seed: int, *, rho: float = 0.5, units: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return people of units whose true scores correlate ``rho``."""
    rng = np.random.default_rng(seed)
    trait = 0.35 * rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], units)
    staff = np.repeat(np.arange(units), rng.integers(5, 30, units))
    clients = np.repeat(np.arange(units), rng.integers(5, 60, units))
    return (
        pd.DataFrame({"unit": staff, "index": trait[staff, 0] + rng.normal(size=len(staff))}),
        pd.DataFrame({"unit": clients, "score": trait[clients, 1] + rng.normal(size=len(clients))}),
    )


def test_the_corrected_interval_covers_the_true_score_correlation():
    runs, held = 60, 0
    for seed in range(runs):
        found = corrected_correlation(*two_sides(seed))
        held += found.low <= 0.5 <= found.high
    # at a true coverage of .90 fewer than 46 of 60 has probability below 0.002
    assert held >= 46


def test_perfect_reliability_leaves_the_correlation_as_it_is():
    rng = np.random.default_rng(1)
    means = rng.normal(size=(30, 2))
    unit = np.repeat(np.arange(30), 4)
    noise = np.tile([-1e-9, 1e-9, -1e-9, 1e-9], 30)
    staff = pd.DataFrame({"unit": unit, "index": means[unit, 0] + noise})
    clients = pd.DataFrame({"unit": unit, "score": means[unit, 1] + noise})
    raw = correlation(means[:, 0], means[:, 1])
    assert corrected_correlation(staff, clients).value == pytest.approx(raw.value, abs=1e-9)


def test_few_units_and_no_reliability_say_so():
    few = corrected_correlation(*two_sides(1, units=6))
    assert few.status in {"withheld", "no data"}
    rng = np.random.default_rng(3)
    unit = np.repeat(np.arange(40), 6)
    alternating = np.tile([0.0, 1.0], 120)
    noise = pd.DataFrame({"unit": unit, "index": alternating})
    clients = pd.DataFrame({"unit": unit, "score": rng.normal(size=240)})
    assert corrected_correlation(noise, clients).value is None


def people(seed: int = 4, units: int = 80) -> tuple[pd.DataFrame, pd.Series]:
    """Return employees with one item that goes with experience and two that do not."""
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=units)
    unit = np.repeat(np.arange(units), 12)
    trait = rng.normal(size=len(unit))
    frame = pd.DataFrame(
        {
            "unit": unit,
            "heard": mood[unit] + trait + rng.normal(size=len(unit)),
            "trained": trait + rng.normal(size=len(unit)),
            "proud": trait + rng.normal(size=len(unit)),
        }
    )
    return frame, pd.Series(mood + 0.5 * rng.normal(size=units), index=range(units))


def test_item_links_find_the_planted_item_in_a_family_of_all():
    frame, mood = people()
    links = items.item_links(frame, mood, items={"a": ["heard", "trained"], "b": ["proud"]})
    assert links["item"].tolist() == ["heard", "trained", "proud"]
    assert links.set_index("item")["told"].to_dict() == {
        "heard": True,
        "trained": False,
        "proud": False,
    }
    assert (links["p_adjusted"] >= links["p"]).all()
    z = np.arctanh(links["value"].to_numpy(float)) * np.sqrt(links["n"].to_numpy(float) - 3)
    assert links["p"].to_numpy(float) == pytest.approx(2 * stats.norm.sf(np.abs(z)))
    said = items.sentence(links)
    assert "Of 3 items, 1 goes with experience" in said
    assert "heard" in said
    assert "none goes" in items.sentence(links[~links["told"]])


def test_an_item_that_runs_against_the_others_is_refused_by_name_without_values():
    frame, _ = people()
    groups = {"all": ["heard", "trained", "proud"]}
    items.refuse_unkeyed(frame, groups)
    turned = frame.assign(proud=-frame["proud"])
    with pytest.raises(QuestionError, match=r"Item 'proud'.*worded the other way") as refused:
        items.refuse_unkeyed(turned, groups)
    assert "reversed: true" in str(refused.value)
    assert not re.search(r"\d\.\d", str(refused.value))


def spells(
    seed: int, effect: float, units: int = 60, waves: int = 6
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return staff whose leaving in a wave follows the experience of the wave before."""
    rng = np.random.default_rng(seed)
    first = pd.date_range("2024-01-01", periods=waves, freq="QS")
    spans = pd.DataFrame(
        {
            "wave": [f"2024-{i}" for i in range(waves)],
            "first": first,
            "last": first + pd.offsets.QuarterEnd(),
        }
    )
    mood = rng.normal(size=(units, waves))
    scores = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(units), waves),
            "wave": np.tile(spans["wave"], units),
            "experience": mood.ravel(),
            "engagement": rng.normal(size=units * waves),
        }
    )
    rows = []
    for unit in range(units):
        for _ in range(25):
            end = pd.NaT
            for t in range(1, waves):
                if rng.random() < 1 - np.exp(-0.06 * np.exp(effect * mood[unit, t - 1])):
                    end = first[t] + pd.Timedelta(days=int(rng.integers(1, 80)))
                    break
            rows.append((unit, pd.Timestamp("2023-01-01"), end))
    return pd.DataFrame(rows, columns=["unit", "start", "end"]), scores, spans


def test_leaving_after_a_bad_wave_is_found_and_not_invented():
    staff, scores, spans = spells(1, -0.4)
    found = leaving.leaving_after(staff, scores, spans=spans, policy=Policy())
    assert found.ratio.low < np.exp(-0.4) < found.ratio.high
    assert "leave less often after" in found.sentence
    reach = np.log(found.ratio.high / found.ratio.value) * found.ratio.value / found.ratio.se
    assert reach == pytest.approx(stats.t.isf(0.025, 59))  # 60 units are the clusters
    none = leaving.leaving_after(*spells(2, 0.0)[:2], spans=spans, policy=Policy())
    assert none.ratio.low < 1 < none.ratio.high
    assert "cannot be told" in none.sentence
    assert found.exits > 300


def test_too_few_exits_give_no_ratio():
    staff, scores, spans = spells(1, 0.0, units=4)
    few = leaving.leaving_after(staff, scores, spans=spans, policy=Policy())
    assert few.ratio.status == "no data"
    assert "it takes" in few.sentence


def test_units_are_placed_only_where_both_sides_can_be_told():
    pairs = pair(firms.study(1.0, 0.9), measure="csat")
    staff = held_to(pairs.employees, "index", measured_in="score")
    clients = held_to(pairs.customers, "score", measured_in="score")
    plane = action.place(staff, clients, shown=pairs.units["unit"])
    assert plane.corners["units"].sum() == len(plane.units)
    placed = plane.units[plane.units["corner"] != "cannot be placed"]
    for side in ("engagement_above", "experience_above"):
        assert ((placed[side] > 0.9) | (placed[side] < 0.1)).all()
    by = plane.corners.set_index("corner")["units"]
    assert by["high on both"] + by["low on both"] > by["engaged staff, poor experience"]
    raw = pairs.employees.groupby("unit")["index"].mean()
    assert plane.units["engagement"].std() < raw.std(), "shrunken values vary less"
    few = action.place(staff, clients, shown=pairs.units["unit"].head(9))
    assert len(few.units) == few.corners["units"].sum() == 9
    assert "Of 9 shown units" in few.sentence or "None of 9 shown units" in few.sentence
    assert action.place(staff, pd.DataFrame(), shown=pairs.units["unit"]) is None


def test_a_step_goes_with_a_quarter_of_the_slope():
    rng = np.random.default_rng(7)
    unit = np.repeat(np.arange(50), 20)
    x = rng.normal(size=50)[unit]
    frame = pd.DataFrame({"u": unit, "x": x, "y": 2 * x + rng.normal(size=1000)})
    model = within_between(frame, unit="u", y="y", x="x")
    step = action.step_goes_with(model, measured_in="points")
    assert step.value == pytest.approx(model.between.value / 4)
    assert step.low < 0.5 < step.high


@pytest.mark.parametrize("seed", range(50))
def test_step_and_literature_sentences_agree_with_their_objects(seed):
    rng = np.random.default_rng(seed)
    value, half = rng.normal(0, 1), rng.uniform(0.1, 1.5)
    step = Estimate(
        metric="m", measured_in="points", value=value, low=value - half, high=value + half,
        se=half / 2, level=0.95, n=50, n_missing=0, method="t",
    )  # fmt: skip
    said = action.step_sentence(step, of="experience")
    assert ("with better experience" in said) == (step.low > 0)
    assert ("with worse experience" in said) == (step.high < 0)
    assert ("cannot be told:" in said) == (step.low <= 0 <= step.high)
    r = float(np.tanh(rng.normal(0.3, 0.3)))
    own = Estimate(
        metric="r", measured_in="correlation", value=r, low=r - 0.15, high=min(r + 0.15, 1),
        se=0.07, level=0.95, n=80, n_missing=0, method="z",
    )  # fmt: skip
    for footing, said in (
        ("raw", literature.sentence(own, None)),
        ("corrected", literature.sentence(own, own).split("On the corrected")[1]),
    ):
        there = [p.r for p in literature.PUBLISHED if p.footing == footing]
        inside = [p for p in there if own.low <= p <= own.high]
        assert (f"holds {len(inside)} of the {len(there)}" in said) == bool(inside)
        assert ("lies above" in said) == (own.low > max(there))
        assert ("lies below" in said) == (own.high < min(there))
    assert "corrected" not in literature.sentence(own, None)


def test_the_strip_never_mixes_raw_and_corrected():
    own = correlation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    rows = literature.strip(own, None)
    assert set(rows.loc[rows["whose"].str.startswith("this study"), "footing"]) == {"raw"}
    assert set(rows["mark"]) <= {"", *literature.MARKS}
    assert all(f"[{mark}]" in line for line in literature.DIRECTIONS for mark in line[-3:-2])


def test_the_change_between_waves_is_paired_by_unit():
    waves = pd.DataFrame(
        {
            "unit": list("abcd") * 2,
            "wave": ["1"] * 4 + ["2"] * 4,
            "engagement": [3.0, 3.1, 2.9, 3.3, 3.2, 3.2, 3.2, np.nan],
        }
    )
    moved = measure.change(waves, "engagement", Policy())
    differences = np.array([0.2, 0.1, 0.3])
    assert moved.value == pytest.approx(differences.mean())
    assert moved.se == pytest.approx(differences.std(ddof=1) / 3**0.5)
    there = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert (moved.low, moved.high) == pytest.approx(tuple(there))
    assert (moved.n, moved.n_missing) == (3, 1)
    assert measure.change(waves.head(4), "engagement", Policy()).status == "no data"


def test_each_level_s_interval_rests_on_its_own_degrees_of_freedom():
    rng = np.random.default_rng(5)
    unit = np.repeat(np.arange(12), [4, 5, 6, 7] * 3)
    x = rng.normal(size=12)[unit] + rng.normal(size=unit.size)
    people = pd.DataFrame({"unit": unit, "x": x, "y": 0.5 * x + rng.normal(size=unit.size)})
    found = cx.correlation_by_level(people, unit="unit", x="x", y="y").set_index("at")
    for at, df in (
        ("individual", unit.size - 3),
        ("within units", unit.size - 12 - 2),
        ("between units", 12 - 3),
        ("between units, weighted by size", 12 - 3),
    ):
        row, half = found.loc[at], 1.959963985 / np.sqrt(df)
        limits = np.tanh(np.arctanh(row["value"]) + np.array([-half, half]))
        assert [row["low"], row["high"]] == pytest.approx(limits, abs=1e-8), at


def test_units_of_unlike_size_count_as_fewer():
    people = np.array([10, 10, 20, 10, 10, 30, 10, 10])
    units = pd.DataFrame(
        {
            "engagement": [3.0, 3.4, 3.1, 3.9, 3.6, 3.3, 4.0, 3.5],
            "experience": [3.9, 3.8, 4.1, 4.4, 4.0, 4.2, 4.3, 3.7],
            "n_employees": people,
            "n_customers": 200,
        }
    )
    found = weighted(units, level=0.95)
    worth = people.sum() ** 2 / (people**2).sum()  # Kish
    half = 1.959963985 / np.sqrt(worth - 3)
    limits = np.tanh(np.arctanh(found.value) + np.array([-half, half]))
    assert [found.low, found.high] == pytest.approx(limits, abs=1e-8)
    r = np.cov(units["engagement"], units["experience"], aweights=people)
    assert found.value == pytest.approx(r[0, 1] / np.sqrt(r[0, 0] * r[1, 1]))
