"""Bad experiences as dated events: what counts as one, declared and never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from cxkit.errors import QuestionError
from cxkit.retention.clock import bands_of

if TYPE_CHECKING:
    from cxkit.study.study import Study

Event = Literal["", "low score", "complaint", "long case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Bad experiences, one row each: customer, day (when it was one), began, solved.

    ``began`` is the first moment of the contact in which it happened; ``solved`` the moment a case
    was resolved, missing for one that was not and where there is no case.
    """

    rows: pd.DataFrame
    words: str  # "a first nps answer of 6 or less", after "affected by"
    kind: Event
    outside: int  # on or after the day of leaving, or before joining: set aside


def bad_events(
    study: Study, *, event: Event, measure: str, cut: float | None, at: str, limit: float
) -> Events:
    """Return the declared bad experiences of a study's customers, in order of time.

    Parameters
    ----------
    study : Study
    event : str
        "low score": an answer at or below ``cut``; "complaint": a contact at the touchpoint, or a
        case in the channel, named by ``at``; "long case": a case not resolved ``limit`` hours after
        it was opened, which became one at that moment. "" takes the first that the study has.
    measure : str
        For a low score: nps, csat, ces or another score; "" the first there is.
    cut : float or None
        None: the poor band of the study's own cut-points.
    at : str
        For a complaint: a touchpoint of the responses, or a channel of the tickets.
    limit : float
        Hours; 0 counts every case.

    Raises
    ------
    QuestionError
        If the study has nothing of the kind.
    """
    if event == "":
        event = "low score" if study.has("responses") and _scores(study) else "long case"
    if event == "low score":
        study.need("responses", why="a low score is read from answered surveys")
        rows, words = _low_scores(study, measure, cut)
    elif event == "complaint":
        rows, words = _complaints(study, at)
    elif event == "long case":
        study.need("tickets", why="a long case is read from service cases")
        rows, words = _long_cases(study, limit)
    else:
        raise QuestionError(
            f"event {event!r} is not a kind of bad experience that can be read from a study.\n  "
            "Ask with event = 'low score', 'complaint' or 'long case'."
        )
    known = rows.merge(study.customers[["customer", "start", "end"]], on="customer", how="inner")
    inside = (known["day"] >= known["start"]) & ~(known["day"] >= known["end"])
    inside &= known["day"] <= study.as_of
    kept = known[inside].sort_values(["customer", "day"], kind="stable", ignore_index=True)
    return Events(
        rows=kept[["customer", "day", "began", "solved"]],
        words=words,
        kind=event,
        outside=int((~inside).sum()),
    )


def _scores(study: Study) -> list[str]:
    """Return the scores that a study's responses hold."""
    return list(study.contract.of("responses").scores)


def _low_scores(study: Study, measure: str, cut: float | None) -> tuple[pd.DataFrame, str]:
    """Return the answers at or below the cut; at or above it where a high score is bad."""
    bands = bands_of(study, measure)
    if cut is None:
        cut = bands.edges[0] - 1 if bands.high_is_good else bands.edges[1]
    answers = study.responses
    scores = answers[bands.measure]
    bad = scores <= cut if bands.high_is_good else scores >= cut
    found = answers[bad.fillna(value=False) & answers["answered_on"].notna()]
    side = "less" if bands.high_is_good else "more"
    return (
        _rows(found["customer"], found["answered_on"]),
        f"{bands.measure} of {cut:g} or {side}",
    )


def _complaints(study: Study, at: str) -> tuple[pd.DataFrame, str]:
    """Return the contacts at a touchpoint, or the cases of a channel, that are complaints."""
    known: list[str] = []
    if study.has("responses") and "touchpoint" in study.responses:
        answers = study.responses
        known += sorted(answers["touchpoint"].dropna().unique())
        if at in known:
            found = answers[answers["touchpoint"] == at]
            day = found["asked_on"] if "asked_on" in found else found["answered_on"]
            return _rows(found["customer"], day), f"a contact at '{at}'"
    if study.has("tickets") and "channel" in study.tickets and "customer" in study.tickets:
        cases = study.tickets
        channels = sorted(cases["channel"].dropna().unique())
        known += channels
        if at in channels:
            found = cases[cases["channel"] == at]
            rows = _rows(found["customer"], found["opened"], solved=found["resolved"])
            return rows, f"a case in the channel '{at}'"
    raise QuestionError(
        f"A complaint is declared by the touchpoint or channel it comes in at, and {at!r} is none "
        f"of this study.\n  Ask with at = one of: {', '.join(known) or 'none there'}."
    )


def _long_cases(study: Study, limit: float) -> tuple[pd.DataFrame, str]:
    """Return the cases still open ``limit`` hours after opening, on the day they became so."""
    cases = study.tickets
    if "customer" not in cases:
        raise QuestionError(
            "The service cases of this study do not say whose they are.\n  In study.yml write, "
            "under tickets,  customer: NAME."
        )
    due = cases["opened"] + pd.Timedelta(hours=limit)
    found = cases[(cases["resolved"].isna() | (cases["resolved"] > due)) & (due <= _last(study))]
    words = f"a case open for more than {limit:g} hours" if limit else "a service case"
    return _rows(found["customer"], due[found.index], found["opened"], found["resolved"]), words


def _last(study: Study) -> pd.Timestamp:
    """Return the last moment of the data."""
    return study.as_of + pd.Timedelta(days=1)


def _rows(
    customer: pd.Series,
    day: pd.Series,
    began: pd.Series | None = None,
    solved: pd.Series | None = None,
) -> pd.DataFrame:
    """Return dated events; a row without customer or day is none."""
    frame = pd.DataFrame(
        {
            "customer": customer,
            "day": day.dt.floor("D"),
            "began": day if began is None else began,
            "solved": pd.NaT if solved is None else solved,
        }
    )
    return frame[frame["customer"].notna() & frame["day"].notna()]
