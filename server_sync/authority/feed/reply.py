"""Replies of the feed: NDJSON, in pieces that can be sent one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from server_sync.protocol.commands import Begin, End, Line

_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Reply:
    """``pieces`` are whole lines each, ``rows`` how many stand between the first and the last (results too)."""

    begin: Begin
    pieces: tuple[bytes, ...]
    end: End

    def __iter__(self) -> Iterator[bytes]:
        yield line(Line(begin=self.begin))
        yield from self.pieces
        yield line(Line(end=self.end))

    def body(self) -> bytes:
        """All of it."""
        return b"".join(self)


class Delta(Reply):
    """What changed since a cursor; ``end.cursor`` is the next one."""

    __slots__ = ()


class Page(Reply):
    """A part of everything; ``end.next_page`` asks for the next one, and is None on the last."""

    __slots__ = ()


def line(said: Line) -> bytes:
    """One line of NDJSON."""
    return _ENCODER.encode(said) + b"\n"
