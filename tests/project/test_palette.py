"""The colours of series can be told apart by everyone: colour blindness is simulated.

Machado, Oliveira and Fernandes (2009, doi:10.1109/TVCG.2009.113), severity 1, on linear RGB.
Distances are those of CIE 1976 in L*a*b*; a difference that is just seen is about 2.3 there.
"""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from cxkit.figures.canvas import ACCENT, BAND_COLOURS, INK
from cxkit.report import render, whiskers

SEES = {
    "everything": np.eye(3),
    "no red (protanopia)": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green (deuteranopia)": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no blue (tritanopia)": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
    "no colour": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}
#: Far more than is just seen, since lines are thin and stand apart.
APART = 15.0
#: In grey three bands must share the lightness between black and white.
APART_IN_GREY = 8.0


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB under D65."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str, sees: str) -> float:
    """How far apart two colours are to someone."""
    simulated = [lab(SEES[sees] @ linear(c)) for c in (one, other)]
    return float(np.linalg.norm(simulated[0] - simulated[1]))


@pytest.mark.parametrize("sees", SEES)
@pytest.mark.parametrize("pair", list(itertools.combinations(BAND_COLOURS, 2)), ids="-".join)
def test_bands_can_be_told_apart(pair: tuple[str, str], sees: str) -> None:
    least = APART_IN_GREY if sees == "no colour" else APART
    assert distance(*pair, sees) >= least


def test_the_simulation_sees_a_bad_pair() -> None:
    red, green = "#c44e52", "#55a868"  # a common red and green
    assert distance(red, green, "everything") > 60
    assert distance(red, green, "no green (deuteranopia)") < 30
    assert distance("#777777", "#777777", "everything") == 0
    white, black = distance("#ffffff", "#000000", "everything"), 100
    assert white == pytest.approx(black, abs=0.1)


def contrast(one: str, other: str) -> float:
    light, dark = sorted(float(SEES["no colour"][0] @ linear(c)) for c in (one, other))[::-1]
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", [*BAND_COLOURS, ACCENT, INK])
def test_lines_stand_out_from_the_white_they_are_drawn_on(colour: str) -> None:
    assert contrast(colour, "#ffffff") >= 3  # WCAG 2.2, 1.4.11


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_the_whiskers_of_the_index_stand_out_from_its_paper(theme: int) -> None:
    sheet = (Path(render.__file__).parent / "template" / "page.css").read_text(encoding="utf-8")
    paper = re.findall(r"--paper: (#[0-9a-f]{6});", sheet)[theme]
    inks = re.findall(r"stroke:(#[0-9a-f]{6})", whiskers._STYLE)[2 * theme : 2 * theme + 2]
    assert len(inks) == 2
    for ink in inks:
        assert contrast(ink, paper) >= 3
