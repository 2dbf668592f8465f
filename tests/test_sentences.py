"""Fifty random results through every sentence and alt text: number, sign, n and branch agree."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cxkit import figures, markup
from cxkit.disclosure import Policy, showable
from cxkit.figures import canvas, sections
from cxkit.linkage import order
from cxkit.linkage import wording as linkage
from cxkit.results import Difference, Estimate, Section
from cxkit.retention import reasons
from cxkit.retention import wording as retention

RUNS = 50
BANDS = ("detractors (0–6)", "passives (7–8)", "promoters (9–10)")


def numbers(text: str) -> list[float]:
    """Return every number of a sentence, true minus included."""
    return [
        float(found.replace("−", "-").replace(",", ""))
        for found in re.findall(r"−?\d[\d,]*(?:\.\d+)?", text)
    ]


def said(text: str, value: float, decimals: int) -> bool:
    """Tell whether a sentence holds a value at the precision it is shown with."""
    half = 0.5 * 10**-decimals + 1e-9
    return any(abs(n - value) <= half for n in numbers(text))


def difference(rng: np.random.Generator, unit: str = "percentage points") -> Difference:
    """Return a random difference whose interval may lie anywhere."""
    value, se = rng.normal(0, 8), rng.uniform(0.5, 6)
    n_a, n_b = (int(n) for n in rng.integers(20, 5000, 2))
    return Difference(
        metric="retention",
        measured_in=unit,
        a=BANDS[2],
        b=BANDS[0],
        value=value,
        low=value - 1.96 * se,
        high=value + 1.96 * se,
        se=se,
        p=0.5,
        p_adjusted=float(rng.uniform()),
        family=3,
        level=0.95,
        n_a=n_a,
        n_b=n_b,
        n_missing=0,
        method="test",
    )


def way(d: Difference) -> str:
    """Say which way an interval points, worked out here and not asked of the result."""
    assert d.low is not None
    assert d.high is not None
    return "higher" if d.low > d.null else "lower" if d.high < d.null else "cannot be told"


def estimate(rng: np.random.Generator, unit: str, low: float, high: float) -> Estimate:
    """Return a random estimate between two limits."""
    value = rng.uniform(low, high)
    half = rng.uniform(0.02, 0.4) * (high - low)
    return Estimate(
        metric="m",
        measured_in=unit,
        value=value,
        low=max(low, value - half),
        high=min(high, value + half),
        se=half / 1.96,
        level=0.95,
        n=int(rng.integers(20, 5000)),
        n_missing=0,
        method="test",
    )


@pytest.fixture(params=range(RUNS))
def rng(request, monkeypatch) -> np.random.Generator:
    """A generator for each result; after the first five, figures are laid out and not drawn."""
    if request.param >= 5:
        monkeypatch.setattr(canvas, "_in_few_colours", lambda _: b"not drawn")
        monkeypatch.setattr(Figure, "savefig", lambda _, file, **__: file.write(b"not drawn"))
    return np.random.default_rng(request.param)


def test_retention_headline(rng):
    d = difference(rng)
    text = retention.headline(d, horizon=12)
    branch = {"higher": "stay longer:", "lower": "leave earlier:", "cannot be told": "cannot be"}
    for direction, words in branch.items():
        assert (words in text) == (way(d) == direction)
    assert ("higher among" in text) == (way(d) == "higher")
    assert ("lower among" in text) == (way(d) == "lower")
    shown = d.value if way(d) == "cannot be told" else abs(d.value)
    assert said(text, shown, 1)
    assert said(text, d.low, 1)
    assert said(text, d.high, 1)
    assert d.a in text
    assert d.b in text
    assert "other things equal" not in text
    assert "other things equal, " in retention.headline(d, horizon=12, adjusted_for=["held: plan"])


def test_what_other_things_are(rng):
    d = difference(rng)
    text = retention.other_things(d, ["tenure_band", "held: plan"])
    assert said(text, d.value, 1)
    assert "hold tenure and plan equal" in text
    assert retention.other_things(d, ()) == ""
    unknown = replace(d, value=None, low=None, high=None, se=None, status="no data", reason="none")
    assert retention.other_things(unknown, ["held: plan"]) == ""


def test_retention_doubt_and_worth_in_short(rng):
    d = difference(rng)
    silent = SimpleNamespace(doubt="Few spoke.")
    text = retention.doubt(d, silent)
    assert ("would show as an effect" in text) == (way(d) == "higher")
    assert ("would show as this effect" in text) == (way(d) == "lower")
    assert ("would hide an effect" in text) == (way(d) == "cannot be told")
    assert text.startswith("Few spoke.")
    none = dataclasses.replace(d, value=None, low=None, high=None)
    assert "of any size could be here unseen" in retention.doubt(none, silent)
    kept, revenue = estimate(rng, "count", -90, 90), estimate(rng, "EUR a year", 100, 90_000)
    worth = SimpleNamespace(kept=kept, revenue=revenue, n_below=321, below="poor", above="good")
    short = retention.worth_in_short(worth, d)
    agree = way(d) == ("higher" if kept.low > 0 else "lower")
    holds = kept.low <= 0 <= kept.high
    assert bool(short) == (holds or agree)
    if short:
        assert ("cannot be told" in short) == holds
        assert ("not shown to pay" in short) == (kept.high < 0)
        size = kept.value if holds else abs(kept.value)
        assert all(said(short, v, 0) for v in (size, 321))
        assert markup.interval(kept.low, kept.high, "count") in short
        assert (revenue.measured_in in short) == (kept.low > 0)


def test_snapshot_headline(rng):
    d = difference(rng)
    text = retention.snapshot_headline(d, window="the window")
    assert ("more often: churn" in text) == (way(d) == "higher")
    assert ("less often: churn" in text) == (way(d) == "lower")
    assert ("cannot be told" in text) == (way(d) == "cannot be told")
    shown = d.value if way(d) == "cannot be told" else abs(d.value)
    assert all(said(text, v, 1) for v in (shown, d.low, d.high))
    assert all(said(text, n, 0) for n in (d.n_a, d.n_b))


def test_how_sure_and_conclusion(rng):
    d = difference(rng)
    model = SimpleNamespace(adjusted_for=("tenure_band", "held: region"))
    text = retention.how_sure(d, 123, 4567, 12, model)
    assert said(text, 123, 0)
    assert said(text, 4567, 0)
    assert ("above zero" in text) == (way(d) == "higher")
    assert ("below zero" in text) == (way(d) == "lower")
    assert ("holds zero" in text) == (way(d) == "cannot be told")
    note = str(retention.conclusion(d, model, 90, 300))
    assert ("rate more kindly" in note) == (way(d) == "higher")
    assert ("shop around" in note) == (way(d) == "lower")
    assert said(note, 2.8 * d.se, 1)


def test_retained_and_needed(rng):
    kept = {band: estimate(rng, "%", 0, 100) for band in BANDS}
    text = retention.retained(kept, horizon=12, gap=90)
    for band, e in kept.items():
        part = text[text.index(f" of {band}") - 8 :]
        assert said(part, e.value, 1)
        assert all(said(text, v, 1) for v in (e.low, e.high))
        assert said(text, e.n, 0)
    need, none = int(rng.integers(30, 4000)), SimpleNamespace(se=None)
    assert said(retention.needed(none, need, difference=10, horizon=12), need, 0)
    d = difference(rng)
    assert said(retention.needed(d, need, difference=10, horizon=12), 2.8 * d.se, 1)


def test_hazard_ratio_and_the_biased_one(rng):
    e = estimate(rng, "ratio", 0.1, 2.5)
    text = str(retention.hazard_ratio(e, difference(rng), adjusted_for=["held: x"]))
    assert ("less often" in text) == (e.high < 1)
    assert ("more often" in text) == (e.low > 1)
    assert ("cannot be told apart" in text) == (e.low <= 1 <= e.high)
    assert all(said(text, v, 2) for v in (e.value, e.low, e.high))
    assert said(text, e.n, 0)
    naive = estimate(rng, "ratio", 0.1, 0.9)
    warned = str(retention.biased(naive, e))
    assert said(warned, naive.value, 2)
    assert said(warned, e.value, 2)


def correlation(rng: np.random.Generator) -> Estimate:
    """Return a random correlation with an interval that may hold zero."""
    return estimate(rng, "correlation", -0.9, 0.9)


def test_linkage_headline(rng):
    r = correlation(rng)
    text = linkage.headline(r, "cannot tell")
    assert ("go together: units" in text) == (r.low > 0)
    assert ("go opposite ways" in text) == (r.high < 0)
    assert ("cannot be told from" in text) == (r.low <= 0 <= r.high)
    assert all(said(text, v, 2) for v in (r.value, r.low, r.high))
    assert said(text, r.n, 0)


def test_corrected_needed_and_instruments(rng):
    r, true = correlation(rng), correlation(rng)
    text = linkage.corrected(r, true)
    assert all(said(text, v, 2) for v in (r.value, true.value, true.low, true.high))
    n = int(rng.integers(1, 400))
    need = linkage.needed(194, r=0.2, n=n)
    assert ("too few" in need) == (n < 194)
    assert said(need, n, 0)
    rows = pd.DataFrame([{"instrument": i, **correlation(rng).as_row()} for i in "ab"])
    both = linkage.instruments(rows)
    for row in rows.itertuples():
        assert all(said(both, v, 2) for v in (row.value, row.low, row.high))
        assert said(both, row.n, 0)


def lag_rows(rng: np.random.Generator) -> pd.DataFrame:
    """Return random lags of both kinds with their differences."""
    rows = []
    for of in ("levels", "within units"):
        for lag in (
            "engagement, then experience",
            "experience, then engagement",
            "difference of the two",
        ):
            e = estimate(rng, "correlation", -0.6, 0.6)
            rows.append(
                {"lag": lag, "of": of, "value": e.value, "low": e.low, "high": e.high}
                | {"n": 90, "pairs": 540}
            )
    return pd.DataFrame(rows)


def test_order(rng):
    """The verdict's sentence carries both lags, their p and n, whatever the verdict."""
    rows = pd.DataFrame(
        [
            {
                "lag": lag,
                "value": (e := estimate(rng, "coefficient", -0.6, 0.6)).value,
                "low": e.low,
                "high": e.high,
                "p_adjusted": float(rng.uniform(0, 0.2)),
                "n": 90,
            }
            for lag in ("engagement, then experience", "experience, then engagement")
        ]
    )
    told = (rows["p_adjusted"] < 0.05).tolist()
    verdict = order.verdict_of(rows, 0.05)
    assert (
        verdict
        == {
            (True, True): "both",
            (True, False): "engagement precedes",
            (False, True): "experience precedes",
            (False, False): "cannot tell",
        }[tuple(told)]
    )
    text = order.sentence(verdict, rows, waves=4, proper=True)
    assert text.startswith("Engagement precedes") == (verdict == "engagement precedes")
    assert text.startswith("Experience precedes") == (verdict == "experience precedes")
    assert text.startswith("Each precedes") == (verdict == "both")
    assert text.startswith("Which comes first cannot be told") == (verdict == "cannot tell")
    for row in rows.itertuples():
        assert all(said(text, v, 2) for v in (row.value, row.low, row.high))
        assert said(text, row.p_adjusted, 3)
    assert said(text, 90, 0)
    assert "not proper" in order.sentence("cannot tell", rows, waves=4, proper=False)


def groups(rng: np.random.Generator) -> pd.DataFrame:
    """Return random shares by band."""
    rows = []
    for band in BANDS:
        e = estimate(rng, "%", 5, 95)
        rows.append({"group": band, "value": e.value, "low": e.low, "high": e.high, "n": e.n})
    return pd.DataFrame(rows).assign(exits=7)


def test_alt_text_of_retention_names_direction_largest_and_smallest(rng):
    shares = groups(rng)
    result = SimpleNamespace(
        groups=shares,
        groups_measure="left in the window",
        curves=None,
        at_risk=None,
        horizon=12,
        level=0.95,
        contract="nps: 0 to 10, high is good",
    )
    picture = figures.retention(result)
    assert picture.caption.endswith("Measured: nps: 0 to 10, high is good.")
    first, last = shares.iloc[0], shares.iloc[-1]
    apart = first["high"] < last["low"] or last["high"] < first["low"]
    assert (f"{last['group']} above {first['group']}" in picture.alt) == (
        apart and last["value"] > first["value"]
    )
    assert (f"{last['group']} below {first['group']}" in picture.alt) == (
        apart and last["value"] < first["value"]
    )
    assert ("overlap" in picture.alt) == (not apart)
    for name, row in (
        ("Largest", shares.loc[shares["value"].idxmax()]),
        ("smallest", shares.loc[shares["value"].idxmin()]),
    ):
        assert f"{name}: {row['group']}, {markup.quantity(row['value'], '%')}" in picture.alt
    assert said(picture.caption, int(shares["n"].sum()), 0)


def test_alt_text_of_the_ratios(rng):
    rows = pd.DataFrame(
        [
            {"comparison": c, "reading": c, **estimate(rng, "ratio", 0.1, 1.6).as_row()}
            for c in ("naive", "no gap", "this report's gap")
        ]
    )
    found = SimpleNamespace(frame=rows, level=0.95, contract="")
    picture = figures.ratios(Section(parts=(), result=found))
    ordered = rows.sort_values("value")
    for which, row in (("Smallest", ordered.iloc[0]), ("largest", ordered.iloc[-1])):
        said_so = f"{which}: {markup.quantity(row['value'], 'ratio')} ({row['comparison']})"
        assert said_so in picture.alt
    assert f"n from {rows['n'].min():,} to {rows['n'].max():,} customers" in picture.caption


def test_alt_text_of_leaving_by_reason(rng):
    """Direction by reason, largest, smallest, and only shares that may be told."""
    causes = ("service", "price", "moved away")
    rows = []
    for band in BANDS[::2]:
        for cause in causes:
            e = estimate(rng, "%", 1, 30)
            told = bool(rng.uniform() < 0.8)
            rows.append({"band": band, "reason": cause, "value": e.value, "low": e.low})
            rows[-1] |= {"high": e.high, "n": e.n, "exits": int(rng.integers(5, 90)), "told": told}
    frame = pd.DataFrame(rows)
    shown = frame[frame["told"]]
    if shown.empty:
        return
    differences = {c: difference(rng) for c in causes}
    found = SimpleNamespace(sentence=reasons.sentence(differences, 12), horizon=12)
    alt = sections._alt_reasons(found, shown.set_index(["band", "reason"]))
    for which, row in (
        ("Largest", shown.loc[shown["value"].idxmax()]),
        ("smallest", shown.loc[shown["value"].idxmin()]),
    ):
        share = markup.quantity(row["value"], "%")
        assert f"{which}: {share} of {row['band']} because of {row['reason']}" in alt
    ways = {"lower": "less often", "higher": "more often", "cannot be told": "no difference"}
    for direction, words in ways.items():
        told = alt.rpartition("of the landmark ")[2].split("; ")
        (part,) = [p for p in told if words in p] or [""]
        for cause, d in differences.items():
            assert (cause in part.partition("because of")[2]) == (way(d) == direction)
            assert all(said(alt, v, 1) for v in (d.value, d.low, d.high))


def test_alt_text_of_the_scatter_and_the_lags(rng):
    n = int(rng.integers(8, 40))
    units = pd.DataFrame(
        {
            "engagement": rng.uniform(1, 5, n),
            "experience": rng.uniform(1, 5, n),
            "n_employees": rng.integers(2, 40, n).astype(float),
            "n_customers": rng.integers(2, 90, n).astype(float),
        }
    )
    shown = showable(units, Policy())
    r = correlation(rng)
    result = SimpleNamespace(
        r=r,
        shown=shown,
        shown_beside="",
        engagement_unit="engagement",
        experience_unit="experience",
        lags=lag_rows(rng),
        level=0.95,
        contract="csat: 1 to 5, high is good",
    )
    picture = figures.scatter(result)
    assert "Measured: csat: 1 to 5, high is good." in picture.caption
    assert picture.mime == "image/png"
    assert ("goes with better" in picture.alt) == (r.low > 0)
    assert ("goes with worse" in picture.alt) == (r.high < 0)
    assert all(said(picture.alt, v, 2) for v in (r.value, r.low, r.high))
    assert f"Scatter of {len(shown.units):,} units" in picture.alt
    if shown.hidden:
        assert said(picture.caption, shown.hidden - shown.taken_along, 0)
        assert said(picture.caption, shown.taken_along, 0) or not shown.taken_along
    drawn = figures.lags(result)
    rows = result.lags[~result.lags["lag"].str.startswith("difference")].sort_values("value")
    above, below = int((rows["low"] > 0).sum()), int((rows["high"] < 0).sum())
    assert f"{above} lie above 0, {below} below it, and {len(rows) - above - below} hold it" in (
        drawn.alt
    )
    for which, row in (("Largest", rows.iloc[-1]), ("smallest", rows.iloc[0])):
        value = markup.quantity(row["value"], "correlation")
        assert f"{which}: {value} ({row['lag']}, {row['of']})" in drawn.alt
