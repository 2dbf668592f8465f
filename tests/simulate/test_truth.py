"""The truth is true: potential outcomes are consistent, and closed forms and plain pandas agree."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import DataError
from cxkit.simulate import customers as of_customers
from cxkit.simulate.days import OBSERVED_FROM
from cxkit.simulate.firm import Firm, draw_firm
from cxkit.simulate.truth import landmarks, read_truth, truth_of

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample"
SMALL = {"branches": 20, "customers": 800, "staff": 100}


@pytest.fixture(scope="module")
def firm() -> Firm:
    return draw_firm()


@pytest.fixture(scope="module")
def truth() -> dict:
    return read_truth(SAMPLE)


def test_what_is_written_is_what_is_computed(firm: Firm, truth: dict) -> None:
    assert truth == truth_of(firm)


def test_the_factual_day_is_the_potential_day_of_the_own_band(firm: Firm) -> None:
    c = firm.customers
    written = pd.to_datetime(pd.Series(firm.tables["customers"]["left_on"]).replace("", pd.NaT))
    days = (written - pd.Timestamp("1970-01-01")).dt.days
    own = c.leaves[np.arange(c.n), c.band]
    assert (days.dropna() == own[days.notna()]).all()
    assert (own[days.isna()] > (pd.Timestamp("2025-12-31") - pd.Timestamp("1970-01-01")).days).all()


def test_potential_days_agree_with_each_other(firm: Firm) -> None:
    c = firm.customers
    good, middling, poor = c.leaves.T
    assert (good >= middling).all()
    assert (middling >= poor).all()
    for band in range(3):
        assert (c.leaves_if(band, c.joined) == c.leaves[:, band]).all()
    who, landmark = landmarks(firm, answered=True)
    since = np.zeros(c.n, int)
    since[who] = landmark
    for band in range(3):
        same = who[c.band[who] == band]
        then = c.leaves_if(band, since)
        assert (then[who] > landmark - 1).all()
        assert (then[same] == c.left[same]).all()


@pytest.mark.parametrize("band", [0, 1, 2])
def test_leaving_in_the_first_year_has_its_closed_form(band: int) -> None:
    """1 - exp(-factor (6 x 0.024 + 6 x 0.020)), in customers who joined inside the data."""
    c = draw_firm(customers=20_000, staff=10).customers
    new = (c.joined >= OBSERVED_FROM) & (c.segment == 0)
    year = math.floor(12 * of_customers.MONTH)
    share = (c.leaves[new, band] - c.joined[new] <= year).mean()
    hazard = of_customers.BAND_FACTORS[band] * (6 * 0.024 + 6 * 0.020)
    expected = 1 - math.exp(-hazard)
    error = math.sqrt(expected * (1 - expected) / new.sum())
    assert abs(share - expected) < 4 * error


def test_the_population_is_the_one_a_reader_of_the_files_would_take(truth: dict) -> None:
    customers = pd.read_csv(SAMPLE / "customers.csv", parse_dates=["left_on"])
    rows = pd.read_csv(SAMPLE / "responses.csv", parse_dates=["asked_on", "answered_on"])
    rows = rows.merge(customers[["customer_id", "left_on"]], on="customer_id")
    for population, day in (("answered", "answered_on"), ("all_customers", "asked_on")):
        asked = rows[rows[day].notna() & ~(rows[day] >= rows["left_on"])]
        first = asked.sort_values(day).drop_duplicates("customer_id")
        landmark = first[day] + pd.Timedelta(days=90)
        there = ~(first["left_on"] <= landmark) & (landmark < pd.Timestamp("2025-12-31"))
        assert there.sum() == truth["retention"][population]["landmark_before_as_of"]["n"]


def test_without_an_effect_the_effect_is_nothing() -> None:
    truth = truth_of(draw_firm(experience_effect=0, **SMALL))
    for population in truth["retention"].values():
        for part in (population, population["landmark_before_as_of"]):
            assert set(part["effect"].values()) == {0.0}
            assert len(set(part["retention_12_months"].values())) == 1
    assert set(truth["hazard_ratio"].values()) == {1.0}
    assert all(v == 0 for by_gap in truth["effect_by_gap"].values() for v in by_gap.values())


def test_the_opposite_firm_has_the_opposite_effect(truth: dict) -> None:
    opposite = truth_of(draw_firm(experience_effect=-1, **SMALL))
    for name, value in truth["retention"]["answered"]["effect"].items():
        assert value > 3
        assert opposite["retention"]["answered"]["effect"][name] < -3
    for name, value in truth["hazard_ratio"].items():
        assert opposite["hazard_ratio"][name] == pytest.approx(1 / value, abs=1e-4)


def test_effects_add_up_and_the_bands_as_they_are_overstate(truth: dict) -> None:
    for population in truth["retention"].values():
        effect, kept = population["effect"], population["retention_12_months"]
        parts = effect["good_minus_middling"] + effect["middling_minus_poor"]
        assert effect["good_minus_poor"] == pytest.approx(parts, abs=2e-4)
        assert effect["good_minus_poor"] == pytest.approx(kept["good"] - kept["poor"], abs=2e-4)
        naive = population["in_band"]["good"] - population["in_band"]["poor"]
        assert naive > effect["good_minus_poor"] + 1  # segment moves both
        assert sum(population["in_band_n"].values()) == population["n"]


def test_those_who_answer_are_better_served(truth: dict) -> None:
    nps = truth["nps"]
    assert nps["answered"] > nps["all_customers"] + 5 > nps["silent"] + 10
    assert nps["as_given"] < nps["answered"]
    silent = nps["n_all_customers"] - nps["n_answered"]
    mixed = (nps["answered"] * nps["n_answered"] + nps["silent"] * silent) / nps["n_all_customers"]
    assert mixed == pytest.approx(nps["all_customers"], abs=1e-3)


@pytest.mark.parametrize("link", [-0.6, 0.0, 0.5])
def test_stable_parts_correlate_as_planted(link: float) -> None:
    b = draw_firm(branches=2000, customers=10, staff=10, engagement_link=link).branches
    r = np.corrcoef(b.service, b.engagement)[0, 1]
    assert abs(math.atanh(r) - math.atanh(link)) < 4 / math.sqrt(2000 - 3)
    assert np.std(b.engagement) == pytest.approx(0.2, rel=0.08)


def test_quarters_carry_over_and_neither_side_comes_first() -> None:
    b = draw_firm(branches=2000, customers=10, staff=10).branches
    service, engagement = b.service_quarter[:, 2:], b.engagement_wave
    bound = 4 / math.sqrt(2000)

    def lagged(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.corrcoef(x[:, :-1].ravel(), y[:, 1:].ravel())[0, 1])

    assert lagged(service, service) == pytest.approx(0.4, abs=bound)
    assert lagged(engagement, engagement) == pytest.approx(0.4, abs=bound)
    assert lagged(service, engagement) == pytest.approx(0, abs=bound)
    assert lagged(engagement, service) == pytest.approx(0, abs=bound)


def test_icc_of_the_true_answers_is_the_planted_one(truth: dict) -> None:
    """The mean of the items before rounding, one-way ANOVA over many branches."""
    from cxkit.simulate.people import APPRECIATED_SPLIT, ITEM_NOISE

    firm = draw_firm(branches=600, customers=10, staff=12_000)
    wave = firm.waves[-1]
    noise = np.random.default_rng(1).standard_normal(len(wave.person)) * ITEM_NOISE / 8**0.5
    split = 2 / 8 * APPRECIATED_SPLIT * firm.people.split[wave.person]
    frame = pd.DataFrame({"unit": firm.people.branch[wave.person], "x": wave.index + noise + split})
    groups = frame.groupby("unit")["x"]
    k, units = len(frame) / groups.ngroups, groups.ngroups
    between = (groups.size() * (groups.mean() - frame["x"].mean()) ** 2).sum() / (units - 1)
    within = ((frame["x"] - groups.transform("mean")) ** 2).sum() / (len(frame) - units)
    icc = (between - within) / (between + (k - 1) * within)
    assert icc == pytest.approx(truth["linkage"]["icc1"], abs=0.03)


def test_linkage_truth_lies_near_the_planted_one(truth: dict) -> None:
    linkage = truth["linkage"]
    assert 0.25 < linkage["all"] < 0.65  # 120 branches drawn with 0.5
    assert linkage["answered"] == pytest.approx(linkage["all"], abs=0.05)
    assert set(linkage["cross_lag"].values()) == {0.0}


def test_an_empty_population_is_said_and_not_nan() -> None:
    truth = truth_of(draw_firm(branches=1, customers=1, staff=1))
    assert truth["linkage"]["all"] is None
    assert "nan" not in str(truth)


def test_a_folder_without_truth_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no truth\.yml.*\n.*Only a simulated study"):
        read_truth(tmp_path)


def test_no_other_part_of_the_kit_reads_the_truth() -> None:
    package = Path(cx.__file__).parent
    readers = [
        p.relative_to(package).as_posix()
        for p in package.rglob("*.py")
        if "truth.yml" in (text := p.read_text(encoding="utf-8")) or "read_truth" in text
    ]
    assert readers
    assert all(p.startswith("simulate/") for p in readers), readers
