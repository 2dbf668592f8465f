"""The sample is what it says: the same bytes, the planted facts, and files that a study opens."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ParameterError
from cxkit.simulate.customers import BANDS
from cxkit.simulate.firm import draw_firm, simulate_firm
from cxkit.simulate.surveys import FALLS, LEAVING_DAYS

DATA = Path(__file__).parents[2] / "data"
SAMPLE = DATA / "sample"
AS_OF = pd.Timestamp("2025-12-31")
TABLES = (
    *("customers", "responses", "tickets", "orders", "engagement", "staff", "units"),
    "unit_scores",
)


def table(name: str, dates: tuple[str, ...] = ()) -> pd.DataFrame:
    return pd.read_csv(SAMPLE / f"{name}.csv", parse_dates=list(dates))


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return table("customers", ("joined_on", "left_on"))


@pytest.fixture(scope="module")
def responses(customers: pd.DataFrame) -> pd.DataFrame:
    rows = table("responses", ("asked_on", "answered_on"))
    return rows.merge(
        customers[["customer_id", "joined_on", "left_on", "segment"]], on="customer_id"
    )


def test_the_sample_is_regenerated_byte_for_byte(tmp_path: Path) -> None:
    simulate_firm(tmp_path)
    names = sorted(p.name for p in SAMPLE.iterdir())
    assert names == sorted(p.name for p in tmp_path.iterdir())
    for name in names:
        assert (tmp_path / name).read_bytes() == (SAMPLE / name).read_bytes(), name


def test_the_sample_is_small() -> None:
    assert sum(p.stat().st_size for p in SAMPLE.glob("*.csv")) < 4_000_000
    text = b"".join(p.read_bytes() for p in SAMPLE.glob("*.csv"))
    assert b"\r" not in text
    assert not re.search(rb"\d\.\d{3}", text)  # rounded


def test_every_file_has_a_card_that_counts_its_rows() -> None:
    cards = (DATA / "README.md").read_text(encoding="utf-8")
    for name in TABLES:
        assert f"| `{name}.csv` |" in cards
        card = next(line for line in cards.splitlines() if line.startswith(f"| `{name}.csv`"))
        assert int(card.split("|")[3].replace(",", "")) == len(table(name)), name


def test_the_cards_count_what_is_planted(responses: pd.DataFrame) -> None:
    cards = (DATA / "README.md").read_text(encoding="utf-8")
    answered = responses["answered_on"]
    assert f"{100 * answered.notna().mean():.0f} % were answered" in cards
    assert f"{(answered >= responses['left_on']).sum()} answers came on the day" in cards
    assert f"{table('tickets')['resolved_at'].isna().sum()} are open" in cards
    few = (table("customers").groupby("branch").size() < 5).sum()
    assert f"{few} branches have fewer than 5 customers" in cards
    small = (table("engagement").groupby("branch")["respondent"].nunique() < 10).sum()
    assert f"{small} had fewer than 10 employees" in cards


def test_customers_entered_late_and_left(customers: pd.DataFrame) -> None:
    begin = pd.Timestamp("2023-07-01")
    late = customers["joined_on"] < begin
    assert 0.3 < late.mean() < 0.7
    assert (customers["left_on"].dropna() >= begin).all()
    assert (customers["left_on"].dropna() <= AS_OF).all()
    assert (customers["left_on"] > customers["joined_on"])[customers["left_on"].notna()].all()
    assert customers["left_because"].notna().equals(customers["left_on"].notna())
    assert customers["customer_id"].is_unique


def test_silence_depends_on_experience(responses: pd.DataFrame) -> None:
    firm = draw_firm()
    answered = responses["answered_on"].notna()
    assert 0.5 < answered.mean() < 0.62
    silent = responses.loc[~answered, "nps":"comment"]
    assert silent.isna().all(axis=None)
    band = firm.customers.band[firm.surveys.customer]
    by_band = [firm.surveys.answered[band == b].mean() for b in range(3)]
    assert by_band[0] > by_band[1] + 0.05 > by_band[2] + 0.1
    assert (responses["answered_on"].dropna() <= AS_OF).all()
    assert (responses["asked_on"] >= responses["joined_on"]).all()
    assert (responses.groupby("customer_id")["answered_on"].count() >= 3).sum() > 500


def test_some_answers_came_after_leaving(responses: pd.DataFrame) -> None:
    after = responses["answered_on"] >= responses["left_on"]
    assert 20 < after.sum() < 100


def test_scores_lie_in_the_band_and_fall_before_leaving() -> None:
    firm = draw_firm()
    c, s = firm.customers, firm.surveys
    nps = pd.to_numeric(pd.Series(firm.tables["responses"]["nps"]), errors="coerce")
    own, left = c.band[s.customer], c.left[s.customer]
    leaving = left - s.answered_on <= LEAVING_DAYS
    scored = s.answered & (nps != 99).to_numpy()
    shown = pd.cut(nps, [-1, 6, 8, 10], labels=[2, 1, 0]).astype(float).to_numpy()
    assert (shown[scored & ~leaving] == own[scored & ~leaving]).all()
    could_fall = scored & leaving & (own < 2)
    fell = shown[could_fall] > own[could_fall]
    assert abs(fell.mean() - FALLS) < 4 * (FALLS * (1 - FALLS) / len(fell)) ** 0.5
    assert (shown[could_fall] >= own[could_fall]).all()


def test_tickets_are_open_reopened_and_closed_unanswered() -> None:
    tickets = table("tickets", ("opened_at", "first_response_at", "resolved_at"))
    open_now = tickets["resolved_at"].isna()
    assert open_now.sum() >= 10
    assert (tickets["reopened"] == "yes").sum() > 50
    unanswered = tickets["auto_closed"] == "yes"
    assert unanswered.sum() > 50
    assert tickets.loc[unanswered, "first_response_at"].isna().all()
    assert set(tickets["handled_by"]) == {"human", "automated"}
    done = tickets[~open_now]
    assert (done["resolved_at"] > done["opened_at"]).all()
    assert (done["resolved_at"] < AS_OF + pd.Timedelta(days=1)).all()


def test_one_item_is_reverse_keyed_and_one_group_does_not_agree() -> None:
    engagement = table("engagement")
    assert sorted(engagement["wave"].unique()) == [
        f"{y}Q{q}" for y in (2024, 2025) for q in range(1, 5)
    ]
    items = [f"q{i}" for i in range(1, 9)]
    keys = engagement[items].corr()["q1"]
    assert keys["q2"] < -0.3
    assert keys.drop(["q1", "q2"]).gt(0.1).all()
    wave = engagement[engagement["wave"] == "2025Q4"]
    spread = wave.groupby("branch")[items].var().mean() / 2  # against the uniform null of 1 to 5
    assert (1 - spread[["q7", "q8"]] < 0.2).all()
    assert (1 - spread.drop(["q7", "q8"]) > 0.7).all()
    own = engagement[["q1", "q3", "q4", "q5", "q6"]].mean(axis=1)
    assert own.corr(engagement["serves_well"]) > 0.4  # the same people rate both


def test_participation_and_pseudonyms() -> None:
    firm = draw_firm()
    took = sum(w.took_part.sum() for w in firm.waves) / sum(len(w.person) for w in firm.waves)
    assert 0.67 < took < 0.73
    engagement, staff = table("engagement"), table("staff")
    assert not engagement.duplicated(["respondent", "wave"]).any()
    assert not set(engagement["respondent"]) & set(staff["employee_id"])


def test_some_branches_are_too_small_to_show(customers: pd.DataFrame) -> None:
    units, engagement = table("units"), table("engagement")
    assert len(units) == 121  # 120 branches and the head office
    assert units["branch_name"].is_unique
    assert units["region"].nunique() == 5
    assert (customers.groupby("branch").size() < 5).sum() == 3
    assert (engagement.groupby("branch")["respondent"].nunique() < 10).sum() >= 5


def test_the_head_office_serves_no_customer() -> None:
    assert "head" in set(table("units")["branch"])
    engagement = table("engagement")
    assert (engagement[engagement["branch"] == "head"].groupby("wave").size() >= 10).all()
    for name in ("customers", "responses", "tickets"):
        assert "head" not in set(table(name)["branch"])
    ids = table("staff")["employee_id"]
    assert ids.is_unique


def test_the_yearly_index_has_two_questionnaires_and_one_crowds_at_the_top() -> None:
    scores = table("unit_scores").groupby("questionnaire")[["team_index", "customer_index"]]
    room = (100 - scores.mean()) / scores.std()
    assert (room.loc["paper questionnaire"] > 3).all()
    assert (room.loc["thumbs in the app"] < 2).all()


def test_coverage_has_holes_and_comments_have_traps(responses: pd.DataFrame) -> None:
    assert "pre-purchase" not in set(responses["stage"])
    contract = (SAMPLE / "study.yml").read_text(encoding="utf-8")
    assert "emotional_connection" not in contract
    words = " ".join(responses["comment"].dropna().unique())
    for trap in (",", '"', "<b>", "<script>", "=1+1", "è", "👍"):
        assert trap in words
    assert responses["comment"].dropna().str.startswith("=").any()


def test_a_larger_part_leaves_the_others_alone() -> None:
    small = draw_firm(branches=12, customers=200, staff=90)
    more_staff = draw_firm(branches=12, customers=200, staff=150)
    for name in ("customers", "responses", "tickets", "orders", "units"):
        assert small.tables[name] == more_staff.tables[name]
    other = draw_firm(branches=12, customers=200, staff=90, seed=7)
    assert small.tables["customers"] != other.tables["customers"]


@pytest.mark.parametrize(("branches", "customers", "staff"), [(1, 1, 1), (2, 60, 5), (41, 300, 20)])
def test_small_firms_are_whole(tmp_path: Path, branches: int, customers: int, staff: int) -> None:
    path = simulate_firm(tmp_path, branches=branches, customers=customers, staff=staff)
    assert path == tmp_path / "study.yml"
    study = cx.open_study(path)
    assert len(study.customers) == customers
    assert not [f for f in study.findings if f.kind == "refuse"]


def test_the_sample_opens_without_a_refusal() -> None:
    study = cx.open_study(SAMPLE / "study.yml")
    assert not [f for f in study.findings if f.kind == "refuse"]
    assert set(study.tables) == set(TABLES)
    assert study.as_of == AS_OF
    assert study.contract.engagement.items["left_alone"].reversed


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"branches": 0}, r"branches=0.*\n.*whole number from 1"),
        ({"customers": -5}, r"customers=-5"),
        ({"seed": -1}, r"seed=-1.*\n.*whole number from 0"),
        ({"experience_effect": float("nan")}, r"experience_effect=nan, which no firm has"),
        ({"experience_effect": 1e6}, r"from -5 to 5: 0 is no effect"),
        ({"engagement_link": 1.5}, r"engagement_link=1.5, which is no correlation"),
    ],
)
def test_a_firm_that_cannot_be_is_refused(
    tmp_path: Path, asked: dict[str, float], said: str
) -> None:
    with pytest.raises(ParameterError, match=said):
        simulate_firm(tmp_path / "none", **asked)
    assert not (tmp_path / "none").exists()


def test_bands_are_in_order() -> None:
    assert BANDS == ("good", "middling", "poor")
