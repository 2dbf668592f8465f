"""The later sections of the retention page, each computed when it is first read."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cxkit.errors import ColumnError, MissingTableError, QuestionError
from cxkit.results import Note, Section, Table
from cxkit.retention.waiting import waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from cxkit.results import Guard
    from cxkit.retention.asked import Depth
    from cxkit.study.study import Study


_SNAPSHOT = (
    "This needs the dates of joining, answering and leaving, which a snapshot does not have. "
    "Export customers with start and end dates, and write  form: dates  under customers in "
    "study.yml."
)

#: What each section is about, in two or three words, where its guards are told apart.
HEADINGS = {
    "comparisons": "usual comparisons",
    "months": "months kept",
    "models": "models",
    "tenure": "time with the firm",
    "segments": "segments",
    "dose": "dose",
    "turns": "losses and gains",
    "shock": "one bad experience",
    "causes": "what goes with leaving",
    "reasons": "reasons of leaving",
    "predict": "which measure predicts",
    "buying": "buying",
    "worth": "worth",
    "silence": "who did not answer",
}

#: What a section says that waits for the full depth.
_QUICK = 'This section is left out of the quick depth; ask with  depth = "full".'


class Later:
    """The later sections, with the settings of the answer they belong to.

    Each attribute is a `Section`: its parts to read, its guards, and under ``result`` the object
    with the numbers. Where a study cannot answer, the section says why instead.
    """

    def __init__(
        self, study: Study, *, measure: str, horizon: int, gap: int, depth: Depth, level: float
    ) -> None:
        self._study = study
        self._dated = study.contract.of("customers").form == "dates"
        self._measure, self._horizon, self._gap = measure, horizon, gap
        self._depth, self._level = depth, level

    @cached_property
    def comparisons(self) -> Section:
        """The same question by several gaps and from several landmarks."""
        from cxkit.retention.comparisons import comparisons

        def make() -> Section:
            found = comparisons(
                self._study, measure=self._measure, gap=self._gap, level=self._level
            )
            return _section(found, [found.table], found.sentence)

        return self._told("the same question in other ways", make)

    @cached_property
    def models(self) -> Section:
        """The effect through several models, and whether it fades."""
        from cxkit.retention.models import effect_by_model

        def make() -> Section:
            found = self._asked(effect_by_model)
            said = dict.fromkeys(s for s in (found.sentence, found.proportional) if s)
            return _section(found, [found.table], " ".join(said))

        return self._told("the effect through several models", make, full=True)

    @cached_property
    def months(self) -> Section:
        """How many months longer one band is kept than another."""
        from cxkit.retention.apart import months_apart

        return self._told("how many months apart", lambda: self._plain(months_apart), full=True)

    @cached_property
    def tenure(self) -> Section:
        """Whether experience weighs differently with new and old customers."""
        from cxkit.retention.tenure import effect_by_tenure

        return self._told(
            "the effect with new and old customers",
            lambda: self._plain(effect_by_tenure),
            full=True,
        )

    @cached_property
    def segments(self) -> Section:
        """The effect within each segment, and whether the whole misleads about its parts."""
        from cxkit.retention.segments import effect_by_segment

        return self._told(
            "the effect within each segment", lambda: self._plain(effect_by_segment), full=True
        )

    @cached_property
    def turns(self) -> Section:
        """Losses against gains of the same size, where customers scored twice."""
        from cxkit.retention.turns import losses_and_gains

        return self._told("losses against gains", lambda: self._plain(losses_and_gains), full=True)

    @cached_property
    def reasons(self) -> Section:
        """For which reasons customers left."""
        from cxkit.retention.reasons import leaving_by_reason

        return self._told(
            "for which reasons customers left", lambda: self._plain(leaving_by_reason), full=True
        )

    @cached_property
    def dose(self) -> Section:
        """Retention at each score."""
        from cxkit.retention.shape import dose

        return self._told("retention at each score", lambda: self._plain(dose))

    @cached_property
    def silence(self) -> Section:
        """Who answered, against everyone who was asked."""
        from cxkit.retention.nonresponse import nonresponse

        def make() -> Section:
            found = nonresponse(self._study, horizon=self._horizon)
            return Section(
                parts=(found.table, Note(paragraphs=(found.sentence,))),
                guards=(found.guard,),
                result=found,
            )

        return self._told("who answered", make)

    @cached_property
    def predict(self) -> Section:
        """Which measure of experience predicts leaving best."""
        from cxkit.retention.predict import which_measure_predicts

        def make() -> Section:
            found = which_measure_predicts(
                self._study,
                horizon=self._horizon,
                gap=self._gap,
                depth=self._depth,
                level=self._level,
            )
            more = _section(found, [found.table], found.sentence)
            return Section(parts=(*more.parts, found.beside), guards=more.guards, result=found)

        return self._told("which measure predicts leaving best", make, full=True)

    @cached_property
    def shock(self) -> Section:
        """One bad experience."""
        from cxkit.retention.shock import one_bad_experience

        def make() -> Section:
            found = one_bad_experience(
                self._study,
                measure=self._measure,
                gap=self._gap,
                level=self._level,
                depth=self._depth,
            )
            tables = [
                found.table,
                found.why_two,
                found.robust_table,
                found.gaps_table,
                found.doses_table,
                found.recovery_table,
                found.leads_table,
            ]
            more = _section(found, tables, found.sentence)
            return Section(parts=(*more.parts, found.stated), guards=more.guards, result=found)

        return self._told("what one bad experience does", make)

    @cached_property
    def causes(self) -> Section:
        """What goes with leaving: consistency, components, service, cases."""
        from cxkit.retention.causes import what_goes_with_leaving

        def make() -> Section:
            found = self._asked(what_goes_with_leaving)
            tables = [found.consistency, found.components, found.service, found.cases]
            return _section(found, tables, found.sentence)

        return self._told("what goes with leaving", make, full=True)

    @cached_property
    def buying(self) -> Section:
        """Repeat purchase, frequency and spend after the score."""
        from cxkit.retention.orders import buying_after_score

        def make() -> Section:
            found = buying_after_score(
                self._study,
                measure=self._measure,
                gap=self._gap,
                horizon=self._horizon,
                level=self._level,
                depth=self._depth,
            )
            return _section(found, [found.table], found.sentence)

        return self._told("what is bought after the score", make, full=True)

    @cached_property
    def worth(self) -> Section:
        """What a better experience would be worth."""
        from cxkit.retention.worth import worth_of_experience

        def make() -> Section:
            found = worth_of_experience(
                self._study,
                measure=self._measure,
                horizon=self._horizon,
                gap=self._gap,
                depth=self._depth,
                level=self._level,
            )
            more = _section(found, [found.table], found.sentence)
            return Section(
                parts=(*more.parts, Note(paragraphs=(found.assumptions, str(found.e_value)))),
                guards=more.guards,
                result=found,
            )

        return self._told("what a better experience would be worth", make)

    @property
    def guards(self) -> tuple[tuple[str, Guard], ...]:
        """Return the guards of the sections that were read, each with what its section is about."""
        read = [(HEADINGS[k], v) for k, v in vars(self).items() if isinstance(v, Section)]
        return tuple((heading, guard) for heading, section in read for guard in section.guards)

    def _plain(self, compute: Callable[..., Any]) -> Section:
        """Return the section of a result that is a sentence and a table."""
        found = self._asked(compute)
        return _section(found, [found.table], found.sentence)

    def _asked(self, compute: Callable[..., Any]) -> Any:
        """Return what a function makes of the study with the settings of the answer."""
        return compute(
            self._study,
            measure=self._measure,
            horizon=self._horizon,
            gap=self._gap,
            level=self._level,
        )

    def _told(self, what: str, make: Callable[[], Section], *, full: bool = False) -> Section:
        """Return a section, or the reason why there is none; some wait for the full depth."""
        if not self._dated:
            return Section(parts=(Note(paragraphs=(_SNAPSHOT,)),))
        if full and self._depth == "quick":
            return Section(parts=(Note(paragraphs=(_QUICK,)),))
        try:
            with nullcontext() if self._depth == "quick" else waiting(what):
                return make()
        except (QuestionError, MissingTableError, ColumnError) as refused:
            return Section(parts=(Note(paragraphs=tuple(str(refused).splitlines())),))


def _section(found: object, tables: list[Table | Note], sentence: str) -> Section:
    """Return the sentence and the tables of a result as a section; what says so twice, once."""
    guards = getattr(found, "guards", ())
    more = [t for t in tables if str(t) != sentence]
    said = Note(paragraphs=(sentence[:1].upper() + sentence[1:],))
    return Section(parts=(said, *more), guards=tuple(guards), result=found)
