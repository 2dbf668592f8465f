"""The engine's imports, without what no notebook uses: a second at every start."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Each is asked for in a ``try``, and gone without where it is not installed: two grammars that
#: jsonschema compiles for addresses and durations, which no notebook's schema holds, and the
#: library through which papermill would reach Hadoop.
_NEVER_USED = ("rfc3987_syntax", "isoduration", "pyarrow")


@contextlib.contextmanager
def lean() -> Iterator[None]:
    """Import within as if these were not installed; what is loaded already stays."""
    hidden = [name for name in _NEVER_USED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: not to be found
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
