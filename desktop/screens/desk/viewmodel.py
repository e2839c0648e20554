"""What the Desk knows and does, apart from how it looks. It talks to the engine through `DeskPort` alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from desktop.qt.i18n import tr
from desktop.widgets.records import (
    CardAction,
    CodeMatch,
    DeskHeader,
    Outcome,
    PersonCard,
    PersonLine,
    RecentAction,
    SlotLine,
    Tone,
)

MOST_RESULTS = 30
MOST_RECENT = 6


class DeskPort(Protocol):
    """What the engine offers the Desk.

    The reading methods answer at once, from memory. The async ones return only when the command is durable in the
    outbox (`ok`), or was refused here (`ok` False, with words that say what to do); they raise only for a bug.
    """

    def subscribe(self, listener: Callable[[frozenset[UUID]], None]) -> Callable[[], None]:
        """Call `listener` in the event loop with the ids that changed (empty: anything); returns what ends it."""

    def header(self) -> DeskHeader:
        """The desk's name, the day, how many are here, and the programme's clock."""

    def search(self, text: str, limit: int) -> list[PersonLine]:
        """The best matches for `text`, best first, at most `limit`; every keystroke asks."""

    def card(self, person_id: UUID, reservation_id: UUID | None = None) -> PersonCard | None:
        """The card of a person or group, about `reservation_id` or else the nearest claim; None when unknown."""

    def find_code(self, text: str) -> CodeMatch | None:
        """What a code means; None when `text` is no code at all but a name."""

    def recent(self, limit: int) -> list[RecentAction]:
        """The last actions of this desk, newest first."""

    def free_slots(self, person_id: UUID | None, reservation_id: UUID | None) -> list[SlotLine]:
        """Slots to move that claim to, or to put that person or a walk-in (None) in; nearest first."""

    async def check_in(self, reservation_id: UUID, members: tuple[UUID, ...] | None = None) -> Outcome:
        """Record that they arrived: all who are not here yet, or only `members`."""

    async def no_show(self, reservation_id: UUID) -> Outcome:
        """Record that they did not show."""

    async def undo(self, command_id: UUID) -> Outcome:
        """Undo what that command did."""

    async def undo_member(self, reservation_id: UUID, person_id: UUID) -> Outcome:
        """Undo the arrival of one member of a group."""

    async def move(self, reservation_id: UUID, slot_id: UUID) -> Outcome:
        """Move the claim to another slot."""

    async def reserve(self, person_id: UUID, slot_id: UUID) -> Outcome:
        """Reserve a place for a known person or group."""

    async def walk_in(self, name: str, slot_id: UUID) -> Outcome:
        """Reserve a place for somebody who is only known by name, and record that they arrived."""


class Mode(StrEnum):
    """Which part of the screen has the keys."""

    SEARCH = "search"
    CARD = "card"
    SLOTS = "slots"


class SlotsFor(StrEnum):
    """Why a slot is being chosen."""

    MOVE = "move"
    RESERVE = "reserve"
    WALK_IN = "walk_in"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last action came to. `serial` grows with each, so that a page shows and sounds it once."""

    serial: int
    tone: Tone
    words: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DeskState:
    """All that the page shows. `selected` and `slot_at` are indices; `card` is a preview while mode is SEARCH."""

    header: DeskHeader
    query: str = ""
    mode: Mode = Mode.SEARCH
    results: tuple[PersonLine, ...] = ()
    selected: int = 0
    card: PersonCard | None = None
    slots: tuple[SlotLine, ...] = ()
    slot_at: int = 0
    slots_for: SlotsFor = SlotsFor.MOVE
    busy: bool = False
    verdict: Verdict | None = None
    recent: tuple[RecentAction, ...] = ()


class DeskViewModel(QObject):
    """The Desk's state and actions. `state_changed` is its only signal; actions are awaited."""

    state_changed = Signal()

    def __init__(self, port: DeskPort) -> None:
        """Read the first state from `port` and follow its changes until `close`."""
        super().__init__()
        self._port = port
        self._serial = 0
        self._one_at_a_time = asyncio.Lock()
        self.state = DeskState(header=port.header(), recent=tuple(port.recent(MOST_RECENT)))
        self._unsubscribe = port.subscribe(self._port_changed)

    def close(self) -> None:
        """Stop following the engine."""
        self._unsubscribe()

    # ---- finding

    def type_text(self, text: str) -> None:
        """Search for what the field holds now; the first match is previewed as a card."""
        if text == self.state.query and self.state.mode is Mode.SEARCH:
            return
        results = self._search(text)
        card = self._card_of(results[0]) if results else None
        self._set(query=text, mode=Mode.SEARCH, results=results, selected=0, card=card, verdict=None, slots=())

    def select(self, row: int) -> None:
        """Preview another match; `row` is held within the list."""
        results = self.state.results
        if not results:
            return
        row = min(len(results) - 1, max(0, row))
        self._set(selected=row, card=self._card_of(results[row]), mode=Mode.SEARCH)

    def take(self, row: int | None = None) -> None:
        """Take the selected match, or the one at `row`, to the card."""
        if row is not None:
            self.select(row)
        if self.state.card is not None and self.state.results:
            self._set(mode=Mode.CARD, verdict=None)

    def back(self) -> None:
        """Esc: from the slots to where they were opened, from elsewhere to an empty field."""
        if self.state.mode is Mode.SLOTS and self.state.slots_for is not SlotsFor.WALK_IN:
            self._set(mode=Mode.CARD, slots=())
        else:
            self._clear_field(card=None, verdict=None)

    def enter(self) -> Coroutine[Any, Any, None] | None:
        """Enter in the field: a code acts at once, a name goes to its card, an unknown name becomes a walk-in.

        What the field holds is read now, and a code leaves it now, because the next scan may begin before the disk has
        answered. What is left to do is returned, to be awaited; None when nothing is.
        """
        text = self.state.query.strip()
        match = self._port.find_code(text) if text else None
        if match is not None:
            self._clear_field(card=self.state.card, verdict=self.state.verdict)
            return self._scanned(match)
        if self.state.results:
            self.take()
        elif text:
            self.open_slots(SlotsFor.WALK_IN)
        return None

    # ---- acting

    async def act(self, action: CardAction) -> None:
        """Do what a button of the card says. PRINT is the page's own business."""
        card = self.state.card
        button = None if card is None else next((b for b in card.buttons if b.action is action), None)
        if card is None or button is None or not button.enabled or self.state.busy:
            return
        if action is CardAction.MOVE:
            self.open_slots(SlotsFor.MOVE)
        elif action is CardAction.RESERVE:
            self.open_slots(SlotsFor.RESERVE)
        elif action is CardAction.UNDO and card.undo_command is not None:
            await self._do(lambda: self._port.undo(_given(card.undo_command)), card)
        elif card.claim is not None and action is CardAction.CHECK_IN:
            await self._do(lambda: self._port.check_in(_claim(card)), card)
        elif card.claim is not None and action is CardAction.NO_SHOW:
            await self._do(lambda: self._port.no_show(_claim(card)), card)

    async def tick(self, person_id: UUID, here: bool) -> None:
        """Take one member of a group in, or out again; the card stays."""
        card = self.state.card
        if card is None or card.claim is None or self.state.busy:
            return
        if here:
            await self._do(lambda: self._port.check_in(_claim(card), (person_id,)), card, stay=True)
        else:
            await self._do(lambda: self._port.undo_member(_claim(card), person_id), card, stay=True)

    async def undo(self, command_id: UUID) -> None:
        """Undo one of the last actions."""
        await self._do(lambda: self._port.undo(command_id), None)

    async def undo_last(self) -> None:
        """Undo the newest action that can be undone (Ctrl+Z, from anywhere)."""
        last = next((action for action in self._port.recent(MOST_RECENT) if action.can_undo), None)
        if last is None:
            self.say(Outcome(False, tr("There is nothing to undo at this desk."), Tone.WARN))
        else:
            await self.undo(last.command_id)

    # ---- slots

    def open_slots(self, purpose: SlotsFor) -> None:
        """List the slots to choose from for a move, a reservation or a walk-in."""
        card = self.state.card
        if purpose is SlotsFor.WALK_IN:
            slots = self._port.free_slots(None, None)
        elif card is None:
            return
        else:
            claim = card.claim.reservation_id if card.claim is not None and purpose is SlotsFor.MOVE else None
            slots = self._port.free_slots(card.person_id, claim)
        first = next((at for at, slot in enumerate(slots) if slot.enabled), 0)
        self._set(mode=Mode.SLOTS, slots=tuple(slots), slot_at=first, slots_for=purpose, verdict=None)

    def select_slot(self, row: int) -> None:
        """Move the cursor in the list of slots."""
        if self.state.slots:
            self._set(slot_at=min(len(self.state.slots) - 1, max(0, row)))

    async def take_slot(self, row: int) -> None:
        """Move, reserve or walk in to the slot at `row`; one that can't be taken says why."""
        state = self.state
        if state.mode is not Mode.SLOTS or not 0 <= row < len(state.slots) or state.busy:
            return
        slot, card = state.slots[row], state.card
        if not slot.enabled:
            self.say(Outcome(False, tr("{time} can't be taken: {why}.", time=slot.time, why=slot.note), Tone.WARN))
        elif state.slots_for is SlotsFor.WALK_IN:
            name = state.query.strip()
            await self._do(lambda: self._port.walk_in(name, slot.slot_id), None)
        elif card is None:
            return
        elif state.slots_for is SlotsFor.MOVE:
            await self._do(lambda: self._port.move(_claim(card), slot.slot_id), card)
        else:
            await self._do(lambda: self._port.reserve(card.person_id, slot.slot_id), card)

    # ---- within

    async def _scanned(self, match: CodeMatch) -> None:
        """Act on a code: check in at once where nothing speaks against it, else show the card and say why."""
        card = None if match.person_id is None else self._port.card(match.person_id, match.reservation_id)
        if card is None:
            words = match.words or tr("Nobody here has this code.")
            self._clear_field(card=None, verdict=None)
            self.say(Outcome(False, words, Tone.BAD, tr("Scan again, or type the name.")))
            return
        ready = card.scan_acts and bool(card.buttons) and card.buttons[0].action is CardAction.CHECK_IN
        if ready and card.buttons[0].enabled and card.claim is not None:
            await self._do(lambda: self._port.check_in(_claim(card)), card)
            return
        self._set(query="", results=(), selected=0, card=card, mode=Mode.CARD if card.buttons else Mode.SEARCH)
        words = card.hints[0].words if card.hints else tr("Please look before you check them in.")
        self.say(Outcome(False, words, Tone.WARN))

    async def _do(self, action: Callable[[], Awaitable[Outcome]], card: PersonCard | None, stay: bool = False) -> None:
        """Await one action; only then show what it came to. A refusal leaves everything where it was.

        Whoever has begun to type the next name in the meantime keeps what they typed.
        """
        before = (self.state.query, self.state.mode)
        async with self._one_at_a_time:
            self._set(busy=True)
            try:
                outcome = await action()
            finally:
                self._set(busy=False)
        if outcome.ok and not stay and (self.state.query, self.state.mode) == before:
            shown = None if card is None else self._port.card(card.person_id, _claim_or_none(card))
            self._clear_field(card=shown, verdict=None)
        self._refresh()
        self.say(outcome)

    def say(self, outcome: Outcome) -> None:
        """Show what something came to, as the newest verdict."""
        self._serial += 1
        self._set(verdict=Verdict(self._serial, outcome.tone, outcome.words, outcome.detail))

    def _clear_field(self, card: PersonCard | None, verdict: Verdict | None) -> None:
        self._set(query="", mode=Mode.SEARCH, results=(), selected=0, card=card, slots=(), verdict=verdict)

    def _search(self, text: str) -> tuple[PersonLine, ...]:
        return tuple(self._port.search(text, MOST_RESULTS)) if text.strip() else ()

    def _card_of(self, line: PersonLine) -> PersonCard | None:
        return self._port.card(line.person_id)

    def _port_changed(self, ids: frozenset[UUID]) -> None:
        self._refresh()

    def _refresh(self) -> None:
        """Read again what is shown. The selection stays on the same person where they are still found."""
        state = self.state
        results = self._search(state.query)
        chosen = state.results[state.selected].person_id if state.results else None
        selected = next((at for at, line in enumerate(results) if line.person_id == chosen), 0)
        card = state.card
        if card is not None:
            card = self._port.card(card.person_id, _claim_or_none(card))
        recent = tuple(self._port.recent(MOST_RECENT))
        self._set(header=self._port.header(), results=results, selected=selected, card=card, recent=recent)

    def _set(self, **changes: object) -> None:
        before = self.state
        self.state = replace(before, **changes)  # type: ignore[arg-type]  # the names are DeskState's own fields
        if self.state != before:
            self.state_changed.emit()


def _given(value: UUID | None) -> UUID:
    assert value is not None
    return value


def _claim(card: PersonCard) -> UUID:
    assert card.claim is not None
    return card.claim.reservation_id


def _claim_or_none(card: PersonCard) -> UUID | None:
    return card.claim.reservation_id if card.claim is not None else None
