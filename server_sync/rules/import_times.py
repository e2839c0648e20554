"""Who (or which room) is where and when, while an import is placed: the overlaps that it must waive."""

from __future__ import annotations

import bisect
from collections import defaultdict
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

from server_sync.protocol.ids import Id

MET: Final = "met on import: "
BY_IMPORT: Final = (MET, "so in the file: ")
"""How a reason begins that an import gave for a waiver; those that people gave stay theirs."""

LONGEST_REASON: Final = 500


class Span(NamedTuple):
    """From when to when, and the row that takes the time."""

    start: datetime
    end: datetime
    row: Id


class Timetable:
    """Spans by owner. *Firm* ones never overlap one another (so a search by halves finds them); loose ones may."""

    def __init__(self) -> None:
        self._firm: dict[Id, list[Span]] = defaultdict(list)
        self._loose: dict[Id, list[Span]] = defaultdict(list)

    def add(self, owner: Id, span: Span, firm: bool) -> None:
        """Take the time; *firm* only where ``meets`` found nothing firm in it."""
        if firm:
            bisect.insort(self._firm[owner], span)
        else:
            self._loose[owner].append(span)

    def meets(self, owner: Id, span: Span) -> Span | None:
        """The first span found that overlaps *span* of another row."""
        firm = self._firm[owner]
        at = bisect.bisect_left(firm, span)
        near = firm[max(0, at - 2) : at + 2]
        return next((other for other in (*near, *self._loose[owner]) if _overlap(other, span)), None)


def _overlap(one: Span, other: Span) -> bool:
    return one.row != other.row and one.start < other.end and other.start < one.end


def by_import(reason: str | None) -> bool:
    """Whether an import gave this reason."""
    return reason is not None and reason.startswith(BY_IMPORT)


def in_words(span: Span, title: str, zone: tzinfo) -> str:
    """What takes a span of time, with its local times."""
    start, end = span.start.astimezone(zone), span.end.astimezone(zone)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%d %b %H:%M}"
    return f"“{title}” ({start:%d %b %H:%M} to {until})"
