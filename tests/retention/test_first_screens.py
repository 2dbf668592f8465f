"""The first screen alone: answer, size, interval and main doubt, five times different and true."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import cxkit as cx
from cxkit import markup
from cxkit.simulate.truth import read_truth
from tests import firms

ROOT = Path(__file__).parents[2]

#: What each study's headline must say, and its doubt.
SCREENS = {
    "sample": ("stay longer: other things equal, ", "would show as an effect"),
    "a complaint in a snapshot": ("leave more often: ", "which came first"),
    "the opposite sign": ("leave earlier: other things equal, ", "would show as this effect"),
    "no effect": ("cannot be told from these data: other", "would hide an effect"),
    "a shop of 60": ("cannot be told from these data: within", "of any size could be here unseen"),
}

#: Those whose answers other tests ask for, too: the effect that was planted, None in the sample.
SHARED = {"sample": None, "the opposite sign": -1.0, "no effect": 0.0}


def folders() -> dict[str, Path]:
    """Return the folders of the five studies; those that are simulated say what was planted."""
    return {
        "sample": ROOT / "data/sample",
        "a complaint in a snapshot": ROOT / "tests/real/iranian_churn",
        "the opposite sign": firms.folder(-1.0),
        "no effect": firms.folder(0.0),
        "a shop of 60": firms.shop(),
    }


def planted(folder: Path) -> float:
    """Return the difference that was planted for the customers at the landmark, in points."""
    truth = read_truth(folder)["retention"]["answered"]["landmark_before_as_of"]
    return truth["effect"]["good_minus_poor"]


@pytest.mark.skipif("CXKIT_SHARED" not in os.environ, reason="CXKIT_SHARED names no data folder")
def test_five_studies_get_five_different_true_first_screens():
    said: dict[str, list[str]] = {}
    for name, folder in folders().items():
        if name in SHARED:
            result = firms.kept(SHARED[name])
        else:
            result = cx.retention_answer(cx.open_study(folder / "study.yml"))
        answer, effect, figure = result.answer, result.effect, cx.figures.retention(result)
        head, doubt = SCREENS[name]
        assert head in answer.headline, name
        assert doubt in answer.doubt, name
        if effect.ok:
            turned = effect.direction == "lower"
            size = markup.quantity(
                abs(effect.value) if turned else effect.value, effect.measured_in
            )
            limits = markup.interval(effect.low, effect.high, effect.measured_in)
            assert f"{size} " in answer.headline, name
            assert f"95 % interval {limits}" in answer.headline, name
            holds = effect.low <= 0 <= effect.high
            assert ("holds zero" in answer.how_sure) == holds, name
            assert ("whole interval lies" in answer.how_sure) == (not holds), name
        else:
            assert effect.reason in answer.headline, name
            assert "No interval is given" in answer.how_sure, name
            assert "You would need about" in " ".join(answer.sentences), name
        people = effect.n_a + effect.n_b if result.curves is None else answer.used
        assert answer.how_sure.startswith(f"{people:,} customers"), name
        for group in result.groups.dropna(subset=["value"]).to_dict("records"):
            limits = markup.interval(group["low"], group["high"], "%")
            assert f"{markup.quantity(group['value'], '%')} of " in answer.sentences[0], name
            assert limits in answer.sentences[0], name
            assert f"{group['n']:,}" in answer.sentences[0], name
            assert group["group"] in figure.alt or len(result.groups) > 2, name
        if name == "a complaint in a snapshot":  # 200 of 241 and 295 of 2,909, counted in the file
            assert round(effect.value, 2) == round(100 * (200 / 241 - 295 / 2909), 2)
        elif effect.ok:
            assert effect.low < planted(folder) < effect.high, name
        parts = [answer.headline, answer.sentences[0], answer.doubt, figure.alt, figure.caption]
        for part, text in zip(
            ("headline", "shares", "doubt", "alt", "caption"), parts, strict=True
        ):
            said.setdefault(part, []).append(text)
    assert {part: len(set(texts)) for part, texts in said.items()} == dict.fromkeys(said, 5)
