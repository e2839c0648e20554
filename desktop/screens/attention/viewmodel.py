"""The refusals and flags of this desk, and how each is settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from desktop.qt.i18n import tr
from desktop.widgets.records import AttentionCard, DeskHeader, Fix, Outcome


class AttentionPort(Protocol):
    """What the engine offers Attention. Reading answers at once; `settle` returns when its command is durable."""

    def subscribe(self, listener: Callable[[frozenset[UUID]], None]) -> Callable[[], None]:
        """Call `listener` in the event loop with the ids that changed; returns what ends it."""

    def header(self) -> DeskHeader:
        """The same header as the Desk's; only the clock is shown here."""

    def cards(self) -> list[AttentionCard]:
        """What waits to be settled, gravest and oldest first; at the end the proposals that wait for the network."""

    async def settle(self, card_id: UUID, fix_id: str, reason: str = "") -> Outcome:
        """Do one of a card's fixes. Nothing leaves the list but by this."""


@dataclass(frozen=True, slots=True)
class AttentionState:
    """All that the page shows. `asking` is the card and fix that wait for a reason; `outcome` the last answer."""

    clock: str
    cards: tuple[AttentionCard, ...] = ()
    busy: bool = False
    asking: tuple[UUID, str] | None = None
    outcome: Outcome | None = None


class AttentionViewModel(QObject):
    """The list's state. `state_changed` is its only signal; `settle` is awaited."""

    state_changed = Signal()

    def __init__(self, port: AttentionPort) -> None:
        """Read the list and follow it until `close`."""
        super().__init__()
        self._port = port
        self.state = AttentionState(port.header().clock, tuple(port.cards()))
        self._unsubscribe = port.subscribe(lambda _ids: self._refresh())

    def close(self) -> None:
        """Stop following the engine."""
        self._unsubscribe()

    @property
    def count(self) -> int:
        """How many cards a person has to settle; what only waits for the network does not count."""
        return sum(1 for card in self.state.cards if not card.waiting)

    async def settle(self, card_id: UUID, fix: Fix, reason: str | None = None) -> None:
        """Do `fix`; one that needs a reason first asks for it (state.asking), and is then called with the reason."""
        if self.state.busy:
            return
        if fix.needs_reason and reason is None:
            self._set(asking=(card_id, fix.fix_id), outcome=None)
            return
        if fix.needs_reason and not (reason or "").strip():
            self._set(outcome=Outcome(False, tr("Say why, in a few words: the reason is kept with the override.")))
            return
        self._set(busy=True, outcome=None)
        try:
            outcome = await self._port.settle(card_id, fix.fix_id, (reason or "").strip())
        finally:
            self._set(busy=False)
        self._set(outcome=outcome, asking=None if outcome.ok else self.state.asking)
        self._refresh()

    def stop_asking(self) -> None:
        """Esc: leave the card as it was."""
        self._set(asking=None, outcome=None)

    def _refresh(self) -> None:
        self._set(clock=self._port.header().clock, cards=tuple(self._port.cards()))

    def _set(self, **changes: object) -> None:
        before = self.state
        self.state = replace(before, **changes)  # type: ignore[arg-type]  # the names are AttentionState's own fields
        if self.state != before:
            self.state_changed.emit()
