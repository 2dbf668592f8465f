"""The linkage answer on studies that lack something, or whose scales, waves and people differ."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import yaml

import cxkit as cx
from cxkit.errors import ColumnError, MissingTableError, QuestionError
from cxkit.linkage.direction import lags, units_followed
from cxkit.linkage.pairs import pair
from tests.handmade import linked, opened, plain


def guard(result: object, kind: str) -> object:
    (found,) = [g for g in result.answer.guards if g.kind == kind]
    return found


@pytest.mark.parametrize(
    ("bend", "error", "said"),
    [
        (
            lambda spec, _: spec["responses"].pop("answered_on"),
            ColumnError,
            r"no column for answered_on",
        ),
        (
            lambda spec, _: [spec[t].pop("unit") for t in ("responses", "customers")],
            ColumnError,
            r"responses has no column for unit.*\n.*\n +unit: NAME",
        ),
        (
            lambda spec, _: spec["engagement"].update(items={}),
            ColumnError,
            r"engagement has no column for items.*\n.*\n +items: ",
        ),
        (
            lambda spec, _: [spec["responses"].pop(s) for s in ("nps", "csat")],
            ColumnError,
            "no column for a score",
        ),
        (
            lambda spec, _: spec.pop("engagement"),
            MissingTableError,
            "no table engagement, needed to set what employees say",
        ),
        (
            lambda spec, _: spec["engagement"]["items"]["q1"].update(scale=[0, 10]),
            QuestionError,
            r"2 scales \(q1 0 to 10, q2 1 to 5, q3 1 to 5\)",
        ),
    ],
)
def test_what_is_lacking_is_refused_with_the_line_to_write(tmp_path, bend, error, said):
    with pytest.raises(error, match=said):
        cx.linkage_answer(opened(tmp_path, bend))


def test_units_may_come_from_the_customers(tmp_path):
    there = linked()
    elsewhere = cx.linkage_answer(opened(tmp_path, lambda spec, _: spec["responses"].pop("unit")))
    assert there.r.value == pytest.approx(elsewhere.r.value)


def test_effort_that_is_bad_when_high_is_turned(tmp_path):
    """CES 1.0 is the other way round: engaged branches with little effort go together."""

    def bend(spec, tables):
        tables["responses"]["ces"] = 6 - tables["responses"]["csat"]
        spec["responses"]["ces"] = {"column": "ces", "version": "1.0"}

    study = opened(tmp_path, bend)
    by_csat, by_effort = (cx.linkage_answer(study, measure=m) for m in ("csat", "ces"))
    assert by_csat.r.low > 0
    assert by_effort.r.value == pytest.approx(by_csat.r.value)
    assert "better experience" in by_effort.answer.headline
    assert by_effort.experience_unit == "mean CES, turned so that high is good"


def test_answers_that_name_no_customer_still_count_for_their_branch(tmp_path):
    def bend(spec, _):
        del spec["responses"]["customer"]

    named, nameless = pair(plain(), measure=""), pair(opened(tmp_path, bend), measure="")
    pd.testing.assert_frame_equal(named.units, nameless.units)

    def half(_, tables):
        tables["responses"].loc[::2, "id"] = ""

    mixed = pair(opened(tmp_path, half), measure="")
    assert mixed.units["n_customers"].sum() == named.units["n_customers"].sum()


def test_answers_outside_the_waves_are_counted_and_told():
    study, result = plain(), linked()
    inside = (study.responses["answered_on"].dt.year == 2024).sum()
    told = guard(result, "answers outside the waves")
    assert told.fired
    assert f"{len(study.responses) - inside:,} customers' answers" in told.text


def test_waves_without_any_answer_of_customers_are_not_passed_over_in_silence(tmp_path):
    def bend(_, tables):
        asked = tables["engagement"]
        asked["wave"] = asked["wave"].str.replace("2024", "2019")

    result = cx.linkage_answer(opened(tmp_path, bend))
    assert "no customer answered in a wave of the employees' survey" in str(result.direction)
    assert result.r.ok
    assert result.lags.empty


@pytest.mark.parametrize("name", ["Wave {}", "2024 Q{}"])
def test_waves_that_are_no_dates_are_said_to_be_none_even_if_only_one_is_not(tmp_path, name):
    def bend(_, tables):
        asked = tables["engagement"]
        asked["wave"] = asked["wave"].where(asked["wave"] != "2024Q2", name.format(2))

    result = cx.linkage_answer(opened(tmp_path, bend))
    assert "the waves' names are not all years" in str(result.direction)
    assert guard(result, "answers outside the waves").fired is False


def test_engagement_that_never_varies_ends_in_a_sentence(tmp_path):
    def bend(_, tables):
        tables["engagement"][["q1", "q2", "q3"]] = 3

    result = cx.linkage_answer(opened(tmp_path, bend))
    assert "the same in every unit" in result.answer.headline
    assert "does not vary" in str(result.lags_table)
    assert not re.search(r"\bnan\b", str(result.lags_table))
    assert "interval that holds zero" not in str(result.conclusion), "there is no interval"


def test_units_seen_only_every_other_wave_cannot_be_followed():
    waves = pd.DataFrame(
        [
            {"unit": f"U{u}", "wave": f"2024Q{q}", "engagement": u + q, "experience": u - q}
            for u in range(30)
            for q in ((1, 3) if u % 2 else (2, 4))
        ]
    )

    class Followed:
        pass

    pairs = Followed()
    pairs.waves = waves
    assert units_followed(pairs) == 0
    assert lags(pairs, level=0.95, seed=1).empty


def test_what_a_handful_of_employees_said_is_shown_nowhere(tmp_path):
    """Nine in all: a mean, a share or an agreement of theirs would tell what they said."""

    def bend(_, tables):
        asked = tables["engagement"]
        tables["engagement"] = asked[asked["who"].isin([f"E{i}" for i in range(9)])]

    result = cx.linkage_answer(opened(tmp_path, bend))
    for name in ("measured", "agreement", "models", "groups", "lags_table", "panel", "direction",
                 "other_arrow", "places", "step", "items", "items_said"):  # fmt: skip
        said = str(getattr(result, name))
        assert said.startswith("Withheld: fewer than 10 employees answered"), name
    rungs = result.ladder.frame.set_index("rung")
    for rung in ("agreement within units, rwg(j)", "ICC(1) of engagement", "ICC(2) of engagement",
                 "correlation between units, Pearson"):  # fmt: skip
        assert (rungs.loc[rung, "figure"], rungs.loc[rung, "verdict"]) == ("–", "not known")
        assert "Withheld" in rungs.loc[rung, "reason"]
    assert not any("Spearman" in r or "corrected" in r or "left out" in r for r in rungs.index)
    assert (result.r.value, result.r.status) == (None, "withheld")
    assert result.by_instrument["value"].isna().all()
    assert result.lags.empty
    assert result.shown.units.empty
    assert result.shown.pool.empty
    assert "Withheld" in result.answer.headline
    page = str(result.answer) + cx.figures.scatter(result).alt + str(result.published)
    assert not re.search(r"\br = ", page)
    ten = opened(
        tmp_path,
        lambda _, tables: tables.update(
            engagement=tables["engagement"][
                tables["engagement"]["who"].isin([f"E{i}" for i in range(10)])
            ]
        ),
    )
    hushed = "Withheld: fewer than {} employees answered"
    assert hushed.format(10) not in str(cx.linkage_answer(ten).measured)
    assert hushed.format(11) in str(cx.linkage_answer(ten, min_employees=11).measured)


def test_one_unit_is_not_called_units(tmp_path):
    result = cx.linkage_answer(opened(tmp_path, where="unit=B07"))
    shown = [getattr(result, name) for name in ("answer", "who", "lags_table", "direction")]
    said = "\n".join(map(str, [*shown, result.guards, result.measured, result.conclusion]))
    assert "1 unit " in said
    assert not re.search(r"\b1 units", said)


@pytest.mark.parametrize("raters", ["same people", "different people"])
def test_who_rated_is_said_beside_the_answer(tmp_path, raters):
    study = opened(tmp_path, lambda spec, _: spec["engagement"].update(raters=raters))
    result = cx.linkage_answer(study)
    same = raters == "same people"
    assert guard(result, "common source").fired is same
    assert result.answer.doubt.startswith("The same people rated both sides") is same
    said = "The same people rated both sides, which by itself makes them go together."
    assert (said in result.answer.headline) is same
    for name in ("ladder", "correlations", "published", "models", "lags_table", "items"):
        assert (said in getattr(result, name).caption) is same, name
    assert (said in cx.figures.scatter(result).caption) is same


def test_two_instruments_are_never_laid_beside_each_other(tmp_path):
    _, rows = aggregated(tmp_path, 4)
    forms = {str(2019 + w): "old form" if w < 2 else "new form" for w in range(4)}
    text = (tmp_path / "study.yml").read_text(encoding="utf-8")
    spec = yaml.safe_load(text)
    spec["unit_scores"]["instrument"] = {"by_wave": forms}
    (tmp_path / "study.yml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    result = cx.linkage_answer(cx.open_study(tmp_path / "study.yml"))
    assert result.by_instrument["instrument"].tolist() == ["old form", "new form"]
    assert result.by_instrument["n"].tolist() == [30, 30]
    later = rows[rows["w"] >= "2021"].groupby("u")[["eng", "exp"]].mean()
    assert result.r.value == pytest.approx(later["eng"].corr(later["exp"]))
    assert result.lags.empty
    assert "different instruments" in str(result.direction)
    step = result.who.frame.set_index("step").loc["units with both sides", "reason"]
    assert "30 in that of the last" in step
    assert "there are none such" in str(result.conclusion)
    own = result.published.frame.query("label == 'this study'")["lag"]
    assert set(own) == {"all waves together"}, "two waves of the new form"
    one = cx.linkage_answer(cx.open_study(tmp_path / "study.yml"), wave="2021")
    assert set(one.published.frame.query("label == 'this study'")["lag"]) == {"same wave"}


def aggregated(folder, waves: int, *, units: int = 30, counts: bool = True):
    """Open scores of units that were aggregated elsewhere, some waves of one instrument."""
    rng = np.random.default_rng(3)
    level = rng.normal(size=units)
    rows = pd.DataFrame(
        {
            "u": np.tile([f"S{u:02d}" for u in range(units)], waves),
            "w": np.repeat([str(2019 + w) for w in range(waves)], units),
            "eng": 60 + 8 * np.tile(level, waves) + rng.normal(size=units * waves),
            "exp": 70 + 3 * np.tile(level, waves) + 4 * rng.normal(size=units * waves),
            "staff": rng.integers(8, 40, units * waves),
        }
    )
    rows.to_csv(folder / "u.csv", index=False)
    spec = {
        "file": "u.csv",
        "unit": "u",
        "wave": "w",
        "instrument": {"value": "the form"},
        "engagement": {"column": "eng", "scale": [0, 100]},
        "experience": {"column": "exp", "scale": [0, 100]},
        "raters": "different people",
    }
    if counts:
        spec["n_employees"] = "staff"
    text = yaml.safe_dump({"study": "Elsewhere", "as_of": "2025-12-31", "unit_scores": spec})
    (folder / "study.yml").write_text(text, encoding="utf-8")
    return cx.open_study(folder / "study.yml"), rows


@pytest.mark.parametrize("waves", [1, 2, 3, 4])
def test_waves_of_one_unit_are_not_taken_for_units(tmp_path, waves):
    """Counting each wave as a unit would make the interval half as wide as it is."""
    study, rows = aggregated(tmp_path, waves)
    result = cx.linkage_answer(study)
    means = rows.groupby("u")[["eng", "exp"]].mean()
    assert result.r.n == 30
    assert result.r.value == pytest.approx(means["eng"].corr(means["exp"]))
    assert "(95 % interval" in result.answer.headline
    assert "30 units)" in result.answer.headline
    least = rows.groupby("u")["staff"].min()
    assert result.shown.hidden == (least < 10).sum()


def test_counts_that_were_not_published_stay_unknown(tmp_path):
    study, _ = aggregated(tmp_path, 2, counts=False)
    assert cx.linkage_answer(study).shown.uncounted == 30


@pytest.mark.parametrize(
    ("r", "reliability", "said"),
    [
        (
            ([1, 2, 3, 4, 5, 6], [1, 3, 2, 6, 4, 5]),
            0.9,
            "upper limit lies beyond 1 and is shown as 1",
        ),
        (
            ([6, 5, 4, 3, 2, 1], [1, 3, 2, 6, 4, 5]),
            0.9,
            "lower limit lies beyond −1 and is shown as −1",
        ),
        (
            ([1, 2, 3, 4, 5], [2, 1, 4, 5, 1]),
            0.3,
            "lower limit and the upper limit lie beyond −1 and 1 and are shown as −1 and 1",
        ),
    ],
)
def test_a_capped_limit_is_told_with_its_own_sign(r, reliability, said):
    raw = cx.correlation(*r)
    true = cx.disattenuate(raw, reliability_x=reliability, reliability_y=reliability)
    assert said in true.reason
    assert -1 <= true.low <= true.high <= 1
