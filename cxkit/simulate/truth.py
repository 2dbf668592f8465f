"""What is true in a simulated firm, from the potential outcomes of the same people.

No other part of the kit reads it: an analysis that knew the answer would prove nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cxkit.errors import DataError
from cxkit.simulate import branches as of_branches
from cxkit.simulate import people as of_people
from cxkit.simulate.customers import BAND_FACTORS, BANDS
from cxkit.simulate.days import AS_OF
from cxkit.simulate.yearly import FEWEST_BRANCHES, INDEX

if TYPE_CHECKING:
    from cxkit.simulate.firm import Firm

FILE = "truth.yml"
GAP, HORIZON = 90, 365  # days
GAPS = (0, 30, 90, 180)

DEFINITIONS = {
    "experience": (
        "the band, good, middling or poor, in which a customer is really served; it does not change"
    ),
    "landmark": (
        f"first answered survey ('answered') or first survey sent ('all_customers') + {GAP} days; "
        "the population is everyone still a customer on that day. A survey on or after the day of "
        "leaving gives no landmark."
    ),
    "landmark_before_as_of": (
        "the same, where the landmark lies before as_of: those whom an analysis can follow"
    ),
    "retention_12_months": (
        f"share, in %, of that population who stay more than {HORIZON} days after the landmark if, "
        "from the landmark on, everybody were served as in that band, their own experience until "
        "then; potential leaving days are simulated beyond as_of, so nobody is censored"
    ),
    "effect": "difference of two such shares, in percentage points: the effect of experience",
    "in_band": (
        "share, in %, who stay among those whose own band it is: no counterfactual, and so mixed "
        "with what else differs between the bands (segment, tenure)"
    ),
    "hazard_ratio": "planted: hazard of leaving in the band against the good one, within segment",
    "answered_against_never": "planted: answering a survey changes nothing, so it is 1",
    "nps": (
        "of customers at their first survey sent while they were customers, by true band (good: "
        "promoter, poor: detractor): all of them, and those who answered that survey; 'as_given' "
        "is from the scores, some of which fell because the customer was leaving"
    ),
    "linkage": (
        "correlation over branches of the employees' true index (mean over employees and waves) "
        "with the customers' expected csat (mean over surveys): everyone on the roll and everyone "
        "asked ('all'), or those who took part and answered ('answered'); 'planted' is the "
        "correlation of the stable parts from which these branches were drawn"
    ),
    "yearly_index": (
        "correlation over branches of the stable parts as they are, times the share of each "
        "questionnaire's variance that is no noise (the top of its scale apart); branches that "
        "have just opened are not in it"
    ),
    "icc1": "planted share of variance between branches, of the mean of the items in one wave",
    "cross_lag": "planted: quarterly deviations of one side do not move the other later",
}


def truth_of(firm: Firm) -> dict[str, Any]:
    """Compute the truth of a simulated firm.

    Parameters
    ----------
    firm : Firm
        With every potential outcome.

    Returns
    -------
    dict
        Shares in percent, effects in percentage points, correlations and ratios as such; None where
        a population is empty.
    """
    effect = firm.settings["experience_effect"]
    ratios = {name: _round(f**effect) for name, f in zip(BANDS, BAND_FACTORS, strict=True)}
    return {
        "about": (
            "The truth planted in this simulated study. Not data: no firm has this file, and no "
            "analysis reads it."
        ),
        "settings": dict(firm.settings),
        "definitions": dict(DEFINITIONS),
        "retention": {
            "all_customers": _populations(firm, answered=False),
            "answered": _populations(firm, answered=True),
        },
        "effect_by_gap": _by_gap(firm),
        "hazard_ratio": {f"{name}_against_good": ratios[name] for name in BANDS[1:]},
        "answered_against_never": {"hazard_ratio": 1.0},
        "nps": _nps(firm),
        "linkage": _linkage(firm),
    }


def landmarks(firm: Firm, *, answered: bool, gap: int = GAP) -> tuple[np.ndarray, np.ndarray]:
    """Return the customers still there at their landmark, and the landmark's day."""
    c, s = firm.customers, firm.surveys
    day = s.answered_on if answered else s.asked
    counts = (s.answered if answered else np.ones(s.n, bool)) & (day < c.left[s.customer])
    never = np.iinfo(np.int64).max
    first = np.full(c.n, never)
    np.minimum.at(first, s.customer[counts], day[counts])
    who = np.flatnonzero(first < never)
    landmark = first[who] + gap
    there = c.left[who] > landmark
    return who[there], landmark[there]


def retention(firm: Firm, who: np.ndarray, landmark: np.ndarray) -> dict[str, Any]:
    """Return retention under every band, its differences, and in the bands as they are."""
    c = firm.customers
    since = np.zeros(c.n, int)
    since[who] = landmark
    stays = {name: (c.leaves_if(b, since) > since + HORIZON)[who] for b, name in enumerate(BANDS)}
    everyone = {name: _share(kept) for name, kept in stays.items()}
    fact = c.left[who] > landmark + HORIZON
    own = c.band[who]
    return {
        "n": len(who),
        "retention_12_months": everyone,
        "effect": {
            f"{a}_minus_{b}": _minus(stays[a], stays[b])
            for a, b in (("good", "poor"), ("good", "middling"), ("middling", "poor"))
        },
        "in_band": {name: _share(fact[own == b]) for b, name in enumerate(BANDS)},
        "in_band_n": {name: int((own == b).sum()) for b, name in enumerate(BANDS)},
    }


def _populations(firm: Firm, *, answered: bool) -> dict[str, Any]:
    """Return the truth for everyone with a landmark, and for those with one before ``as_of``."""
    who, landmark = landmarks(firm, answered=answered)
    seen = landmark < AS_OF
    return {
        **retention(firm, who, landmark),
        "landmark_before_as_of": retention(firm, who[seen], landmark[seen]),
    }


def _by_gap(firm: Firm) -> dict[str, dict[int, float | None]]:
    """Return the effect, good minus poor, for other gaps between answer and landmark."""
    found: dict[str, dict[int, float | None]] = {}
    for name, answered in (("all_customers", False), ("answered", True)):
        found[name] = {}
        for gap in GAPS:
            who, landmark = landmarks(firm, answered=answered, gap=gap)
            seen = landmark < AS_OF
            values = retention(firm, who[seen], landmark[seen])
            found[name][gap] = values["effect"]["good_minus_poor"]
    return found


def _nps(firm: Firm) -> dict[str, Any]:
    """Return NPS by true band at the first survey, in all and in those who answered it."""
    c, s = firm.customers, firm.surveys
    during = np.flatnonzero(s.asked < c.left[s.customer])
    who, at = np.unique(s.customer[during], return_index=True)
    rows = during[at]
    silent = ~s.answered[rows]
    points = np.array([100.0, 0.0, -100.0])
    by_band, as_given = points[c.band[who]], points[s.shown[rows]]
    return {
        "all_customers": _mean(by_band),
        "answered": _mean(by_band[~silent]),
        "silent": _mean(by_band[silent]),
        "as_given": _mean(as_given[~silent]),
        "n_all_customers": len(who),
        "n_answered": int((~silent).sum()),
    }


def _linkage(firm: Firm) -> dict[str, Any]:
    """Return the branch-level truth: correlations, variance components, lags."""
    s, n = firm.surveys, firm.branches.n
    person = np.concatenate([w.person for w in firm.waves])
    index = np.concatenate([w.index for w in firm.waves])
    took = np.concatenate([w.took_part for w in firm.waves])
    branch, home = firm.people.branch[person], firm.customers.branch[s.customer]
    everyone = _correlation(_means(branch, index, n), _means(home, s.expected_csat, n))
    answered = _correlation(
        _means(branch[took], index[took], n),
        _means(home[s.answered], s.expected_csat[s.answered], n),
    )
    stable, quarter = of_branches.ENGAGEMENT_STABLE**2, of_branches.ENGAGEMENT_QUARTER**2
    items, split = len(of_people.ITEMS), len(of_people.APPRECIATED)
    within = (
        of_people.PERSON**2
        + of_people.OCCASION**2
        + of_people.ITEM_NOISE**2 / items
        + (split / items * of_people.APPRECIATED_SPLIT) ** 2
    )
    return {
        "planted": _round(firm.settings["engagement_link"]),
        "all": everyone,
        "answered": answered,
        "yearly_index": _yearly(firm),
        "branches": n,
        "icc1": _round((stable + quarter) / (stable + quarter + within)),
        "variance": {
            "branch_stable": _round(stable),
            "branch_in_one_quarter": _round(quarter),
            "within_branch": _round(within),
        },
        "cross_lag": {"engagement_to_experience": 0.0, "experience_to_engagement": 0.0},
        "autoregression": of_branches.QUARTER_LAG,
        "polarised_group": "appreciated",
    }


def _yearly(firm: Firm) -> dict[str, float] | None:
    """Return what each questionnaire of the yearly index can be expected to show."""
    b = firm.branches
    stable = _correlation(b.engagement[~b.new], b.service[~b.new])
    if stable is None or b.n < FEWEST_BRANCHES:
        return None
    return {
        asked: _round(stable * spread**2 / (spread**2 + noise**2))
        for asked, _, spread, noise in INDEX.values()
    }


def read_truth(folder: str | Path) -> dict[str, Any]:
    """Read the truth of a simulated study, to compare an analysis with it.

    Parameters
    ----------
    folder : str or Path
        The study's folder.

    Returns
    -------
    dict
        As written by ``simulate_firm``: shares in percent, effects in percentage points.

    Raises
    ------
    DataError
        If the folder holds no truth: real data have none.

    Examples
    --------
    >>> read_truth("no/such/folder")
    Traceback (most recent call last):
    cxkit.errors.DataError: no/such/folder: asked for the truth of a study, found no truth.yml.
      Only a simulated study has one: make it with  cxkit simulate FOLDER.
    """
    import yaml

    path = Path(folder) / FILE
    if not path.is_file():
        raise DataError(
            f"{Path(folder).as_posix()}: asked for the truth of a study, found no {FILE}.\n"
            "  Only a simulated study has one: make it with  cxkit simulate FOLDER."
        )
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def _round(value: float) -> float:
    """Round to what is written; sums differ in their last bits between machines."""
    return round(float(value), 4) + 0.0


def _mean(values: np.ndarray) -> float | None:
    """Return the mean, None of nothing."""
    return _round(float(np.mean(values))) if len(values) else None


def _share(kept: np.ndarray) -> float | None:
    """Return a share in percent, None of nobody."""
    return _round(100 * int(kept.sum()) / len(kept)) if len(kept) else None


def _minus(a: np.ndarray, b: np.ndarray) -> float | None:
    """Return the difference of two shares in percentage points."""
    return _round(100 * (int(a.sum()) - int(b.sum())) / len(a)) if len(a) else None


def _means(group: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Return the mean in each of ``n`` groups, NaN in an empty one."""
    count = np.bincount(group, minlength=n)
    total = np.bincount(group, weights=values, minlength=n)
    return np.divide(total, count, out=np.full(n, np.nan), where=count > 0)


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Return the correlation over branches with both sides; None under three or without spread."""
    both = ~np.isnan(a) & ~np.isnan(b)
    a, b = a[both], b[both]
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    a, b = a - a.mean(), b - b.mean()
    return _round((a * b).sum() / ((a * a).sum() * (b * b).sum()) ** 0.5)
