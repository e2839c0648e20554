"""The last actions of this desk, as chips."""

from __future__ import annotations

from uuid import UUID

import msgspec

from desktop.day.claims import name_of, participant_name
from desktop.day.day import Day
from desktop.day.status import clock
from desktop.qt.i18n import tr
from desktop.store.diff import CommandState
from desktop.widgets.records import RecentAction, StatusKind, StatusWord
from server_sync.protocol.ids import Id
from server_sync.protocol.records import SlotReservation
from server_sync.rules.attend import KINDS
from server_sync.rules.attendance import that_stand
from server_sync.rules.state import FACTS, FACTS_OF_COMMAND


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments that desks' commands share, as far as words need them."""

    reservation_id: Id | None = None
    slot_id: Id | None = None
    participant_ids: list[Id] = []
    group_id: Id | None = None
    reserved_name: str | None = None
    command_id: Id | None = None
    flag_id: Id | None = None


def said(command: CommandState) -> Said:
    """What *command* is about."""
    try:
        return msgspec.json.decode(command.envelope.args, type=Said)
    except msgspec.MsgspecError:
        return Said()


_LOOK = {
    "attendance.arrive": StatusKind.HERE,
    "attendance.perform": StatusKind.DONE,
    "attendance.no_show": StatusKind.NO_SHOW,
    "reservation.move": StatusKind.EXPECTED,
    "reservation.reserve": StatusKind.EXPECTED,
    "reservation.cancel": StatusKind.CANCELLED,
}


def recent_actions(day: Day, limit: int) -> list[RecentAction]:
    """The newest first; what was undone or refused is not among them."""
    found: list[RecentAction] = []
    for command in day.own_commands():
        if len(found) >= limit:
            break
        kind = _LOOK.get(command.envelope.kind)
        if kind is None or command.status in ("rejected", "failed", "stranded"):
            continue
        is_fact = command.envelope.kind in KINDS
        if is_fact and not _stands(day, command.id):
            continue
        words = tr("{name} {time}", name=_name(day, command), time=clock(command.queued_at, day.zone))
        found.append(RecentAction(UUID(command.id), StatusWord(kind, words, command.status == "queued"), is_fact))
    return found


def _stands(day: Day, command_id: Id) -> bool:
    facts = day.state.find(FACTS_OF_COMMAND, command_id)
    return any(
        fact.command_id == command_id
        for claim_id in {fact.reservation_id for fact in facts}
        for fact in that_stand(day.state.find(FACTS, claim_id))
    )


def _name(day: Day, command: CommandState) -> str:
    about = said(command)
    claim = day.state.get(SlotReservation, about.reservation_id or command.id)
    if len(about.participant_ids) == 1:
        return participant_name(day, about.participant_ids[0])
    if claim is not None:
        name = name_of(day, claim)
        return tr("{name}, {count}", name=name, count=len(about.participant_ids)) if about.participant_ids else name
    return about.reserved_name or tr("Somebody")
