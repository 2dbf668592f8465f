"""What a customer answers to one survey: scores on every scale, yes or no, a sentence."""

from __future__ import annotations

import numpy as np

from cxkit.simulate.days import blank
from cxkit.simulate.draws import Draws, whole_answer
from cxkit.simulate.verbatims import COMMENTS

#: What a customer of each band is expected to answer, before branch and quarter.
CSAT = np.array([4.35, 3.60, 2.60])
CES = np.array([5.9, 4.9, 3.5])
#: One SD of the branch's stable service on csat, beside what it does through the bands.
SERVICE_ON_CSAT = 0.12
#: SD of what the answers to one survey share, and of what each adds.
MOOD, CSAT_OWN, CES_OWN, COMPONENT_OWN = 0.40, 0.45, 0.90, 0.70

#: A recommendation lies in the band's own range, every value of it with its weight.
NPS_IN_BAND = ((9, 10), (7, 8), (0, 1, 2, 3, 4, 5, 6))
NPS_WEIGHTS = ((0.55, 0.45), (0.45, 0.55), (0.06, 0.04, 0.07, 0.11, 0.14, 0.28, 0.30))
NO_ANSWER, UNSURE = 99, 0.015  # what the survey tool writes for "don't know", and how often

RECOMMENDED = np.array([0.30, 0.10, 0.03])
REVIEWED = np.array([0.08, 0.02, 0.07])
COMMENTED = np.array([0.16, 0.14, 0.34])


def draw_answers(
    seed: int,
    shown: np.ndarray,
    service: np.ndarray,
    touchpoint: np.ndarray,
    answered: np.ndarray,
) -> dict[str, list[str]]:
    """Draw the scored and worded columns of responses.csv, empty where there is no answer.

    Notes
    -----
    Of the five components, emotional connection is never asked: the coverage table shows the gap.
    The others are asked where they make sense: service where people meet, ease of use in app and
    web, the personal touch at branch and phone, consistency of every second customer.
    """
    draws, n = Draws(seed, 8), len(shown)
    mood = MOOD * draws.normal(n)
    csat = whole_answer(CSAT[shown] + service + mood + CSAT_OWN * draws.normal(n), 1, 5)
    ces = whole_answer(CES[shown] + 1.5 * service + mood + CES_OWN * draws.normal(n), 1, 7)
    said = {
        "nps": blank(_recommendations(draws, shown).tolist(), answered),
        "csat": blank(csat.tolist(), answered),
        "ces": blank(ces.tolist(), answered),
    }
    components = {
        "served_well": (1.3, np.isin(touchpoint, (0, 1, 4))),
        "easy_to_use": (0.6, np.isin(touchpoint, (2, 3))),
        "knows_me": (0.6, np.isin(touchpoint, (0, 1))),
        "same_everywhere": (0.6, draws.happens(0.5, n)),
    }
    for k, (name, (weight, asked)) in enumerate(components.items()):
        opinion = CSAT[shown] + weight * service + mood - 0.1 * k
        score = whole_answer(opinion + COMPONENT_OWN * draws.normal(n), 1, 5)
        said[name] = blank(score.tolist(), answered & asked)
    for name, chance in (("recommended_us", RECOMMENDED), ("wrote_review", REVIEWED)):
        yes = draws.happens(chance[shown])
        said[name] = blank(np.where(yes, "yes", "no").tolist(), answered)
    speaks, pick = answered & draws.happens(COMMENTED[shown]), draws.uniform(n)
    sentences = [COMMENTS[b][int(u * len(COMMENTS[b]))] for b, u in zip(shown, pick, strict=True)]
    said["comment"] = blank(sentences, speaks)
    return said


def _recommendations(draws: Draws, shown: np.ndarray) -> np.ndarray:
    """Return answers from 0 to 10 in the band that shows, and the code of those who do not know."""
    n = len(shown)
    nps = np.empty(n, int)
    for band, (values, weights) in enumerate(zip(NPS_IN_BAND, NPS_WEIGHTS, strict=True)):
        nps = np.where(shown == band, np.array(values)[draws.kind(weights, n)], nps)
    return np.where(draws.happens(UNSURE, n), NO_ANSWER, nps)
