"""The surveys: who is asked when and where, who stays silent, and whose score falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxkit.simulate.answers import CSAT, SERVICE_ON_CSAT, draw_answers
from cxkit.simulate.days import AS_OF, OBSERVED_FROM, iso, quarter_of
from cxkit.simulate.draws import KEPT, Draws

if TYPE_CHECKING:
    from cxkit.simulate.branches import Branches
    from cxkit.simulate.customers import Customers

#: Days between two surveys of a customer, and how many the period can hold.
EVERY, EVERY_SPREAD, MOST = 180, 36, 6

#: A score given in the last days before leaving falls to a lower band with this probability.
LEAVING_DAYS, FALLS = 90, 0.7
#: Probability of an answer in each band, and its factor for those who are already leaving.
ANSWERS, LEAVING_ANSWERS = np.array([0.66, 0.57, 0.43]), 0.6
#: A survey that falls due so soon after leaving may still be sent.
STILL_SENT_DAYS, STILL_SENT = 25, 0.4

TOUCHPOINTS = ("branch", "phone", "app", "web", "complaint desk")
TOUCHPOINT_WEIGHTS = np.array(
    [[30, 18, 32, 18, 2], [30, 22, 26, 18, 4], [26, 26, 20, 16, 12]], float
)
MODES = ("email", "sms", "in app")
MODE_WEIGHTS = np.array([[70, 30, 0], [40, 60, 0], [10, 0, 90], [100, 0, 0], [90, 10, 0]], float)
#: Nobody was asked before the purchase: customers only. The coverage table shows the gap.
STAGES = ("purchase", "onboarding", "use", "service", "renewal", "post-purchase")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveys:
    """One row per survey sent, in order of asking; what was not answered holds no meaning."""

    customer: np.ndarray  # position among the customers
    asked: np.ndarray
    answered: np.ndarray  # bool
    answered_on: np.ndarray
    touchpoint: np.ndarray
    stage: np.ndarray
    mode: np.ndarray
    shown: np.ndarray  # the band in which the score lies: lower than their own for some who leave
    expected_csat: np.ndarray  # by true band, branch and quarter, before any falling
    said: dict[str, list[str]]

    @property
    def n(self) -> int:
        """Return the number of surveys sent."""
        return len(self.customer)


def draw_surveys(seed: int, branches: Branches, c: Customers) -> Surveys:
    """Draw the surveys of every customer and their answers."""
    draws = Draws(seed, 3)
    customer, asked = _schedule(draws, c)
    n, left = len(customer), c.left[customer]
    band, branch = c.band[customer], c.branch[customer]
    lag = np.minimum(np.floor(2.5 * draws.exponential(n)), 14).astype(int)
    willing = ANSWERS[band] * np.where(left - asked <= LEAVING_DAYS, LEAVING_ANSWERS, 1.0)
    answered = draws.happens(willing) & (asked + lag <= AS_OF)
    on = asked + lag
    leaving = left - on <= LEAVING_DAYS
    falls = leaving & draws.happens(FALLS, n)
    far = draws.happens(0.5, n)
    shown = np.where(falls, np.where(far, 2, np.minimum(band + 1, 2)), band)
    touchpoint = draws.kind(TOUCHPOINT_WEIGHTS[band], n)
    mode = draws.kind(MODE_WEIGHTS[touchpoint], n)
    service = (
        SERVICE_ON_CSAT * branches.service[branch]
        + branches.service_quarter[branch, quarter_of(asked)]
    )
    return Surveys(
        customer=customer,
        asked=asked,
        answered=answered,
        answered_on=on,
        touchpoint=touchpoint,
        stage=_stages(draws, asked - c.joined[customer], touchpoint),
        mode=mode,
        shown=shown,
        expected_csat=np.round(CSAT[band] + service, KEPT),
        said=draw_answers(seed, shown, service, touchpoint, answered),
    )


def _schedule(draws: Draws, c: Customers) -> tuple[np.ndarray, np.ndarray]:
    """Return who is asked on which day, by day: in the data's period, and rarely after leaving."""
    begin = np.maximum(c.joined, OBSERVED_FROM)
    first = begin + draws.whole(7, 195, c.n)
    gaps = EVERY + draws.whole(0, EVERY_SPREAD, c.n, MOST - 1)
    due = np.column_stack([first, first[:, None] + np.cumsum(gaps, axis=1)])
    left = c.left[:, None]
    late = (due >= left) & (due <= left + STILL_SENT_DAYS) & draws.happens(STILL_SENT, *due.shape)
    sent = (due <= AS_OF) & ((due < left) | late)
    who, which = np.nonzero(sent)
    asked = due[who, which]
    order = np.lexsort((who, asked))
    return who[order], asked[order]


def _stages(draws: Draws, tenure: np.ndarray, touchpoint: np.ndarray) -> np.ndarray:
    """Return each survey's stage: new customers are being onboarded, complaints are service."""
    new = np.array([0.35, 0.65, 0, 0, 0, 0])
    settled = np.array([0.06, 0, 0.42, 0.24, 0.14, 0.14])
    drawn = draws.kind(np.where((tenure < 120)[:, None], new, settled), len(tenure))
    return np.where(touchpoint == TOUCHPOINTS.index("complaint desk"), 3, drawn)


def responses_table(s: Surveys, c: Customers, b: Branches) -> dict[str, list[str]]:
    """Return the columns of responses.csv."""
    return {
        "response_id": [f"r{i + 1:05d}" for i in range(s.n)],
        "customer_id": c.ids[s.customer].tolist(),
        "branch": b.ids[c.branch[s.customer]].tolist(),
        "asked_on": iso(s.asked),
        "answered_on": iso(s.answered_on, s.answered),
        "touchpoint": [TOUCHPOINTS[t] for t in s.touchpoint],
        "stage": [STAGES[t] for t in s.stage],
        "mode": [MODES[m] for m in s.mode],
        **s.said,
    }
