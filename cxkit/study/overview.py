"""What a study says of itself."""

from __future__ import annotations


def overview(study):
    return ()


def as_text(study):
    return f"Study {study.name}: " + ", ".join(f"{t} {len(study.frames[t])}" for t in study.tables)


def as_html(study):
    return "<p>" + as_text(study) + "</p>"
