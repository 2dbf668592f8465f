"""By what a column's name, and what it holds, a role may be proposed for it: signs, never proof."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: The kinds of a profile, grouped by what a role can take.
_IDS = frozenset({"id", "words", "number", "score"})
_DAYS = frozenset({"day"})
_WORDS = frozenset({"words", "yes or no", "id", "sentences"})
_SCORES = frozenset({"score"})
_NUMBERS = frozenset({"number", "score"})
_EITHER = frozenset({"yes or no"})


@dataclass(frozen=True)
class Sign:
    """A role of a table: what its column may hold, what its name or question looks like."""

    role: str
    kinds: frozenset[str]
    name: re.Pattern[str]
    needed: bool = False
    weight: float = 1.0

    @property
    def dated(self) -> bool:
        """Whether its column holds days."""
        return self.kinds == _DAYS


def _sign(
    role: str, kinds: frozenset[str], words: str, *, needed: bool = False, weight: float = 1.0
) -> Sign:
    """Make a sign; words are alternatives, matched where a word begins."""
    parts = "|".join(word.strip().replace(" ", r"[\W_]?") for word in words.split("|"))
    form = re.compile(rf"(?:^|[\W_]|(?<=[a-z])(?=[A-Z]))(?:{parts})", re.IGNORECASE)
    return Sign(role, kinds, form, needed, weight)


_UNIT = "branch|unit|store|shop|site|location|team|office|outlet|region id|filiale|standort"
_CUSTOMER = "customer|client|kunde|account|requester|user id|member|patient|guest"
_SINCE = "start|join|since|signup|sign up|opened|begin|first order|registered|seit|beginn"
_UNTIL = (
    "left|end date|ended|churn date|churned on|churned at|cancel|terminat|closed on|ende|until|"
    "gekündigt|kündigung|austritt"
)

#: The roles of each table, those that tell most first; a column has one role.
SIGNS: dict[str, tuple[Sign, ...]] = {
    "responses": (
        _sign("nps", _SCORES, "nps|likely to recommend|how likely|weiterempf|recommend", weight=3),
        _sign("csat", _SCORES, "csat|satisf|zufrieden", weight=3),
        _sign("ces", _SCORES, "ces|effort|easy to|how easy|aufwand", weight=3),
        _sign("response", _IDS,
              "response id|responseid|response|respondent|antwort|record id|teilnehmer", weight=2),
        _sign("customer", _IDS, _CUSTOMER),
        _sign("unit", _IDS, _UNIT, weight=0.5),
        _sign("asked_on", _DAYS, "asked|sent|invited|distributed|start|begin"),
        _sign("answered_on", _DAYS,
              "answered|recorded|complet|submit|end|finish|timestamp|zeitstempel|response|date|datum|"
              "beantwortet|fecha|data",
              weight=2),
        _sign("touchpoint", _WORDS, "touchpoint|touch point|channel|contact|kanal"),
        _sign("stage", _WORDS, "stage|phase|journey"),
        _sign("mode", _WORDS, "mode|survey mode|distribution"),
        _sign("customer_service", _SCORES, "customer service|served|service"),
        _sign("user_experience", _SCORES, "user experience|ux|usability|easy use|easy"),
        _sign("personalization", _SCORES, "personal|knows"),
        _sign("consistency", _SCORES, "consisten|same"),
        _sign("emotional_connection", _SCORES, "emotion"),
        _sign("referred", _EITHER, "referred|recommended"),
        _sign("review", _EITHER, "review|wrote"),
        _sign("weight", _NUMBERS, "weight|gewicht"),
        _sign("comment", _WORDS,
              "comment|verbatim|feedback|reason|why|kommentar|bemerkung|open text"),
    ),
    "customers": (
        _sign("customer", _IDS, f"{_CUSTOMER}|id", needed=True),
        _sign("start", _DAYS, _SINCE, needed=True, weight=2),
        _sign("end", _DAYS, _UNTIL, needed=True, weight=3),
        _sign("end_reason", _WORDS, "left because|end reason|churn reason|reason|because"),
        _sign("churned", _EITHER, "churn|exited|lost|attrition"),
        _sign("value", _NUMBERS, "revenue|value|clv|spend|umsatz|arr|mrr"),
        _sign("unit", _IDS, _UNIT, weight=0.5),
    ),
    "tickets": (
        _sign("opened", _DAYS, "opened|created|open|eröffnet|reported", needed=True, weight=2),
        _sign("resolved", _DAYS, "resolved|solved|closed|gelöst|completed", needed=True, weight=3),
        _sign("ticket", _IDS, "ticket|case|incident|id", weight=2),
        _sign("customer", _IDS, _CUSTOMER),
        _sign("unit", _IDS, f"{_UNIT}|group|brand", weight=0.5),
        _sign("first_response", _DAYS, "first|replied|responded"),
        _sign("reopened", _EITHER, "reopen|re opened"),
        _sign("channel", _WORDS, "handled|channel|via|source"),
        _sign("wait", _NUMBERS, "wait"),
        _sign("auto_closed", _EITHER, "auto"),
    ),
    "orders": (
        _sign("ordered_on", _DAYS, "order|purchase|bought|paid|invoice|date", needed=True,
              weight=2),
        _sign("customer", _IDS, _CUSTOMER, needed=True),
        _sign("amount", _NUMBERS, "amount|total|price|sum|betrag|value|net|gross", weight=2),
        _sign("order", _IDS, "order|invoice|receipt|transaction"),
    ),
    "engagement": (
        _sign("respondent", _IDS, "respondent|employee|pseudonym|staff|mitarbeiter", needed=True,
              weight=2),
        _sign("wave", _WORDS | _NUMBERS, "wave|survey|quarter|year|round|welle|jahr", needed=True,
              weight=3),
        _sign("unit", _IDS, f"{_UNIT}|department|dept|abteilung", needed=True),
        _sign("enps", _SCORES, "enps|recommend", weight=2),
        _sign("perceived_experience", _SCORES, "serves|our customers|customers get"),
    ),
    "staff": (
        _sign("employee", _IDS, "employee|staff|person|worker|mitarbeiter", needed=True, weight=2),
        _sign("start", _DAYS, "hired|start|join|entry|eintritt", needed=True, weight=2),
        _sign("end", _DAYS, "left|end|exit|terminat|austritt", needed=True, weight=2),
        _sign("unit", _IDS, f"{_UNIT}|department|dept|abteilung", needed=True),
        _sign("pay_band", _WORDS | _NUMBERS, "pay|band|grade|salary group"),
    ),
    "units": (
        _sign("unit", _IDS, f"{_UNIT}|department|dept|school|id", needed=True, weight=2),
        _sign("name", _WORDS, f"name|(?:{_UNIT}) name"),
        _sign("parent", _IDS, "parent|belongs|district|area"),
    ),
    "unit_scores": (
        _sign("wave", _WORDS | _NUMBERS, "wave|year|quarter|round", needed=True),
        _sign("engagement", _NUMBERS, "engagement|team|teacher|staff|employee index", needed=True,
              weight=3),
        _sign("experience", _NUMBERS, "experience|customer|parent|patient|nps|csat", needed=True,
              weight=3),
        _sign("unit", _IDS, f"{_UNIT}|school|trust|dbn", needed=True),
        _sign("instrument", _WORDS, "instrument|questionnaire|survey"),
        _sign("n_employees", _NUMBERS, "employees|n employees|staff n|respondents"),
        _sign("n_customers", _NUMBERS, "customers|n customers"),
        _sign("name", _WORDS, "name"),
    ),
}  # fmt: skip
