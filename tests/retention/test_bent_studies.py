"""The retention answer on studies that lack something, hold too little, or begin late."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import ColumnError, QuestionError
from cxkit.figures.canvas import BAND_COLOURS
from cxkit.figures.curves import _followed
from cxkit.retention.clock import bands_of
from cxkit.retention.hazard import fit
from tests.handmade import AS_OF, kept, opened, plain


def whole(result: object) -> str:
    """Return everything a reader of the notebook gets to read, figures included."""
    shown = [
        result.answer,
        result.who,
        result.retained,
        result.effects,
        result.ratio,
        result.usual,
        result.more.comparisons,
        result.guards,
        result.conclusion,
    ]
    pictures = [cx.figures.retention(result), cx.figures.ratios(result.more.comparisons)]
    words = [f"{p.alt} {p.caption}" if hasattr(p, "alt") else str(p) for p in pictures]
    return "\n".join([*map(str, shown), *words])


def guard(result: object, kind: str) -> object:
    (found,) = [g for g in result.answer.guards if g.kind == kind]
    return found


@pytest.mark.parametrize("role", ["customer", "answered_on"])
def test_responses_without_a_role_are_refused_with_the_line_to_write(tmp_path, role):
    study = opened(tmp_path, lambda spec, _: spec["responses"].pop(role))
    with pytest.raises(ColumnError, match=rf"responses has no column for {role}.*\n.*\n +{role}:"):
        cx.retention_answer(study)


def test_responses_without_any_score_are_refused(tmp_path):
    def bend(spec, _):
        del spec["responses"]["nps"], spec["responses"]["csat"]

    with pytest.raises(ColumnError, match="no column for a score"):
        cx.retention_answer(opened(tmp_path, bend))


def test_answers_without_a_day_are_refused_with_a_cure_that_helps(tmp_path):
    def bend(_, tables):
        answers = tables["responses"]
        answers["nps"] = ""
        answers.loc[0, ["nps", "day"]] = ["9", ""]

    with pytest.raises(QuestionError, match=r"usable nps answer with its day\.\n.*another measure"):
        cx.retention_answer(opened(tmp_path, bend))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"horizon": 0}, "horizon = 0: .*\n  Ask with horizon from 1 to 600"),
        ({"horizon": -3}, "horizon = -3"),
        ({"gap": -30}, "gap = -30: .*\n  Ask with gap from 0 to 3650"),
        ({"gap": 10**9}, "gap = 1000000000"),
        ({"level": 95.0}, "level is 95.0"),
    ],
)
def test_times_and_levels_that_mean_nothing_are_refused(asked, said):
    with pytest.raises(QuestionError, match=said):
        cx.retention_answer(plain(), **asked)


def test_a_score_from_before_the_data_is_passed_over(tmp_path):
    """Who left before the data begin is in no table: counting from before flatters everyone."""
    begin = pd.Timestamp("2024-06-01")

    def bend(spec, tables):
        spec["observed_from"] = "2024-06-01"
        customers = tables["customers"]
        seen = (customers["left"] == "") | (customers["left"] >= "2024-06-01")
        tables["customers"] = customers[seen]

    cut = cx.retention_answer(opened(tmp_path, bend))
    answered = pd.to_datetime(
        opened(tmp_path, bend).responses.set_index("customer")["answered_on"]
    ) + pd.Timedelta(days=90)
    late = answered[answered >= begin].index
    row = cut.groups.iloc[0]
    planted = 100 * np.exp(-12 * 0.05)
    assert row["low"] < planted < row["high"]
    assert row["value"] < 65, "with landmarks before the data it would be over 70"
    steps = cut.who.frame.set_index("step")["customers"]
    assert steps["landmark before the data begin"] > 200
    assert steps["in the analysis"] <= len(late)
    assert guard(cut, "late entry").fired
    assert "scores have a landmark before the data begin" in guard(cut, "late entry").text


def test_customers_of_one_unit_are_said_to_count_as_independent(tmp_path):
    several = kept()
    assert guard(several, "customers of one unit").fired
    assert "20 units" in guard(several, "customers of one unit").text

    def alone(_, tables):
        tables["customers"]["branch"] = "B00"

    assert not guard(cx.retention_answer(opened(tmp_path, alone)), "customers of one unit").fired


def test_every_customer_of_the_table_is_in_one_step_of_the_selection(tmp_path):
    def bend(spec, _):
        spec["observed_from"] = "2022-06-01"

    steps = cx.retention_answer(opened(tmp_path, bend)).who.frame.set_index("step")["customers"]
    aside = steps.loc["not in the customer table":"landmark not yet reached"].sum()
    assert steps["with a score"] == aside + steps["in the analysis"]


@pytest.mark.parametrize("gap", [0, 90])
def test_scores_from_outside_the_relationship_or_the_data_are_set_aside_and_counted(tmp_path, gap):
    """Seven before joining, nine on or after the day of leaving, eleven just before the end."""

    def bend(_, tables):
        customers, answers = tables["customers"], tables["responses"]
        stayed = customers.index[customers["left"] == ""]
        gone = customers.index[customers["left"] != ""][:9]
        answers.loc[stayed[:7], "day"] = "2021-12-31"
        answers.loc[gone[:4], "day"] = customers.loc[gone[:4], "left"]
        late = pd.to_datetime(customers.loc[gone[4:], "left"]) + pd.Timedelta(days=3)
        answers.loc[gone[4:], "day"] = late.clip(upper=AS_OF).dt.strftime("%Y-%m-%d")
        answers.loc[stayed[7:18], "day"] = "2025-12-31" if gap == 0 else "2025-11-20"

    result = cx.retention_answer(opened(tmp_path, bend), gap=gap)
    steps = result.who.frame.set_index("step")["customers"]
    assert steps["only scores outside the relationship"] == 16
    assert (
        "16 scores were given before joining"
        in guard(result, "scores outside the relationship").text
    )
    assert steps["landmark not yet reached"] == 11
    aside = steps.loc["not in the customer table":"landmark not yet reached"].sum()
    assert steps["in the analysis"] == 600 - aside
    assert result.groups["n"].sum() == steps["in the analysis"]


def test_a_band_that_has_all_left_is_not_a_horizon_beyond_the_data(tmp_path):
    def bend(_, tables):
        answers = tables["responses"].set_index("id")
        poor = tables["customers"]["id"].map(answers["nps"]) <= 6
        soon = pd.to_datetime(tables["customers"]["id"].map(answers["day"]))
        tables["customers"].loc[poor, "left"] = (
            (soon + pd.Timedelta(days=180))[poor].clip(upper=AS_OF).dt.strftime("%Y-%m-%d")
        )

    result = cx.retention_answer(opened(tmp_path, bend))
    assert result.groups.iloc[0]["value"] == 0
    assert result.effect.direction == "higher"


def test_a_band_in_which_nobody_left_is_shown_but_not_compared(tmp_path):
    """Its hazard has no estimate: a normal interval about it would be far too sure."""

    def bend(_, tables):
        answers = tables["responses"].set_index("id")["nps"]
        middling = tables["customers"]["id"].map(answers).isin([7, 8])
        tables["customers"].loc[middling, "left"] = ""

    result = cx.retention_answer(opened(tmp_path, bend))
    frame = result.effects.frame
    assert frame["pair"].tolist()[0] == "promoters (9–10) against detractors (0–6)"
    assert frame["value"].notna().tolist() == [True, False, False]
    assert "One comparison, so p is not adjusted" in result.effects.caption
    assert result.groups["value"].tolist()[1] == 100
    assert guard(result, "sparse exits").fired
    assert "passives (7–8) with detractors (0–6)" in guard(result, "sparse exits").text
    assert not guard(result, "multiplicity").fired
    assert not re.search(r"\bnan\b|\bNone\b", whole(result))


def test_two_bands_only_are_one_comparison(tmp_path):
    def bend(_, tables):
        answers = tables["responses"]
        tables["responses"] = answers[~answers["nps"].isin([7, 8])]

    result = cx.retention_answer(opened(tmp_path, bend))
    assert result.effect.family == 1
    assert "One pair of bands" in guard(result, "multiplicity").text
    picture = cx.figures.retention(result).data.decode()
    assert BAND_COLOURS[0] in picture, "the poor end keeps its colour"
    assert BAND_COLOURS[2] in picture
    assert BAND_COLOURS[1] not in picture


def test_one_band_only_says_that_there_is_nobody_to_compare(tmp_path):
    def bend(_, tables):
        tables["responses"] = tables["responses"].query("nps > 8")

    result = cx.retention_answer(opened(tmp_path, bend))
    text = whole(result)
    assert "there is nobody to compare" in result.answer.headline
    assert "there is nobody to compare" in str(result.ratio)
    assert "No interval is given" in result.answer.how_sure
    assert "interval that holds zero" not in text, "there is no interval"
    assert "overlap" not in text, "one band overlaps with nothing"
    assert "too few customers left" not in text


def test_a_band_of_fewer_than_five_customers_is_not_shown(tmp_path):
    def bend(_, tables):
        answers = tables["responses"]
        few = answers.query("nps > 8")["id"].iloc[3:]
        tables["responses"] = answers[~answers["id"].isin(few)]

    result = cx.retention_answer(opened(tmp_path, bend))
    row = result.groups.set_index("group").loc["promoters (9–10)"]
    assert row["n"] < 5
    assert row[["value", "low", "high", "exits"]].isna().all()
    assert set(result.curves["band"].unique()) == {"detractors (0–6)", "passives (7–8)"}
    assert "fewer than 5 of the customers" in result.answer.headline
    assert "fewer than 5 customers, so it is not shown" in result.answer.sentences[0]
    assert not re.search(r"\d of \d+ promoters", whole(result))
    drawn = cx.figures.retention(result)
    assert "promoters" not in drawn.data.decode()
    assert "promoters" not in drawn.alt


def test_a_line_ends_where_fewer_than_five_are_followed(tmp_path):
    def bend(_, tables):
        answers = tables["responses"]
        few = answers.query("nps > 8")["id"].iloc[16:]
        tables["responses"] = answers[~answers["id"].isin(few)]

    result = cx.retention_answer(opened(tmp_path, bend), horizon=30)
    picture = cx.figures.retention(result)
    assert "ends where fewer than 5 are followed" in picture.caption
    assert "&lt;5" in picture.data.decode()
    few = result.curves[result.curves["band"] == "promoters (9–10)"]
    end = _followed(few, 36.0)["time"].max()
    assert end == few.loc[few["at_risk"] >= 5, "time"].max()
    assert end < few["time"].max()


def test_a_naive_row_without_a_ratio_says_why_and_is_not_drawn():
    """Everyone answered, so there is nobody who never did."""
    result = kept()
    compared = result.more.comparisons
    assert compared.result.naive.value is None
    assert "no ratio: on one side fewer than 5 left" in str(compared)
    assert "The usual comparison gives no ratio here" in str(result.usual)
    picture = cx.figures.ratios(compared)
    assert "Not drawn, for want of a ratio: answered against never answered" in picture.caption
    assert not re.search(r"\bnan\b|– \(", whole(result))


@pytest.mark.parametrize(
    ("score", "names"),
    [
        (
            {"column": "csat", "scale": [1, 5], "top": 4},
            ("dissatisfied (1–2)", "neither (3)", "satisfied (4–5)"),
        ),
        (
            {"column": "csat", "scale": [1, 5], "top": 5},
            ("dissatisfied (1–2)", "neither (3–4)", "satisfied (5)"),
        ),
        (
            {"column": "csat", "scale": [1, 10], "top": 9},
            ("dissatisfied (1–5)", "neither (6–8)", "satisfied (9–10)"),
        ),
        (
            {"column": "csat", "scale": [1, 10], "top": 6},
            ("dissatisfied (1–5)", "neither", "satisfied (6–10)"),
        ),
    ],
)
def test_satisfied_is_what_the_study_calls_satisfied(tmp_path, score, names):
    def bend(spec, _):
        spec["responses"]["csat"] = score

    bands = bands_of(opened(tmp_path, bend), "csat")
    assert bands.names == names
    low, high = score["scale"]
    cut = bands.cut(pd.Series(np.arange(low, high + 1, dtype=float)))
    assert (cut == names[2]).tolist() == [v >= score["top"] for v in range(low, high + 1)]


@pytest.mark.parametrize(
    ("version", "names", "best"),
    [
        ("1.0", ("hard (4–5)", "neither (3)", "easy (1–2)"), 1.0),
        ("2.0", ("hard (1–3)", "neither (4)", "easy (5–7)"), 7.0),
    ],
)
def test_effort_is_read_in_the_direction_of_its_version(tmp_path, version, names, best):
    def bend(spec, tables):
        spec["responses"]["ces"] = {"column": "ces", "version": version}
        tables["responses"]["ces"] = 6 - tables["responses"]["csat"]

    bands = bands_of(opened(tmp_path, bend), "ces")
    assert bands.names == names
    assert bands.cut(pd.Series([best])).tolist() == [names[2]]


def test_silence_is_not_called_an_answer(tmp_path):
    """Without a row for a survey that nobody answered, nobody knows who was asked."""
    only = guard(kept(), "nonresponse")
    assert "who was asked and stayed silent is not known" in only.text
    assert "surveys sent were answered" not in only.text

    def bend(_, tables):
        asked = tables["responses"]
        silent = asked.assign(day="", nps="", csat="")
        tables["responses"] = pd.concat([asked, silent], ignore_index=True)

    both = cx.retention_answer(opened(tmp_path, bend))
    assert "50.0 % (47.2 to 52.8) of 1,200 surveys sent" in guard(both, "nonresponse").text
    assert both.answer.doubt.startswith("Only 50.0 % (47.2 to 52.8) of 1,200 surveys were answered")


def test_an_answer_to_another_question_is_not_silence(tmp_path):
    def bend(_, tables):
        asked = tables["responses"]
        other = asked.assign(nps="")
        tables["responses"] = pd.concat([asked, other], ignore_index=True)

    text = guard(cx.retention_answer(opened(tmp_path, bend)), "nonresponse").text
    assert "is not known" in text, "every survey was answered, each with what it asked"


def spells(seed: int, hazards: tuple[float, float], n: int) -> pd.DataFrame:
    """Customers in two bands, followed for 1 to 24 months."""
    rng = np.random.default_rng(seed)
    code = rng.integers(0, 2, n)
    life = rng.exponential(1 / np.array(hazards)[code])
    end = rng.uniform(1, 24, n)
    return pd.DataFrame(
        {
            "band": pd.Categorical.from_codes(code, ["poor", "good"], ordered=True),
            "months": np.minimum(life, end),
            "followed": end,
            "left": life <= end,
        }
    )


def test_the_month_in_which_the_data_end_counts_for_nobody():
    """Counting those who left in it and not those who stayed makes everyone leave too soon."""
    rows = spells(1, (0.05, 0.02), 400_000)
    kept = fit(rows, horizon=12, adjust=[], level=0.95)
    blind = fit(rows.drop(columns="followed"), horizon=12, adjust=[], level=0.95)
    planted = np.exp(-12 * np.array([0.05, 0.02]))
    for band, truth in zip(("poor", "good"), planted, strict=True):
        # standard error of each is about .0014
        assert kept._standardised(band)[0] == pytest.approx(truth, abs=0.004)
        assert blind._standardised(band)[0] < truth - 0.004


def test_effect_ratio_and_p_never_tell_different_directions():
    for seed in range(60):
        fitted = fit(spells(seed, (0.03, 0.02), 500), horizon=12, adjust=[], level=0.95)
        effect, ratio = fitted.effect("good", "poor"), fitted.ratio("good")
        assert (effect.low > 0) == (ratio.high < 1) == (effect.p < 0.05 and effect.value > 0)


def test_a_segment_in_which_nobody_left_and_one_said_twice_do_no_harm(tmp_path):
    def bend(spec, tables):
        customers = tables["customers"]
        customers["shop"] = np.where(customers["branch"] < "B03", "quiet", customers["region"])
        customers.loc[customers["shop"] == "quiet", "left"] = ""
        customers["area"] = customers["region"].str.lower()
        spec["customers"]["segments"] = ["region", "area", "shop"]

    usual = kept()
    result = cx.retention_answer(opened(tmp_path, bend))
    assert result.effect.se < 2 * usual.effect.se
    assert "held equal: shop." in result.effects.caption, "beside region it has an empty corner"
    assert "Not held equal: region, area." in guard(result, "sparse exits").text


def test_a_difference_that_falls_with_its_family_says_so():
    import dataclasses

    from cxkit.retention import wording

    effect = kept().effect
    alone = wording.how_sure(effect, 10, 100, 12, object())
    lost = dataclasses.replace(effect, p_adjusted=0.06)
    assert "speaks of this one alone" not in alone
    assert "speaks of this one alone" in wording.how_sure(lost, 10, 100, 12, object())


def test_without_a_gap_the_conclusion_does_not_claim_one():
    result = cx.retention_answer(plain(), gap=0)
    assert "count in full" in str(result.conclusion)
    assert "weigh less" not in str(result.conclusion)


@pytest.mark.parametrize("where", ["unit=B07", "region=North"])
def test_a_part_of_the_study_gets_a_true_answer(tmp_path, where):
    text = whole(cx.retention_answer(opened(tmp_path, where=where)))
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", text)
