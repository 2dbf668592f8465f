"""What may be asked of a study: a score that it has, months and days that mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from cxkit.errors import QuestionError
from cxkit.study.study import hold_study

if TYPE_CHECKING:
    from cxkit.study.study import Study

Depth = Literal["quick", "full"]

#: The least and most of a time that is asked for, and what it counts.
_TIMES = {
    "horizon": (1, 600, "months after the landmark at which retention is read"),
    "gap": (0, 3650, "days from an answer to the landmark"),
}

#: Scores that are cut into bands.
_BANDED = ("nps", "csat", "ces")


def hold_asked(study: Study, **times: object) -> None:
    """Refuse what is no study, a horizon before the first month and a gap below 0 days."""
    hold_study(study)
    for name, asked in times.items():
        least, most, what = _TIMES[name]
        if not isinstance(asked, int) or isinstance(asked, bool) or not least <= asked <= most:
            raise QuestionError(
                f"{name} = {asked!r}: it is the number of {what}.\n"
                f"  Ask with {name} from {least} to {most}."
            )


def score_asked(study: Study, measure: str) -> str:
    """Return the score to use, "" taking the first there is, or refuse one that is not there."""
    scores = study.contract.of("responses").scores
    there = [score for score in _BANDED if score in scores]
    if measure == "" and there:
        return there[0]
    if measure not in there:
        what = f"measure {measure!r} is not" if measure else "nps, csat or ces is not"
        raise QuestionError(
            f"{what} a score of this study.\n  Scores under responses in study.yml: "
            f"{', '.join(there) or 'none of nps, csat, ces'}."
        )
    return measure
