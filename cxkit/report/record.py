"""run.json: what a page must not hold, and what the next run needs to leave good reports alone."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxkit.report.files import FAILED_PAGE
from cxkit.report.make import Job, Report
from cxkit.report.origin import code, commit, versions
from cxkit.report.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a plan, as far as it has come."""

    plan: str
    plan_sha256: str
    began: str
    ended: str
    jobs: int
    interrupted: bool
    reports: Sequence[Report]

    def as_bytes(self) -> bytes:
        """Return the record: times, host, versions, hashes, and every verdict."""
        notebooks = {  # many reports are made from few
            path: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in {r.job.notebook for r in self.reports}
        }
        content = {
            "plan": self.plan,
            "plan_sha256": self.plan_sha256,
            "began": self.began,
            "ended": self.ended,
            "interrupted": self.interrupted,
            "jobs": self.jobs,
            "host": platform.node(),
            "platform": platform.platform(),
            "versions": versions(),
            "commit": commit(),
            "code_sha256": code(),
            "whole": not self.interrupted and all(r.verdict.whole for r in self.reports),
            "reports": [_entry(r, notebooks[r.job.notebook]) for r in self.reports],
        }
        return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def earlier(out: Path) -> dict[str, Mapping[str, Any]]:
    """Return what the last run that made it told of each report in a folder, by its name.

    What cannot be read is as if it were not there: the report is then made again.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted(out.glob("run*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            told = {str(e["name"]): e for e in content["reports"] if str(e["ended"])}
        except (OSError, ValueError, KeyError, TypeError):
            continue
        for name, entry in told.items():
            if name not in found or str(found[name]["ended"]) < str(entry["ended"]):
                found[name] = entry
    return found


def remembered(job: Job, entry: Mapping[str, Any] | None, out: Path) -> Report | None:
    """Return an earlier report as it was told, if it answers what the plan now asks.

    Its parameters must be those of the job, and its file still the one that was written.
    """
    if entry is None:
        return None
    try:
        if entry["parameters"] != json.loads(json.dumps(dict(job.values))):
            return None
        html = out / f"{job.name}.html" if entry["status"] == "whole" else None
        if html is not None:
            there = hashlib.sha256(html.read_bytes()).hexdigest()
            if there != entry["html_sha256"]:
                return None
        return Report(
            job=job,
            verdict=Verdict(
                status=entry["status"],
                reason=entry["reason"],
                cell=entry["cell"],
                error=entry["error"],
            ),
            title=entry["title"],
            answer=entry["answer"],
            said={k: entry[k] for k in ("study", "as_of", "sources") if entry[k] is not None},
            seconds=entry["seconds"],
            html=html,
            ipynb=out / f"{job.name}.ipynb" if html is not None else None,
            failed=failed if (failed := out / f"{job.name}{FAILED_PAGE}").is_file() else None,
            hashes={"html": entry["html_sha256"]} if html is not None else {},
            inputs={i["file"]: (int(i["size"]), str(i["sha256"])) for i in entry["inputs"]},
            fingerprint=entry["fingerprint"],
            ended=entry["ended"],
            fresh=False,
        )
    except (OSError, KeyError, TypeError, ValueError):
        return None


def now() -> str:
    """Return the time in UTC, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _entry(report: Report, notebook_sha256: str) -> dict[str, Any]:
    """Return one report as run.json tells it."""
    verdict = report.verdict
    return {
        "name": report.job.name,
        "notebook": report.job.notebook.name,
        "notebook_sha256": notebook_sha256,
        "parameters": dict(report.job.values),
        "status": verdict.status,
        "made": "in this run" if report.fresh else "in an earlier run",
        "reason": verdict.public if verdict.status == "refused" else verdict.reason,
        "cell": verdict.cell,
        "error": verdict.error,
        "title": report.title,
        "ended": report.ended,
        "seconds": round(report.seconds, 2),
        "html": report.html.name if report.html else None,
        "html_sha256": report.hashes.get("html"),
        "answer": dict(report.answer),
        "study": report.said.get("study"),
        "as_of": report.said.get("as_of"),
        "sources": report.said.get("sources", []),
        "inputs": [
            {"file": path, "size": size, "sha256": digest}
            for path, (size, digest) in report.inputs.items()
        ],
        "fingerprint": report.fingerprint,
    }
