"""No secret leaves in a file: the environment's secrets are searched for in all that is written."""

from __future__ import annotations

import base64
import json
import os
import re
import urllib.parse
from typing import TYPE_CHECKING

from cxkit.errors import ReportError
from cxkit.markup import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How a variable, or a parameter, that holds a secret is called.
NAME = re.compile(r"passw|pwd|secret|token|credential|(^|_)(api_?)?key$", re.IGNORECASE)
#: Where the shell is, and was.
_FOLDERS = {"PWD", "OLDPWD"}
_IN_ADDRESS = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
#: A shorter value stands in a page by chance; nothing worth keeping is that short.
_SHORTEST = 8


def check(contents: Mapping[str, bytes]) -> None:
    """Refuse files of which one holds a secret.

    A secret is the value of an environment variable that is named like one (``DB_PASSWORD``,
    ``API_KEY``), or the password inside an address that a variable holds. It is found as it is,
    and escaped for HTML, JSON or an address, or coded inside a picture or a file of the page.

    Parameters
    ----------
    contents
        The bytes of each file, by its name.

    Raises
    ------
    ReportError
        Names the file and the variable, never the value.
    """
    for name, content in contents.items():
        held = [variable for variable, forms in _known() if any(f in content for f in forms)]
        if held:
            raise ReportError(
                f"{name} was not written, for it would hold the value of the environment variable "
                f"{' and '.join(held)}. Find the cell that prints it, and take it out"
            )


def masked(content: bytes) -> bytes:
    """Return ``content`` with the name of the variable where the value of a secret stood."""
    for variable, forms in _known():
        for form in forms:
            content = content.replace(form, f"[{variable}]".encode())
    return content


def _known() -> list[tuple[str, list[bytes]]]:
    """Return each secret's variable, with every form its value may have; the longest first."""
    found = []
    for variable, value in sorted(os.environ.items()):
        values = _IN_ADDRESS.findall(value)
        values += [value] if NAME.search(variable) and variable not in _FOLDERS else []
        forms = {f for v in values if len(v.strip()) >= _SHORTEST for f in _forms(v.strip())}
        if forms:
            found.append((variable, sorted(forms, key=lambda f: (-len(f), f))))
    return found


def _forms(value: str) -> set[bytes]:
    """Return the bytes by which a value can be recognised."""
    plain = value.encode("utf-8", "surrogateescape")
    quoted = urllib.parse.quote(plain, safe="").encode("ascii")
    escaped = {escape(value), escape(value).replace("&quot;", '"').replace("&#x27;", "'")}
    spelled = {
        json.dumps(t, ensure_ascii=a)[1:-1] for t in (value, *escaped) for a in (True, False)
    }
    written = {text.encode("utf-8", "surrogateescape") for text in escaped | spelled}
    coded = set()
    for shift in range(3):  # base64 looks different by where in three bytes the value begins
        text = base64.b64encode(b"\0" * shift + plain)
        coded.add(text[-(-shift * 8 // 6) : (shift + len(plain)) * 8 // 6])
    return {plain, quoted} | written | coded
