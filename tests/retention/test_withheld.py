"""Whatever the page shows, it tells of no 1 to 4 customers: no count, share or remainder does."""

from __future__ import annotations

import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.disclosure import customer_table
from cxkit.figures.curves import _followed
from cxkit.metrics.durations import kaplan_meier, km_at
from cxkit.results import Note, Picture, Table
from cxkit.retention.clock import bands_of, wind
from cxkit.retention.curves import at_risk
from tests import firms, folders
from tests.handmade import opened

SECTIONS = (
    *("months", "comparisons", "models", "tenure", "segments", "dose", "turns", "shock"),
    *("causes", "reasons", "predict", "buying", "worth", "silence"),
)

#: Headers under which customers are counted, and those among them who left.
PEOPLE = ("Customers", "Customers affected", "Below the cut", "With", "Without", "Not known")
GONE = "Left"

#: A count of 1 to 4 customers in words.
SAID = re.compile(
    r"\b(?<![\d.,–−])[1-4] (?:(?:more |affected |other )?(?:customers?|people)\b|of (?:the )?\d+ |"
    r"(?:of the \w+ )?left\b|had none|have no|scores? (?:were|was|have|has)|answered\b)"
    r"|\bn = [1-4]\b(?![.,]\d)|\bonly [1-4]\b|\bof whom [1-4]\b"
)


def drawn(result: object) -> dict[str, Note | Picture]:
    """Return the figures of the notebook, each drawn once."""
    more = result.more
    return {
        "retention": cx.figures.retention(result),
        "ratios": cx.figures.ratios(more.comparisons),
        "dose": cx.figures.retention_by_score(more.dose),
        "reasons": cx.figures.left_by_reason(more.reasons),
    }


def shown(result: object, pictures: dict[str, Note | Picture]) -> list[Table | Note | Picture]:
    """Return everything a reader of the notebook gets, at the depth it was asked."""
    parts = [
        Note(paragraphs=(str(result.answer),)),
        *(getattr(result, n) for n in ["who", "retained", "effects", "ratio", "usual"]),
    ]
    for name in SECTIONS:
        parts += getattr(result.more, name).parts
    return [*parts, result.every_guard, result.conclusion, *pictures.values()]


def told(result: object, study: object, horizon: int) -> dict[str, list[str]]:
    """Return what every part of the page, and all of them together, tell of 1 to 4 customers."""
    pictures = drawn(result)
    parts = shown(result, pictures)
    found = {words(part)[:60]: leaks(part) for part in parts}
    found["shares"] = told_by_shares(result, study, horizon, parts, pictures)
    return {where: said for where, said in found.items() if said}


def words(part: Table | Note | Picture) -> str:
    """Return the sentences of a part: captions, alternative texts, paragraphs, words in cells."""
    if isinstance(part, Table):
        cells = [str(c) for h in part.shown for c in part.shown[h] if re.search("[a-z]", str(c))]
        return "\n".join([part.caption, *cells])
    return f"{part.alt}\n{part.caption}" if isinstance(part, Picture) else str(part)


def number(cell: object) -> int | None:
    """Return a cell as a count, None where it tells none."""
    text = str(cell).replace(",", "")
    return int(text) if text.isdigit() else None


def few(count: int | None) -> bool:
    return count is not None and 0 < count < 5


def leaks(part: Table | Note | Picture) -> list[str]:
    """Return every place of a part that tells of 1 to 4 customers."""
    found = [m.group() for m in SAID.finditer(words(part))]
    if not isinstance(part, Table):
        return found
    for header in {*PEOPLE, GONE} & set(part.shown):
        found += [f"{header} {c}" for c in part.shown[header] if few(number(c))]
    if {"Customers", GONE} <= set(part.shown):
        for n, left in zip(part.shown["Customers"], part.shown[GONE], strict=True):
            a, b = number(n), number(left)
            if a is not None and b and few(a - b):
                found.append(f"{left} of {n}")
        whole = re.search(r"([\d,]+) customers left", part.caption)
        cells = [number(c) for c in part.shown[GONE]]
        if whole and None in cells:
            rest = int(whole.group(1).replace(",", "")) - sum(c or 0 for c in cells)
            if few(rest) and "at least" not in part.caption:
                found.append(f"{rest} by subtraction")
    if "Step" in part.shown:
        found += bare(part.shown["Customers"].tolist(), part.shown["Step"].tolist())
    return found


def bare(cells: list[str], steps: list[str]) -> list[str]:
    """Return what subtracting the steps of a selection from one another gives away."""
    wholes = 2 if steps[0] == "with an order" or "gave any score" in steps else 3
    counts = [number(c) for c in cells]
    told = [n for n in counts[:wholes] if n is not None]
    found = [f"{a} less {b}" for a, b in pairwise(told) if few(abs(a - b))]
    if counts[wholes - 1] is not None and None in counts[wholes:]:
        rest = counts[wholes - 1] - sum(n or 0 for n in counts[wholes:])
        found += [f"parts less {rest}"] if few(rest) else []
    return found


def percents(part: Table | Note | Picture) -> list[tuple[float, int | None]]:
    """Return every percentage of a part, and of how many customers it is said to be."""
    found: list[tuple[float, int | None]] = []
    if isinstance(part, Table):
        of = [number(c) for c in part.shown.get("Customers", [""] * len(part.shown))]
        for header in (h for h in part.shown if "(%)" in h):
            cells = zip(part.shown[header], of, strict=True)
            found += [(float(c), n) for c, n in cells if re.fullmatch(r"[\d.]+", str(c))]
    if isinstance(part, Picture) and part.table is not None:
        for row in part.table.to_dict("records"):
            per_cent = "%" in row.get("measured_in", "")
            share = row["value"] if per_cent else row.get("kept_percent")
            if share is not None and share == share:
                found.append((float(share), row.get("n")))
    for share, after in re.findall(r"(\d+\.\d) %((?:(?!\d %)[^;\n])*)", words(part)):
        of_them = re.search(r"n = ([\d,]+)|of (?:the |these )?([\d,]+)\b", after)
        said = next((g for g in of_them.groups() if g), "") if of_them else ""
        found.append((float(share), number(said)))
    return found


def told_by_shares(
    result: object,
    study: object,
    horizon: int,
    parts: list[Table | Note | Picture],
    pictures: dict[str, Note | Picture],
) -> list[str]:
    """Return every share on the page that tells of 1 to 4 who left, or stayed.

    Shares that a model gives for all customers, as if each had been served so, are none of a group.
    """
    modelled = [
        p for name in ("dose", "predict", "worth") for p in getattr(result.more, name).parts
    ]
    modelled.append(pictures["dose"])
    every = [x for part in parts if not any(part is m for m in modelled) for x in percents(part)]
    found = [
        f"{share} % of {n}"
        for share, n in every
        for k in [round(share * (n or 0) / 100)]
        if n and abs(share - 100 * k / n) <= 0.05 and (few(k) or few(n - k))
    ]
    spells = wind(study, bands=bands_of(study, "nps"), gap=90).spells
    curves = pictures["retention"]
    for band, rows in spells.groupby("band", observed=True):
        left = rows["months"][rows["left"]]
        if few(int((left < horizon).sum())) or few(int(len(rows) - (left < horizon).sum())):
            kept = km_at(kaplan_meier(rows["months"], rows["left"]), horizon).value
            true = {round(kept, 1), round(100 - kept, 1)} - {0.0, 100.0}  # as on day 0
            found += [f"{band}: {share}" for share, _ in every if round(share, 1) in true]
        if isinstance(curves, Picture):
            for row in curves.table[curves.table["band"] == band].to_dict("records"):
                so_far = int((left <= row["months"]).sum())
                if few(so_far) and row["kept_percent"] == row["kept_percent"]:
                    found.append(f"{band} at month {row['months']}: {so_far}")
    return found + reasons_told(result, spells, horizon)


def reasons_told(result: object, spells: pd.DataFrame, horizon: int) -> list[str]:
    """Return every reason of leaving whose 1 to 4 leavers are told, or left over by subtraction."""
    tables = [p for p in result.more.reasons.parts if isinstance(p, Table)]
    if not tables:
        return []
    page = tables[0].shown.set_index("Reason")
    gone = spells[spells["left"] & (spells["months"] <= horizon)]
    counts = gone.groupby(["band", "end_reason"], observed=True).size()
    found = []
    for header in (h for h in page if "(%)" in h):
        band = header.removesuffix(" (%)")
        hidden = [r for r in page.index if page.loc[r, header] == "–"]
        of = {r: int(counts.get((band, r), 0)) for r in page.index}
        found += [f"{band}, {r}: {of[r]}" for r in page.index if few(of[r]) and r not in hidden]
        if few(sum(of[r] for r in hidden)) and not few(sum(of.values())):
            found.append(f"{band}: {hidden} by subtraction")
        found += [
            f"{band}, {r} by the difference" for r in hidden if page.loc[r, "Difference"] != "–"
        ]
    return found


def first(tables: dict[str, pd.DataFrame], n: int) -> None:
    """Keep the first customers of the hand-made study only."""
    tables["customers"] = tables["customers"].iloc[:n]
    tables["responses"] = tables["responses"].iloc[:n]


def small(n: int):
    return lambda _, tables: first(tables, n)


def one_passive_left(_, tables):
    """Leave so few of the middle band leavers that only subtraction could tell them."""
    nps = tables["customers"]["id"].map(tables["responses"].set_index("id")["nps"])
    passive = nps.between(7, 8)
    gone = tables["customers"].index[passive & (tables["customers"]["left"] != "")]
    tables["customers"].loc[gone[3:], "left"] = ""


def two_too_early(_, tables):
    """Let two customers leave within the gap, and one answer too late for a landmark."""
    customers = tables["customers"]
    soon = pd.to_datetime(tables["responses"]["day"]) + pd.Timedelta(days=30)
    early = customers["left"].ne("") & (
        pd.to_datetime(customers["left"]) <= soon + pd.Timedelta("60D")
    )
    customers.loc[early, "left"] = ""
    customers.loc[[5, 9], "left"] = soon[[5, 9]].dt.strftime("%Y-%m-%d")


def few_left_so(spec, tables):
    """Give reasons of leaving, of which one is rare among those who scored best."""
    customers = tables["customers"]
    nps = customers["id"].map(tables["responses"].set_index("id")["nps"])
    gone = customers["left"] != ""
    customers["why"] = (customers.index % 2).map({0: "price", 1: "moved"}).where(gone, "")
    best = customers.index[gone & (nps >= 9)]
    after = pd.to_datetime(customers["left"]) - pd.to_datetime(tables["responses"]["day"])
    soon = after[best][after[best].dt.days > 100].sort_values().index[:3]
    customers.loc[best, "why"] = "moved"
    customers.loc[soon, "why"] = "price"
    spec["customers"]["end_reason"] = "why"


BENDS = [small(40), small(90), one_passive_left, two_too_early, few_left_so]


@pytest.mark.parametrize("bend", BENDS)
def test_no_part_of_the_page_tells_of_fewer_than_five_customers(tmp_path, bend):
    study = opened(tmp_path, bend)
    result = cx.retention_answer(study, depth="full", horizon=6)
    assert told(result, study, 6) == {}


@pytest.mark.parametrize(("branches", "customers"), [(1, 60), (3, 400)])
def test_no_part_of_the_page_of_a_small_firm_does(branches, customers):
    folder = firms.shop() if branches == 1 else folders.shared("small")
    if branches > 1:
        cx.simulate_firm(folder, seed=11, branches=branches, customers=customers, staff=20)
    study = cx.open_study(f"{folder}/study.yml")
    result = cx.retention_answer(study, depth="full", horizon=6)
    assert told(result, study, 6) == {}


def test_a_curve_falls_and_is_told_once_five_have_left():
    months = np.array([2.0, 3, 4, 13, 14, 15, *[30.0] * 54])
    left = months < 30
    bands = pd.Categorical(["kept"] * 60, categories=["poor", "middling", "kept"])
    spells = pd.DataFrame({"months": months, "left": left, "band": bands})
    curve = kaplan_meier(spells["months"], spells["left"]).assign(band=bands[0])
    curve["band"] = pd.Categorical(curve["band"], categories=bands.categories)
    drawn = _followed(curve, 24.0)
    assert drawn.query("survival < 1")["time"].min() == 14  # the fifth
    group = {"group": "kept", "value": 90.0, "low": 80.0, "high": 95.0, "n": 60, "exits": 6.0}
    result = SimpleNamespace(
        curves=curve,
        at_risk=at_risk(spells, months=np.arange(0, 25, 3)),
        groups=pd.DataFrame([group]),
        groups_measure="kept",
        horizon=18,
        level=0.95,
        contract="",
    )
    rows = cx.figures.retention(result).table.set_index("months")["kept_percent"]
    assert rows.notna().to_dict() == {0: True, 6: False, 12: False, 18: True, 24: True}


def test_a_row_whose_leavers_are_not_told_loses_its_shares():
    frame = pd.DataFrame({"g": ["a", "b"], "n": [106, 90], "exits": [3, 40], "kept": [97.2, 55.6]})
    columns = [("Group", "g", "text"), ("Kept (%)", "kept", "%"), ("Left", "exits", "count")]
    page = customer_table(frame, caption="Kept.", columns=columns).shown
    assert page["Kept (%)"].tolist() == ["–", "55.6"]
    assert page["Left"].tolist() == ["<5", "40"]


def test_the_search_finds_what_it_looks_for():
    table = Table.of(
        pd.DataFrame({"n": [9, 40, 12], "exits": [2, 20, 9]}),
        caption="Kept; 31 customers left.",
        columns=[("Customers", "n", "count"), ("Left", "exits", "count")],
    )
    assert leaks(table) == ["Left 2", "9 of 12"]
    for said in ("only 3 left", "n = 4, of", "2 of 9 detractors", "1 customers", "of whom 3 left"):
        assert leaks(Note(paragraphs=(said,))), said
    for said in ("ratio 2 of one", "n = 4.5", "n = 3,796", "within 3 months", "12 customers"):
        assert not leaks(Note(paragraphs=(said,))), said
    kept = Note(paragraphs=("97.2 % of passives (91.5 to 99.1, n = 106) are kept",))
    assert percents(kept) == [(97.2, 106)]
    assert (3.0, 100) in percents(Note(paragraphs=("3.0 % of the 100 customers",)))
    assert bare(["60", "50", "<5", "7", "40"], ["in", "gave any score", "a", "b", "c"])
