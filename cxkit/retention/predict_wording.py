"""Sentences and tables on which measure predicts best, each made from the comparison."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pandas as pd

from cxkit import markup
from cxkit.disclosure import customer_table, leavers, stepwise
from cxkit.markup import p_value
from cxkit.results import Note, Table
from cxkit.retention.judging import BASELINE

if TYPE_CHECKING:
    from cxkit.results import Difference
    from cxkit.retention.predictors import Comparison

#: The model that holds every measure once, on its full scale.
TOGETHER = "all together"


def sentence(found: Comparison, *, horizon: int) -> str:
    """Say which measure predicts best: one does, none is told best, or none beats the controls."""
    held = {d.a for d in found.gains if _clear(d)}
    singles = [d for d in found.gains if d.a != TOGETHER]
    known = [d for d in singles if d.a in held]
    who = f"n = {found.n:,}, of whom {leavers(found.exits, found.n)} left"
    if not known:
        best = max(singles, key=_value)
        return (
            "No single measure of experience is shown to predict leaving within "
            f"{markup.counted(horizon, 'month')} better than tenure and segments alone: the best, "
            f"{best.a}, saves {_saved(best)} of the log-loss, and p is {p_value(best.p_adjusted)} "
            f"after Holm's adjustment for {best.family} comparisons "
            f"({who}).{_together(found, best.a)}"
        )
    best = max(known, key=_value)
    against = {d: name for d, name in _against(found, best.a).items() if name != TOGETHER}
    beaten = [name for d, name in against.items() if _clear(d)]
    others = [name for name in against.values() if name not in beaten]
    said = f"it saves {_saved(best)} of the log-loss of tenure and segments alone ({who})"
    if not others:
        alone = "" if beaten else ", the only one compared"
        return (
            f"{best.a}{alone} predicts leaving within {markup.counted(horizon, 'month')} best: "
            f"{said}"
            + (f", more than {_list(beaten)}" if beaten else "")
            + f".{_ranking(found, best.a)}{_together(found, best.a)}"
        )
    told = f" It is told apart from {_list(beaten)}." if beaten else ""
    told += _ranking(found, best.a)
    return (
        f"Which measure predicts leaving within {markup.counted(horizon, 'month')} best cannot be "
        f"told. {best.a} comes first, {said}, but it cannot be told apart from "
        f"{_list(others)}.{told}{_together(found, best.a)}"
    )


def _ranking(found: Comparison, best: str) -> str:
    """Say what a measure adds in pairs of customers, which needs no logarithm."""
    auc = found.scores.set_index("measure")["auc"]
    return (
        " Of two customers, one who left and one who stayed, it gives the higher risk to the one "
        f"who left in {markup.quantity(100 * auc[best], '%')} of pairs; without any measure "
        f"{markup.quantity(100 * auc[BASELINE], '%')}."
    )


def _together(found: Comparison, best: str) -> str:
    """Say whether all measures together predict better than the best one; three ways."""
    pair = [d for d, name in _against(found, best).items() if name == TOGETHER]
    if not pair:
        return ""
    d = pair[0]
    less = markup.quantity(abs(_value(d)), "%")
    if not _clear(d) and not _worse(d):
        return f" All measures together cannot be told apart from {best} alone."
    # the pair is the best single one against all together: lower means that together they win
    if _worse(d):
        return f" All measures together predict better than {best} alone, by another {less}."
    return f" All measures together predict worse than {best} alone, by {less}."


def _against(found: Comparison, name: str) -> dict[Difference, str]:
    """Return each pair that a measure is in, turned so that it comes first, with the other."""
    turned: dict[Difference, str] = {}
    for d in found.pairs:
        if d.a == name:
            turned[d] = d.b
        elif d.b == name:
            turned[_turned(d)] = d.a
    return turned


def _turned(d: Difference) -> Difference:
    """Return a difference the other way round."""
    import dataclasses

    low, high = (None if v is None else -v for v in (d.high, d.low))
    return dataclasses.replace(d, a=d.b, b=d.a, value=-_value(d), low=low, high=high)


def _value(d: Difference) -> float:
    """Return the number of a difference that has one."""
    return d.value if d.value is not None else 0.0


def _clear(d: Difference) -> bool:
    """Tell whether it is above zero, by its interval and after Holm's adjustment."""
    return d.direction == "higher" and d.p_adjusted is not None and d.p_adjusted < 1 - d.level


def _worse(d: Difference) -> bool:
    """Tell whether it is below zero, by its interval and after Holm's adjustment."""
    return d.direction == "lower" and d.p_adjusted is not None and d.p_adjusted < 1 - d.level


def _saved(d: Difference) -> str:
    """Say a gain with its interval."""
    return (
        f"{markup.quantity(d.value, '%')} ({markup.percent_label(d.level)} interval "
        f"{markup.interval(d.low, d.high, '%')})"
    )


def _list(names: list[str]) -> str:
    """Join names that hold commas themselves."""
    return names[0] if len(names) == 1 else "; ".join(names[:-1]) + " and " + names[-1]


def scores_table(found: Comparison, *, horizon: int, gap: int) -> Table:
    """Return every measure with all it is judged by, the baseline first."""
    frame = found.scores
    ci = markup.percent_label(found.level)
    shown = frame.assign(
        log_loss=[markup.number(v, 4) for v in frame["log_loss"]],
        brier=[markup.number(v, 4) for v in frame["brier"]],
        p=[p_value(v) for v in frame["p_adjusted"]],
        auc_p=[p_value(v) for v in frame["auc_p_adjusted"]],
    )
    how = (
        f"{found.samples:,} bootstrap samples of customers"
        if found.samples
        else "paired differences of customers"
    )
    table = Table.of(
        shown,
        caption=f"Leaving within {markup.counted(horizon, 'month')}, predicted for customers the "
        f"fit has not seen ({found.folds} folds by customer): the same {found.customers:,} "
        f"customers for every measure, of whom {leavers(found.exits, found.customers)} left; all "
        f"models hold tenure and segments; answers are from {markup.counted(gap, 'day')} before "
        f"the landmark or earlier. Saved: of the log-loss of {BASELINE}, {ci} intervals from "
        f"{how}; p by Holm. AUC: DeLong. Calibration is right at slope 1 and intercept 0. "
        "Customers not followed to the horizon are left out.",
        columns=[
            ("Measure", "measure", "text"),
            ("Log-loss", "log_loss", "text"),
            ("Saved (%)", "gain", "%"),
            (f"{ci} interval", "gain_low..gain_high", "%"),
            ("p (Holm)", "p", "text"),
            ("AUC", "auc", "coefficient"),
            (f"AUC, {ci} interval", "auc_low..auc_high", "coefficient"),
            ("AUC gained, p (Holm)", "auc_p", "text"),
            ("Brier score", "brier", "text"),
            ("Calibration slope", "calibration_slope", "coefficient"),
            ("Calibration intercept", "calibration_intercept", "coefficient"),
        ],
    )
    return Table(frame=frame, caption=table.caption, shown=table.shown, numeric=table.numeric)


def pairs_table(found: Comparison) -> Table | Note:
    """Return each measure against each other one."""
    if not found.pairs:
        return Note(paragraphs=("One measure is compared; there is no pair.",))
    frame = pd.DataFrame([d.as_row() for d in found.pairs])
    frame["pair"] = [f"{d.a} against {d.b}" for d in found.pairs]
    frame["raw"], frame["holm"] = (
        [p_value(d.p) for d in found.pairs],
        [p_value(d.p_adjusted) for d in found.pairs],
    )
    return Table.of(
        frame,
        caption=f"Each measure against each other one, on the same {found.customers:,} customers: "
        "log-loss saved by the first, in % of that of the controls; above zero, the first predicts "
        f"better. p by Holm in this family of {len(found.pairs)}.",
        columns=[
            ("Pair", "pair", "text"),
            ("Saved (%)", "value", "%"),
            (f"{markup.percent_label(found.level)} interval", "low..high", "%"),
            ("p", "raw", "text"),
            ("p (Holm)", "holm", "text"),
        ],
    )


def forward_table(found: Comparison) -> Table | Note:
    """Return the gains where the fit is on earlier customers and the judging on later ones."""
    if found.forward is None:
        return Note(
            paragraphs=(
                "Forward in time nothing can be judged: too few customers left among the earlier "
                "ones, or among the later ones.",
            )
        )
    caption = (
        "every outcome fitted to was known when the customers judged came up"
        if found.forward_known
        else "the data are too short for every outcome fitted to to be known when the customers "
        "judged came up, so this is kinder than a forecast would be"
    )
    n, exits = int(found.forward["n"].iloc[0]), int(found.forward["exits"].iloc[0])
    return Table.of(
        found.forward,
        caption=f"Forward in time: fitted on customers who came up earlier, judged on {n:,} who "
        f"came up later, of whom {leavers(exits, n)} left; {caption}.",
        columns=[
            ("Measure", "measure", "text"),
            ("Saved (%)", "gain", "%"),
            (f"{markup.percent_label(found.level)} interval", "gain_low..gain_high", "%"),
        ],
    )


def within_table(found: Comparison) -> Table | Note:
    """Return for each segment the measure that comes first there, and the one that does overall."""
    if found.within.empty:
        return Note(paragraphs=("No segment has ten customers who left and ten who stayed.",))
    lead = max((d for d in found.gains if d.a != TOGETHER), key=_value).a
    single = found.within[found.within["measure"] != TOGETHER]
    rows = []
    for (segment, value), part in single.groupby(["segment", "level"], sort=False):
        first = part.sort_values("gain").iloc[-1]
        overall = part[part["measure"] == lead].iloc[0]
        rows.append(
            {
                **first.to_dict(),
                "group": f"{segment}: {value}",
                "holm": p_value(first["p_adjusted"]),
                "lead_gain": overall["gain"],
                "lead_low": overall["gain_low"],
                "lead_high": overall["gain_high"],
            }
        )
    shown = pd.DataFrame(rows)
    ci = markup.percent_label(found.level)
    table = customer_table(
        shown,
        caption="Which measure comes first within each segment: log-loss saved (%), fitted on all "
        "customers and judged within the segment; p by Holm in the family of all "
        f"{int(found.within['family'].iloc[0])} measures and segments. Which one is first in a "
        "small segment is mostly chance.",
        columns=[
            ("Segment", "group", "text"),
            ("First", "measure", "text"),
            ("Saved (%)", "gain", "%"),
            (f"{ci} interval", "gain_low..gain_high", "%"),
            ("p (Holm)", "holm", "text"),
            (f"{lead}, saved (%)", "lead_gain", "%"),
            (f"{ci} interval of that", "lead_low..lead_high", "%"),
            ("Customers", "n", "count"),
            ("Left", "exits", "count"),
        ],
    )
    return dataclasses.replace(table, frame=found.within)


def apart_table(apart: pd.DataFrame, *, level: float) -> Table | Note:
    """Return the measures that are compared on their own customers only."""
    if apart.empty:
        return Note(paragraphs=("Every measure of the study is in the comparison above.",))
    beside = str(apart["beside"].iloc[0])
    ci = markup.percent_label(level)
    return customer_table(
        apart.assign(holm=[p_value(v) for v in apart["p_adjusted"]]),
        caption="Measures that too few customers gave to compare them with all: each on the "
        f"customers who gave it, against the controls and against {beside} on these same "
        "customers (log-loss saved, %). Rows speak of different customers and are not to be "
        "ranked.",
        columns=[
            ("Measure", "measure", "text"),
            ("Saved (%)", "gain", "%"),
            (f"{ci} interval", "gain_low..gain_high", "%"),
            ("p (Holm)", "holm", "text"),
            (f"{beside}, saved (%)", "beside_gain", "%"),
            ("Saved against it (%)", "better", "%"),
            (f"{ci} interval of that", "better_low..better_high", "%"),
            ("Customers", "n", "count"),
            ("Left", "exits", "count"),
        ],
    )


def who_table(steps: pd.DataFrame) -> Table:
    """Return who is compared, step by step."""
    n = int(steps["customers"].iloc[-1])
    return Table.of(
        steps.assign(said=stepwise(steps["customers"].tolist(), wholes=2)),
        caption=f"Who is in the comparison, and who is not: {n:,} customers.",
        columns=[
            ("Step", "step", "text"),
            ("Customers", "said", "text"),
            ("What it means", "reason", "text"),
        ],
    )


def beside_published(found: Comparison, *, horizon: int, gap: int) -> Note:
    """Set the order found here beside that of de Haan, Verhoef and Wiesel (2015)."""
    ranked = sorted((d for d in found.gains if d.a != TOGETHER), key=_value, reverse=True)
    order = _list([f"{d.a} ({markup.quantity(d.value, '%')})" for d in ranked])
    return Note(
        paragraphs=(
            "de Haan, Verhoef and Wiesel (2015, International Journal of Research in Marketing "
            "32(2), 195–206), on customers of 93 firms in 18 industries: top-2-box satisfaction "
            "predicted retention best overall, the customer effort score worst; the best measure "
            "differed by industry, and combining measures predicted better (read in secondary "
            "sources). That NPS did about as well as satisfaction is the authors' own summary.",
            f"Here, by log-loss saved: {order}.",
            "What differs: one firm here, many there, and their order mixes differences between "
            "firms with those between customers; here leaving itself is observed, within "
            f"{markup.counted(horizon, 'month')} of a landmark {markup.counted(gap, 'day')} after "
            "the answer; measures are judged on customers the fit has not seen; who answers is not "
            "corrected for here. Their coefficients and sample size were not checked and are not "
            "quoted.",
        )
    )
