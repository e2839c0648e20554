"""What the Desk knows and does, apart from how it looks. It talks to the engine through `DeskPort` alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from PySide6.QtCore import QObject, Signal

from desktop.qt.i18n import tr
from desktop.screens.desk.viewmodel.port import DeskPort
from desktop.screens.desk.viewmodel.state import DeskState, Mode, SlotsFor, Verdict
from desktop.widgets.records import CardAction, CodeMatch, Outcome, PersonCard, PersonLine, Tone

__all__ = ["DeskPort", "DeskState", "DeskViewModel", "Mode", "SlotsFor", "Verdict", "Work"]

# What a key has started: the page hands it to the window's tasks, which await it.
Work = Coroutine[Any, Any, None]

MOST_RESULTS = 30
MOST_RECENT = 6


class DeskViewModel(QObject):
    """The Desk's state and actions. `state_changed` is its only signal.

    An action decides at once what it is about and returns the work that is left, to be awaited, or None.
    """

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

    def show(self, person_id: UUID, reservation_id: UUID) -> bool:
        """Take somebody to the card, about exactly that claim; False when they are no longer there."""
        card = self._port.card(person_id, reservation_id)
        if card is None:
            return False
        self._clear_field(card=card, verdict=None)
        self._set(mode=Mode.CARD)
        return True

    def back(self) -> None:
        """Esc: from the slots to where they were opened, from elsewhere to an empty field."""
        if self.state.mode is Mode.SLOTS and self.state.slots_for is not SlotsFor.WALK_IN:
            self._set(mode=Mode.CARD, slots=())
        else:
            self._clear_field(card=None, verdict=None)

    def enter(self) -> Work | None:
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
        elif text and self.state.header.loading:
            words = tr("The day is still being fetched: {name} may be in it.", name=text)
            self.say(Outcome(False, words, Tone.WARN, self.state.header.loading))
        elif text:
            self.open_slots(SlotsFor.WALK_IN)
        return None

    # ---- acting

    def act(self, action: CardAction) -> Work | None:
        """Do what a button of the card says, to the person who is on the card now. PRINT is the page's own business."""
        card = self.state.card
        button = None if card is None else next((b for b in card.buttons if b.action is action), None)
        if card is None or button is None or not button.enabled or self.state.busy:
            return None
        if action is CardAction.MOVE:
            self.open_slots(SlotsFor.MOVE)
        elif action is CardAction.RESERVE:
            self.open_slots(SlotsFor.RESERVE)
        elif action is CardAction.UNDO and card.undo_command is not None:
            return self._do(partial(self._port.undo, card.undo_command), card)
        elif card.claim is not None and action is CardAction.CHECK_IN:
            return self._do(partial(self._port.check_in, card.claim.reservation_id), card)
        elif card.claim is not None and action is CardAction.NO_SHOW:
            return self._do(partial(self._port.no_show, card.claim.reservation_id), card)
        return None

    def tick(self, person_id: UUID, here: bool) -> Work | None:
        """Take one member of a group in, or out again; the card stays."""
        card = self.state.card
        if card is None or card.claim is None or self.state.busy:
            return None
        claim = card.claim.reservation_id
        if here:
            return self._do(partial(self._port.check_in, claim, (person_id,)), card, stay=True)
        return self._do(partial(self._port.undo_member, claim, person_id), card, stay=True)

    def undo(self, command_id: UUID) -> Work:
        """Undo one of the last actions."""
        return self._do(partial(self._port.undo, command_id), None)

    def undo_last(self) -> Work:
        """Undo the newest action (Ctrl+Z, from anywhere), or say that it can't be undone: never an older one instead.

        Which is the newest is read once what was asked before is done, lest the one before it be taken for it.
        """
        return self._do(self._undo_newest, None)

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

    def take_slot(self, row: int) -> Work | None:
        """Move, reserve or walk in to the slot at `row`; one that can't be taken says why."""
        state = self.state
        if state.mode is not Mode.SLOTS or not 0 <= row < len(state.slots) or state.busy:
            return None
        slot, card = state.slots[row], state.card
        if not slot.enabled:
            self.say(Outcome(False, tr("{time} can't be taken: {why}.", time=slot.time, why=slot.note), Tone.WARN))
        elif state.slots_for is SlotsFor.WALK_IN:
            return self._do(partial(self._port.walk_in, state.query.strip(), slot.slot_id), None)
        elif card is not None and state.slots_for is SlotsFor.RESERVE:
            return self._do(partial(self._port.reserve, card.person_id, slot.slot_id), card)
        elif card is not None and card.claim is not None:
            return self._do(partial(self._port.move, card.claim.reservation_id, slot.slot_id), card)
        return None

    # ---- within

    def _scanned(self, match: CodeMatch) -> Work | None:
        """Act on a code: check in at once where nothing speaks against it, else show the card and say why."""
        card = None if match.person_id is None else self._port.card(match.person_id, match.reservation_id)
        if card is None:
            words = match.words or tr("Nobody here has this code.")
            self._clear_field(card=None, verdict=None)
            self.say(Outcome(False, words, Tone.BAD, tr("Scan again, or type the name.")))
            return None
        ready = card.scan_acts and bool(card.buttons) and card.buttons[0].action is CardAction.CHECK_IN
        if ready and card.buttons[0].enabled and card.claim is not None:
            return self._do(partial(self._port.check_in, card.claim.reservation_id), card)
        self._set(query="", results=(), selected=0, card=card, mode=Mode.CARD if card.buttons else Mode.SEARCH)
        words = card.hints[0].words if card.hints else tr("Please look before you check them in.")
        self.say(Outcome(False, words, Tone.WARN))
        return None

    async def _undo_newest(self) -> Outcome:
        newest = next(iter(self._port.recent(1)), None)
        if newest is None:
            return Outcome(False, tr("There is nothing to undo at this desk."), Tone.WARN)
        if not newest.can_undo:
            words = tr("The last action can't be undone by a key: {action}.", action=newest.status.words)
            return Outcome(False, words, Tone.WARN, tr("Find them and move them, or ask the organiser to cancel it."))
        return await self._port.undo(newest.command_id)

    def _do(self, action: Callable[[], Awaitable[Outcome]], card: PersonCard | None, stay: bool = False) -> Work:
        """Return the work of one action. What it is about and what the field held is fixed now, as the key comes."""
        return self._await(action, card, stay, (self.state.query, self.state.mode))

    async def _await(
        self,
        action: Callable[[], Awaitable[Outcome]],
        card: PersonCard | None,
        stay: bool,
        before: tuple[str, Mode],
    ) -> None:
        """Await one action; only then show what it came to. A refusal leaves everything where it was.

        Whoever has begun to type the next name in the meantime keeps what they typed.
        """
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


def _claim_or_none(card: PersonCard) -> UUID | None:
    return card.claim.reservation_id if card.claim is not None else None
