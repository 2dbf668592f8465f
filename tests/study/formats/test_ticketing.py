"""Tickets: each case once, in its last state; open, reopened, merged, closed by a rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import cxkit as cx
from cxkit.study.formats.raw import RawTable, UnreadableError
from cxkit.study.load import read_table
from cxkit.study.reading import Reading

if TYPE_CHECKING:
    from pathlib import Path

ASKED = ["id", "created_at", "solved_at", "reopened", "first_reply_at", "auto_closed", "tag:vip"]


def ticket(number: int, status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "url": f"https://a.example/api/v2/tickets/{number}.json",
        "via": {"channel": "web"},
        "created_at": "2025-01-05T10:00:00Z",
        "updated_at": f"2025-02-0{number}T10:00:00Z",
        "requester_id": 7,
        "submitter_id": 7,
        "brand_id": 1,
        "status": status,
        "tags": [],
        **more,
    }


TICKETS = [
    ticket(1, "open", tags=["vip"]),
    ticket(2, "closed", tags=["bot_auto_closed"]),
    ticket(3, "solved"),
    ticket(4, "closed", tags=["closed_by_merge"]),
    ticket(5, "deleted"),
    {**ticket(3, "open"), "updated_at": "2025-01-06T10:00:00Z"},
]
METRICS = [
    {
        "ticket_id": 3,
        "solved_at": "2025-01-20T09:00:00Z",
        "reopens": 2,
        "reply_time_in_minutes": {"calendar": 90, "business": 30},
    }
]


def read(value: object, asked: list[str] = ASKED, **how: Any) -> RawTable:
    return read_table(json.dumps(value).encode(), "a.json", asked, how=Reading(**how))


def told(raw: RawTable) -> list[str]:
    return [f"{code} {text}" for code, text, _ in raw.repairs]


def test_a_case_stands_once_in_its_last_state() -> None:
    raw = read({"tickets": TICKETS, "metric_sets": METRICS})
    assert {name: text.tolist() for name, text in raw.columns.items()} == {
        "id": ["1", "2", "3"],
        "created_at": ["2025-01-05T10:00:00Z"] * 3,
        "solved_at": ["", "2025-02-02T10:00:00Z", "2025-01-20T09:00:00Z"],
        "reopened": ["", "", "true"],
        "first_reply_at": ["", "", "2025-01-05 11:30:00Z"],
        "auto_closed": ["false", "true", "false"],
        "tag:vip": ["true", "false", "false"],
    }
    assert raw.dropped == 3
    assert told(raw) == [
        "CX-R023 1 earlier states of tickets dropped: their last update counts.",
        "CX-R010 1 deleted tickets dropped (keep: [deleted] keeps them).",
        "CX-R010 1 merged tickets dropped (keep: [merged] keeps them).",
        "CX-F047 Zendesk: 1 of 2 solved cases have no metric set; solved_at is their last update "
        "there, which may be later.",
        "CX-F047 Zendesk: auto_closed is what has the tag bot_auto_closed.",
    ]


def test_what_is_kept_by_name_stays() -> None:
    raw = read({"tickets": TICKETS}, keep=("deleted", "merged"))
    assert raw.columns["id"].tolist() == ["1", "2", "3", "4", "5"]


def test_merged_tickets_are_known_by_the_ticket_they_went_into() -> None:
    raw = read([ticket(1, "open", merged_ticket_ids=[2]), ticket(2, "closed")])
    assert raw.columns["id"].tolist() == ["1"]


def test_without_metrics_and_tags_it_is_said_what_cannot_be_told() -> None:
    rows = [{k: v for k, v in each.items() if k != "tags"} for each in TICKETS[:1]]
    raw = read(rows)
    assert raw.columns["reopened"].tolist() == [""]
    assert told(raw)[-1].startswith(
        "CX-F048 Zendesk: reopened, first_reply_at, auto_closed, tag:vip cannot be told"
    )


def test_plain_means_no_rule_and_another_file_is_refused() -> None:
    assert read({"tickets": TICKETS}, ["id"], format="plain").rows == 6
    with pytest.raises(UnreadableError) as caught:
        read([{"id": 1}], ["id"], format="zendesk")
    assert caught.value.code == "CX-E022"
    with pytest.raises(UnreadableError) as caught:
        read([ticket(5, "deleted")])
    assert caught.value.code == "CX-E023"


def test_a_study_reads_them_from_a_warehouse_too(tmp_path: Path) -> None:
    rows = pd.json_normalize(TICKETS, sep="_")
    rows["tags"] = rows["tags"].map(json.dumps)
    rows.to_csv(tmp_path / "tickets.csv", index=False)
    (tmp_path / "tickets.ndjson").write_text("\n".join(json.dumps(row) for row in TICKETS))
    frames = []
    for file, via in (("tickets.csv", "via_channel"), ("tickets.ndjson", "via.channel")):
        (tmp_path / "study.yml").write_text(
            f"study: A\nas_of: 2025-12-31\ntickets: {{file: {file}, ticket: id, "
            "customer: requester_id, opened: created_at, resolved: solved_at, "
            f"reopened: reopened, auto_closed: auto_closed, channel: {via}}}\n"
        )
        frames.append(cx.open_study(tmp_path).tickets)
    pd.testing.assert_frame_equal(*frames)
    assert frames[0]["resolved"].isna().tolist() == [True, False, False]
    assert frames[0]["auto_closed"].tolist() == [False, True, False]
