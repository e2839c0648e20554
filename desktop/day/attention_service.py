"""What waits for a person at this desk: its refused commands and its flags. Implements ``AttentionPort``."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from desktop.day.attention_cards import flag_card, is_shown, refusal_card, waiting_card
from desktop.day.claims import meant_by
from desktop.day.day import Day
from desktop.day.recent import said
from desktop.day.stranded import stranded_card
from desktop.qt.i18n import tr
from desktop.store.desk_store import Store, Wish
from desktop.store.diff import CommandState
from desktop.store.refusals import StoreRefusal
from desktop.widgets.records import AttentionCard, DeskHeader, Outcome, Tone
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Flag
from server_sync.rules import move, reserve, resolve_flag


class AttentionService:
    """``header`` is the Desk's own."""

    def __init__(self, day: Day, store: Store, header: Callable[[], DeskHeader]) -> None:
        self._day = day
        self._store = store
        self.header = header

    def subscribe(self, listener: Callable[[frozenset[UUID]], None]) -> Callable[[], None]:
        """As ``AttentionPort.subscribe``."""
        return self._day.follow(lambda ids: listener(frozenset(UUID(id) for id in ids)))

    def cards(self) -> list[AttentionCard]:
        """As ``AttentionPort.cards``."""
        commands = [command for command in self._day.unresolved() if is_shown(command)]
        cards = [_card(self._day, command) for command in commands]
        cards += [flag_card(self._day, flag) for flag in self._day.open_flags()]
        waiting = waiting_card(self._day)
        return [*cards, *([] if waiting is None else [waiting])]

    async def settle(self, card_id: UUID, fix_id: str, reason: str = "") -> Outcome:
        """As ``AttentionPort.settle``."""
        id = str(card_id)
        command = self._day.commands.get(id)
        if command is not None:
            return await self._settle_command(command, fix_id)
        if self._day.state.get(Flag, id) is None:
            return Outcome(False, tr("This was settled already."), Tone.WARN)
        args = resolve_flag.Args(flag_id=id, resolution=fix_id)
        return _outcome(await self._store.submit(Wish("flag.resolve", args)), tr("Seen"))

    async def _settle_command(self, command: CommandState, fix_id: str) -> Outcome:
        kind, _, slot_id = fix_id.partition(":")
        if kind != "slot":
            done = await self._store.resolve(command.id, "accepted")
            return _outcome(done, tr("Left as it is"))
        wish = self._again(command, slot_id)
        if wish is None:
            return Outcome(False, tr("This is no longer there. Leave it as it is."), Tone.WARN)
        asked = await self._store.submit_all([wish], settling=command.id)
        return _outcome(asked, tr("Asked for the other slot"))

    def _again(self, command: CommandState, slot_id: Id) -> Wish | None:
        """What *command* asked, for another slot, as a new command."""
        about = said(command)
        if command.envelope.kind == "reservation.move" and about.reservation_id is not None:
            meant = meant_by(self._day, about.reservation_id)
            if meant is None:
                return None
            claim = meant[0]
            args = move.Args(reservation_id=claim.id, slot_id=slot_id)
            return Wish("reservation.move", args, {f"slot_reservations/{claim.id}": claim.placement_version})
        if command.envelope.kind == "reservation.reserve":
            people, name = about.participant_ids, about.reserved_name
            again = reserve.Args(slot_id=slot_id, participant_ids=people, group_id=about.group_id, reserved_name=name)
            return Wish("reservation.reserve", again)
        return None


def _card(day: Day, command: CommandState) -> AttentionCard:
    return refusal_card(day, command) if command.stranded is None else stranded_card(day, command)


def _outcome(done: object, words: str) -> Outcome:
    if isinstance(done, StoreRefusal):
        return Outcome(False, done.words, Tone.BAD)
    return Outcome(True, words)
