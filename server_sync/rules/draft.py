"""What a command works on: the state as it would be after the steps taken so far.

A command that does several things (a swap, a cancellation that promotes somebody, the closing of a room) is nothing but
steps on one draft; each sees what the ones before it did, counts included. Nothing beneath is touched.
"""

from __future__ import annotations

from typing import Any

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Record
from server_sync.rules.state import Changes, Index, R, State


class Draft(State):
    """A state over another one. ``puts`` is every row written so far, in order."""

    def __init__(self, base: State) -> None:
        super().__init__()
        self.now = base.now
        self.tentative = base.tentative
        self.base = base
        self.puts: list[Record] = []
        self.moments = 1  # so many microseconds it takes, so that what it puts in line has an order

    def get(self, record: type[R], id: Id | None) -> R | None:
        """As ``State.get``."""
        own: R | None = self.rows[record].get(id) if id is not None else None
        return own if own is not None else self.base.get(record, id)

    def known(self, record: type[R], id: Id) -> R | None:
        """As ``State.known``."""
        own: R | None = self.rows[record].get(id)
        return own if own is not None else self.base.known(record, id)

    def find(self, index: Index, key: str) -> list[Any]:
        """As ``State.find``."""
        beneath = self.base.find(index, key)
        own = self.rows[index.record]
        if not own:
            return beneath
        mine = self.found[index].get(key, {}).values()
        return sorted([*mine, *(row for row in beneath if row.id not in own)], key=lambda row: row.id)

    def write(self, *rows: Record) -> None:
        """Take a step: put *rows*, and let the counts follow."""
        self.puts += rows
        self.apply(rows)

    def changes(self, answer: dict[str, Any]) -> Changes:
        """What all steps together did."""
        return Changes(self.puts, answer, moments=self.moments)
