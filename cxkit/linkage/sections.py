"""The later sections of the page, each computed from the pairs and ready to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup
from cxkit.errors import QuestionError
from cxkit.linkage import action, items, literature
from cxkit.linkage.later import later_experience
from cxkit.linkage.leaving import leaving_after
from cxkit.linkage.measure import measured
from cxkit.linkage.multilevel import within_between
from cxkit.results import Note, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxkit.disclosure import Policy
    from cxkit.linkage.later import Later
    from cxkit.linkage.multilevel import Multilevel
    from cxkit.linkage.order import Order
    from cxkit.linkage.pairs import Pairs
    from cxkit.linkage.panel import PanelFit
    from cxkit.results import Estimate
    from cxkit.study.study import Study

#: Below this p of its chi-square the panel model is said to depart from the data.
POOR_FIT = 0.05


def measurement(
    pairs: Pairs, silent: str, policy: Policy, *, took: Estimate | None, level: float
) -> Table | Note:
    """Return how engagement was measured and what moved, or why that is not known."""
    frame = measured(pairs, policy, took_part=took, level=level)
    if frame.empty:
        unknown = "How engagement was measured is not known: scores came aggregated."
        why = f"No change is given: {pairs.wave_note}." if pairs.wave_note else ""
        return Note(paragraphs=(unknown, why) if why else (unknown,))
    shown = frame.assign(
        said=[
            markup.quantity(v, u) if v is not None and v == v else "–"
            for v, u in zip(frame["value"], frame["measured_in"], strict=True)
        ],
        interval=[
            "–" if a != a or a is None else markup.interval(a, b, u)
            for a, b, u in zip(frame["low"], frame["high"], frame["measured_in"], strict=True)
        ],
        note=[
            m if v is not None and v == v else r
            for m, v, r in zip(frame["method"], frame["value"], frame["reason"], strict=True)
        ],
    )
    who = "Scores came aggregated; what moved"
    if pairs.survey is not None:
        n = pairs.survey["respondent"].nunique()
        who = f"How engagement was measured: {n:,} employees, each with the latest answers once"
    return Table.of(
        shown,
        caption=f"{who}; {markup.percent_label(level)} intervals. A group of items is measured by "
        "the same rules as all of them; alpha takes two items, omega three." + silent,
        columns=[
            ("Items", "group", "text"),
            ("Measure", "metric", "text"),
            ("Value", "said", "text"),
            ("Interval", "interval", "text"),
            ("n", "n", "count"),
            ("Method", "note", "text"),
        ],
    )


def models(pairs: Pairs, fit: Multilevel | Note, *, level: float) -> Table | Note:
    """Return customers' answers on their unit's engagement, within and between apart."""
    if isinstance(fit, Note):
        return fit
    rows = pd.DataFrame(
        [
            {"slope": name, **e.as_row(), "note": e.method if e.ok else e.reason}
            for name, e in (
                ("within units, from wave to wave", fit.within),
                ("between units", fit.between),
                ("between units, by least squares", fit.least_squares),
            )
        ]
    )
    return Table.of(
        rows,
        caption=f"{_upper(pairs.experience_unit)} of a customer per point of the unit's "
        f"engagement: {fit.n:,} answers in {fit.units:,} units, one random intercept a "
        f"unit. {searched(fit)}",
        columns=[
            ("Slope", "slope", "text"),
            ("Value", "value", "coefficient"),
            (f"{markup.percent_label(level)} interval", "low..high", "coefficient"),
            ("Method", "note", "text"),
        ],
    )


def _upper(text: str) -> str:
    """Begin a sentence with a text."""
    return text[:1].upper() + text[1:]


def searched(fit: Multilevel) -> str:
    """Say how the model was fitted, that it is singular, and whether the searches agree."""
    said = f"All {fit.searches} searches found the same largest likelihood."
    if fit.agreed < fit.searches:
        said = (
            f"Only {fit.agreed} of {fit.searches} searches found the largest likelihood, the worst "
            f"stopped {markup.number(fit.behind, 3)} below it: it has more than one peak or is "
            "flat, so the variance between units is in doubt."
        )
    if fit.singular:
        said += " The variance between units is zero: the fit is singular, and is least squares."
    return said


def multilevel(pairs: Pairs, *, level: float) -> Multilevel | Note:
    """Fit the multilevel model, or say why it cannot be fitted."""
    if pairs.answers is None or pairs.waves.empty:
        return Note(
            paragraphs=(
                "Answers of single customers in dated waves are needed to tell within from "
                "between; they are not in this study.",
            )
        )
    try:
        return within_between(pairs.answers, unit="unit", y="score", x="engagement", level=level)
    except QuestionError as refused:
        return Note(paragraphs=(str(refused),))


def _fits(fit: PanelFit) -> str:
    """Say whether the data refute the panel model, on whose shape its lags rest."""
    refuted = fit.p < POOR_FIT
    return (
        f"The model against the data: chi-square {markup.number(fit.chi2, 1)} on {fit.df}, "
        f"p {'' if fit.p < 0.001 else '= '}{markup.p_value(fit.p)}; "
        + ("they depart from it, so read its lags with care." if refuted else "it is not refuted.")
    )


def panel(order: Order, *, level: float) -> Table | Note:
    """Return the two lags of the panel model, or why there are none."""
    if order.lags.empty or order.fit is None:
        return Note(paragraphs=("No panel model is fitted.",))
    rows = order.lags.assign(shown=[markup.p_value(p) for p in order.lags["p_adjusted"]])
    merged = f", {order.merged} given waves to one" if order.merged > 1 else ""
    if order.early:
        merged += f", the first {markup.counted(order.early, 'given wave')} left out"
    return Table.of(
        rows,
        caption=f"Random-intercept cross-lagged panel: {order.n:,} units, {order.waves} waves"
        f"{merged}; {markup.counted(order.dropped, 'unit')} with a wave missing. Points of the "
        f"later score per point of the earlier one, within units. {_fits(order.fit)}",
        columns=[
            ("Lag", "lag", "text"),
            ("Value", "value", "coefficient"),
            (f"{markup.percent_label(level)} interval", "low..high", "coefficient"),
            ("p, Holm over both", "shown", "text"),
        ],
    )


def other_arrow(
    study: Study, pairs: Pairs, policy: Policy, *, level: float
) -> tuple[Note, Table | Note]:
    """Say whether employees leave after a poor wave, and what experience follows in turn."""
    staff = study.staff if study.has("staff") else None
    later = later_experience(pairs, staff, level=level)
    leaving = (
        "Whether employees leave where customers were less content is not told: it takes "
        "the staff table and dated waves."
    )
    if staff is not None and not pairs.waves.empty and len(pairs.spans) > 1:
        found = leaving_after(staff, pairs.waves, spans=pairs.spans, policy=policy, level=level)
        leaving = f"{found.sentence} Held equal: {', '.join(found.held)}."
    return Note(paragraphs=(leaving,)), _later(later, pairs, level)


def _later(later: Later, pairs: Pairs, level: float) -> Table | Note:
    """Return what experience follows within units, or why that cannot be told."""
    if later.rows.empty:
        return Note(paragraphs=(later.sentence,))
    return Table.of(
        later.rows.assign(shown=[markup.p_value(p) for p in later.rows["p_adjusted"]]),
        caption=f"{later.sentence} {_upper(pairs.experience_unit)} per standard deviation one wave "
        f"earlier, within units, all together: {later.units:,} units; pay bands count in the order "
        "of their names.",
        columns=[
            ("One wave earlier", "predictor", "text"),
            ("Value", "value", "coefficient"),
            (f"{markup.percent_label(level)} interval", "low..high", "coefficient"),
            ("Unit-waves", "n", "count"),
            ("p, Holm over all", "shown", "text"),
        ],
    )


def acting(plane: action.Plane | None) -> Table | Note:
    """Return how many units stand where on the plane of both sides."""
    if plane is None:
        return Note(
            paragraphs=(
                "Units cannot be placed: it takes people's own answers that vary, in four units, "
                "and units with enough people to be shown.",
            )
        )
    return Table.of(
        plane.corners,
        caption=plane.sentence,
        columns=[("Where", "corner", "text"), ("Units", "units", "count")],
    )


def steps(fits: Sequence[tuple[Pairs, Multilevel | Note]]) -> Note:
    """Return what a step of engagement goes with, in the score asked for and in NPS points."""
    said: list[str] = []
    for pairs, fit in fits:
        if isinstance(fit, Note):
            said += [] if said else list(fit.paragraphs)
            continue
        step = action.step_goes_with(fit, measured_in=pairs.measured_in)
        of = pairs.experience_unit.removesuffix(" (points)")
        said.append(action.step_sentence(step, of=of))
        if len(said) == len(fits):
            said.append(action.NO_PROMISE)
    return Note(paragraphs=tuple(said))


def item_table(
    pairs: Pairs, units: pd.DataFrame, silent: str, *, level: float
) -> tuple[Table | Note, Note]:
    """Return each item's correlation with experience, a family of all."""
    if pairs.employees is None or not pairs.items:
        none = Note(paragraphs=(f"There are no items to show.{silent}",))
        return none, Note(paragraphs=("Which items go with experience is not known.",))
    links = items.item_links(
        pairs.employees, units.set_index("unit")["experience"], items=pairs.items, level=level
    )
    links = links.assign(shown=[markup.p_value(p) for p in links["p_adjusted"]])
    table = Table.of(
        links.sort_values("value", ascending=False),
        caption=f"Each item's unit mean with the unit's experience; a family of {len(links)} "
        "items, Benjamini–Hochberg." + silent,
        columns=[
            ("Item", "item", "text"),
            ("Group", "group", "text"),
            ("r", "value", "correlation"),
            (f"{markup.percent_label(level)} interval", "low..high", "correlation"),
            ("Units", "n", "count"),
            ("p, adjusted", "shown", "text"),
        ],
    )
    return table, Note(paragraphs=(items.sentence(links),))


def published(raw: Estimate, true: Estimate | None, *, lag: str) -> tuple[Table, Note]:
    """Return published values with the reader's own, of one wave or all, on the same footing."""
    frame = literature.strip(raw, true, lag=lag)
    marks = "; ".join(f"[{mark}] {meaning}" for mark, meaning in literature.MARKS.items())
    table = Table.of(
        frame,
        caption=f"Published correlations between units, raw and corrected kept apart. {marks}.",
        columns=[
            ("Whose", "whose", "text"),
            ("What", "what", "text"),
            ("r", "value", "correlation"),
            ("Interval", "low..high", "correlation"),
            ("Footing", "footing", "text"),
            ("Lag", "lag", "text"),
            ("Mark", "mark", "text"),
        ],
    )
    return table, Note(
        paragraphs=(
            literature.sentence(raw, true),
            "On the order in time published work disagrees. " + " ".join(literature.DIRECTIONS),
        )
    )
