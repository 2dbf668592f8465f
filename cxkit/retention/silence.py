"""Who did not answer: how many of those asked, and how many of everyone in the customer table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxkit import markup
from cxkit.disclosure import gives_away, leavers
from cxkit.metrics.proportions import share

if TYPE_CHECKING:
    from cxkit.results import Estimate
    from cxkit.study.study import Study

#: Below this share of answers (percent) silence is the first doubt.
MOST_ANSWER = 80.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """How many spoke.

    Attributes
    ----------
    answered : Estimate or None
        Share of the surveys sent that were answered, in percent; None where the study holds
        answered surveys only, so that nobody knows who was asked.
    heard : Estimate
        Share of the customers in the table with a usable score, in percent.
    measure : str
        The score.
    """

    answered: Estimate | None
    heard: Estimate
    measure: str

    @property
    def large(self) -> bool:
        """Whether enough are silent for it to be the first doubt."""
        seen = self.heard if self.answered is None else self.answered
        return seen.value is not None and seen.value < MOST_ANSWER

    @property
    def text(self) -> str:
        """Say what is known of the silent."""
        asked = (
            "The study holds answered surveys only: who was asked and stayed silent is not known."
            if self.answered is None
            else f"{_share(self.answered)} of {self.answered.n:,} surveys sent were answered."
        )
        having = f"customers in the table have a usable {self.measure} score"
        heard = self._heard
        return (
            f"{asked} {heard[:1].upper()}{heard[1:]} of the {self.heard.n:,} {having}; the answer "
            "holds for those who answer."
        )

    @property
    def _heard(self) -> str:
        """Say how many customers gave a score: the share, unless it tells of 1 to 4."""
        scored = round((self.heard.value or 0) * self.heard.n / 100)
        if gives_away(scored, self.heard.n):
            return leavers(scored, self.heard.n)
        return _share(self.heard)

    @property
    def doubt(self) -> str:
        """Say the doubt it leaves; nothing where few are silent."""
        if not self.large:
            return ""
        if self.answered is None:
            return (
                f"Only {self._heard} of {self.heard.n:,} customers have a usable {self.measure} "
                "score, and those without one may differ."
            )
        return (
            f"Only {_share(self.answered)} of {self.answered.n:,} surveys were answered, and those "
            "who stay silent may differ."
        )


def silence(study: Study, *, measure: str, level: float) -> Silence:
    """Count the answers among the surveys sent, and the customers who gave one.

    Notes
    -----
    A survey is answered if it has a day of answering or any score, whatever it asked.
    """
    responses = study.responses
    scores = list(study.contract.of("responses").scores)
    spoke = responses["answered_on"].notna() | responses[scores].notna().any(axis=1)
    scored = responses.loc[responses[measure].notna(), "customer"]
    return Silence(
        answered=None if spoke.all() else share(spoke, metric="answered", level=level),
        heard=share(study.customers["customer"].isin(scored), metric="heard", level=level),
        measure=measure,
    )


def _share(e: Estimate) -> str:
    """Write a share with its interval."""
    return f"{markup.quantity(e.value, '%')} ({markup.interval(e.low, e.high, '%')})"
