"""Which slots the list shows, apart from how it looks. It follows the engine while it is open."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from desktop.qt.i18n import tr
from desktop.widgets.records import SlotLine


class SlotsPort(Protocol):
    """What the engine offers the list; a part of what it offers the Desk. Both answer at once, from memory."""

    def subscribe(self, listener: Callable[[frozenset[UUID]], None]) -> Callable[[], None]:
        """Call `listener` in the event loop with the ids that changed (empty: anything); returns what ends it."""

    def free_slots(self, person_id: UUID | None, reservation_id: UUID | None) -> list[SlotLine]:
        """Slots to move that claim to, or to put that person or a walk-in (None) in; nearest first."""


class SlotsViewModel(QObject):
    """The slots for one person, group or claim. `state_changed` is its only signal."""

    state_changed = Signal()

    def __init__(self, port: SlotsPort, person_id: UUID | None = None, reservation_id: UUID | None = None) -> None:
        """Read the slots from `port` and follow its changes until `close`."""
        super().__init__()
        self._port = port
        self._person_id = person_id
        self._reservation_id = reservation_id
        self.lines: tuple[SlotLine, ...] = ()
        self._unsubscribe = port.subscribe(self._port_changed)
        self._read()

    def close(self) -> None:
        """Stop following the engine."""
        self._unsubscribe()

    def find(self, text: str) -> list[SlotLine]:
        """The slots whose time, event, room or note holds every word of `text`; nearest first, as they are."""
        words = _folded(text).split()
        return [line for line in self.lines if all(word in _all_of(line) for word in words)]

    def why_not(self, line: SlotLine) -> str:
        """Why a slot can't be taken, in words; empty when it can."""
        if line.enabled:
            return ""
        return tr("{time} in {place} can't be taken: {why}.", time=line.time, place=line.place, why=line.note)

    def _port_changed(self, ids: frozenset[UUID]) -> None:
        self._read()

    def _read(self) -> None:
        lines = tuple(self._port.free_slots(self._person_id, self._reservation_id))
        if lines != self.lines:
            self.lines = lines
            self.state_changed.emit()


def _all_of(line: SlotLine) -> str:
    return _folded(f"{line.time} {line.title} {line.place} {line.note}")


def _folded(text: str) -> str:
    """Lower case without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))
