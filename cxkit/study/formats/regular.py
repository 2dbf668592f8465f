"""Text that is regular in every byte, so that a fast reader cannot read it otherwise than a strict.

Fast readers forgive: a quote in the middle of a field, a stray carriage return. Where there is none
of these, and only there, they are asked; whatever else they stumble on, or count otherwise, the
strict reader looks at again and says where it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_QUOTE, _NEWLINE, _RETURN = 34, 10, 13


@dataclass
class Regular:
    """What the pieces of a text were found to be; feed them in order, then ask.

    ``mark`` is the separator, ``marks`` how many stand between fields. Nothing is kept of the text
    but whether there are records of several lines.
    """

    mark: str
    regular: bool = True
    records: int = 0
    inside: bool = False
    before: int = _NEWLINE
    several: bool = False
    marks: int = 0

    def feed(self, piece: bytes) -> None:
        """Look at the next piece; it may end anywhere."""
        if not piece or not self.regular:
            return
        if not self.mark.isascii():  # several bytes, any of which may be part of another letter
            self.regular = False
            return
        text = bytes([self.before]) + piece
        if self.before == _QUOTE and not self.inside and piece[0] not in self._stops:
            self.regular = False
            return
        if b"\0" in piece or (b"\r" in text and not _returns_fit(text)):
            self.regular = False
            return
        if b'"' not in piece and not self.inside:
            self.records += piece.count(b"\n")
            self.marks += piece.count(self.mark.encode())
        else:
            self._quoted(text)
        self.before = text[-1]

    def _quoted(self, text: bytes) -> None:
        """Look at a piece with quotes: each opens a field, closes one, or is one of two."""
        bytes_ = np.frombuffer(text, dtype=np.uint8)
        quotes = np.flatnonzero(bytes_[1:] == _QUOTE) + 1
        lines = np.flatnonzero(bytes_[1:] == _NEWLINE) + 1
        state = np.searchsorted(quotes, lines) + self.inside
        within = state % 2 == 1
        self.several |= bool(within.any())
        self.records += int((~within).sum())
        marks = np.flatnonzero(bytes_[1:] == ord(self.mark)) + 1
        self.marks += int(((np.searchsorted(quotes, marks) + self.inside) % 2 == 0).sum())
        starts = np.array([ord(self.mark), _NEWLINE, _QUOTE], dtype=np.uint8)
        stops = np.array(list(self._stops), dtype=np.uint8)
        opening = (np.arange(len(quotes)) + self.inside) % 2 == 0
        opens, closes = quotes[opening], quotes[~opening]
        fits = np.isin(bytes_[opens - 1], starts).all()
        closes = closes[closes + 1 < len(bytes_)]
        fits &= np.isin(bytes_[closes + 1], stops).all()
        self.regular = bool(fits)
        self.inside = bool((len(quotes) + self.inside) % 2)

    @property
    def _stops(self) -> tuple[int, ...]:
        """Return what may stand behind a closing quote."""
        return (ord(self.mark), _NEWLINE, _RETURN, _QUOTE)

    def end(self) -> None:
        """Say that the text is over."""
        self.regular = self.regular and not self.inside and self.before != _RETURN
        if self.before != _NEWLINE:
            self.records += 1


def _returns_fit(text: bytes) -> bool:
    """Whether every carriage return stands before a newline; the last byte may be one."""
    return text.count(b"\r") == text.count(b"\r\n") + text.endswith(b"\r")
