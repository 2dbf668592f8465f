"""Only inert HTML reaches a page: what is not listed is dropped, and the page is checked."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What :mod:`cxkit.markup`, :mod:`cxkit.results`, pandas and Markdown emit; nothing that acts.
_LISTED = """
    a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure
    h1 h2 h3 h4 h5 h6 hr i img li ol p pre q s section small span strong sub summary sup table tbody
    td tfoot th thead tr u ul
"""
TAGS = frozenset(_LISTED.split())
#: Their attributes; ``style``, ``id`` (but a heading's own) and every ``on...`` are not among them.
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"class", "role", "tabindex", "aria-label", "title", "lang"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "details": {"open"},
    "col": {"span"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
}
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_TABLE = re.compile(r"data:text/csv;charset=utf-8;base64,[A-Za-z0-9+/=]*\Z")
_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*\Z")
#: As nh3 writes it: a quote inside an attribute is escaped, so ``src="`` is always the real one.
_PICTURE = re.compile(r'<img(?:"[^"]*"|[^">])*>')
_ACTIVE = """
    script iframe frame object embed form link base applet portal audio video source track svg math
    template input button textarea select
"""
_ADDRESSES = """
    src href srcset action formaction poster data background ping cite manifest xlink:href
"""
_ADDRESS = re.compile(r"(url|image-set)\s*\(|@import|expression\s*\(", re.IGNORECASE)


def clean(html: str, *, headings: bool = False) -> str:
    """Return the part of ``html`` that can only be read.

    Parameters
    ----------
    html
        From a notebook's output, or from its rendered Markdown.
    headings
        Keep the ``id`` of headings, for the contents; for the author's prose only.

    Returns
    -------
    str
        Well-formed HTML without script, style, event handler, form or frame. A link keeps its
        target only within the page, an image only if the page itself holds it.

    Examples
    --------
    >>> clean('<b onclick="x()">bold</b><script>run()</script><img src="http://a.b/c.png">')
    '<b>bold</b>'
    """
    import nh3

    attributes = {tag: set(names) for tag, names in ATTRIBUTES.items()}
    if headings:
        attributes |= {tag: {"id"} for tag in _HEADINGS}
    inert = nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags={"script", "style"},
        attributes=attributes,
        attribute_filter=_kept,
        url_schemes={"data"},
        link_rel=None,
    )
    return _PICTURE.sub(lambda found: found[0] if ' src="' in found[0] else "", inert)


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """Return the value of an attribute, or None to drop it."""
    if tag == "a" and attribute == "href":
        return value if value.startswith("#") else None
    if tag == "img" and attribute == "src":
        return value if _IMAGE.match(value) else None
    if attribute == "tabindex":
        return value if value == "0" else None
    return value


def faults(page: str, *, script: str = "") -> list[str]:
    """Say what in a finished page would run, fetch or lead elsewhere; nothing, if all is well.

    Parameters
    ----------
    page
        The HTML.
    script
        The one script that the page may hold, letter by letter; none unless said.

    Returns
    -------
    list of str
        One line per fault.

    Examples
    --------
    >>> faults('<p onclick="x()">a</p><img src="//a.b/c.png">')
    ['an attribute onclick on p', 'an address in src of img']
    """
    reader = _Reader(script)
    reader.feed(page)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    """Read a page the way a browser would and note everything that is not inert."""

    def __init__(self, script: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._in_style = False
        self._script = script
        self._running: list[str] | None = None  # what the script says that is being read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element or attribute that acts."""
        self._in_style = tag == "style"
        if tag == "script" and self._script and not attrs:
            self._running = []
        elif tag in _ACTIVE.split():
            self.found.append(f"an element {tag}")
        given = dict(attrs)
        if tag == "meta" and (given.get("http-equiv") or "").lower() == "refresh":
            self.found.append("a meta refresh")
        for name, value in attrs:
            text = value or ""
            if name.startswith("on"):
                self.found.append(f"an attribute {name} on {tag}")
            elif name == "style" and _ADDRESS.search(text):
                self.found.append(f"an address in style of {tag}")
            elif name in _ADDRESSES.split() and not self._inside(tag, name, given):
                self.found.append(f"an address in {name} of {tag}")

    def handle_endtag(self, tag: str) -> None:
        """Leave a style sheet or a script."""
        self._in_style = self._in_style and tag != "style"
        if tag == "script" and self._running is not None:
            if "".join(self._running) != self._script:
                self.found.append("a script that is not the kit's")
            self._running = None

    def close(self) -> None:
        """Note a script that never ends."""
        super().close()
        if self._running is not None:
            self.found.append("a script that is not the kit's")

    def handle_data(self, data: str) -> None:
        """Note a style sheet that fetches; keep what a script says."""
        if self._running is not None:
            self._running.append(data)
        if self._in_style and _ADDRESS.search(data):
            self.found.append("an address in a style sheet")

    @staticmethod
    def _inside(tag: str, name: str, given: Mapping[str, str | None]) -> bool:
        """Whether an address stays within the page, or leads to a report beside it."""
        value = given[name] or ""
        if tag == "img" and name == "src":
            return bool(_IMAGE.match(value))
        if tag == "a" and name == "href" and given.get("download"):
            return bool(_TABLE.match(value))
        return tag == "a" and bool(re.fullmatch(r"#.*|[A-Za-z0-9][\w.-]*\.html", value))
