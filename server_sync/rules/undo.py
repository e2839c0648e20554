"""``attendance.undo``: say that what an earlier command recorded does not stand. Names that command.

What that command surprised nobody needs to look at any more: its flag is settled with it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import structs

from server_sync.protocol.errors import NOTHING_TO_UNDO, Refusal
from server_sync.protocol.ids import GivenId, Id, derived_id
from server_sync.protocol.records import Attendance, Flag, Record, SlotReservation
from server_sync.rules.attendance import that_stand
from server_sync.rules.command import Command, Rule
from server_sync.rules.state import FACTS, FACTS_OF_COMMAND, Changes, Keys, State


class Args(msgspec.Struct, frozen=True, kw_only=True):
    """The command whose facts are undone."""

    command_id: GivenId


def needs(command: Command[Args], loaded: State) -> Keys:
    """The facts of that command, and the claims they are about with all of theirs."""
    keys = Keys(lock={(Flag, _flag_of(command))})
    keys.find.add((FACTS_OF_COMMAND, command.args.command_id))
    for fact in loaded.find(FACTS_OF_COMMAND, command.args.command_id):
        keys.lock.add((SlotReservation, fact.reservation_id))
        keys.find.add((FACTS, fact.reservation_id))
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """An ``undone`` fact for each fact of the command that still stands, its claim gone or not."""
    said: list[Attendance] = state.find(FACTS_OF_COMMAND, command.args.command_id)
    puts: list[Record] = []
    touched: list[Id] = []
    for id in dict.fromkeys(fact.reservation_id for fact in said if fact.programme_id == command.programme_id):
        facts = that_stand(state.find(FACTS, id))
        undone = [_undone(command, fact, now) for fact in facts if fact.command_id == command.args.command_id]
        if undone:
            claim = state.get(SlotReservation, id)
            there = [] if claim is None or claim.deleted else [structs.replace(claim, version=claim.version + 1)]
            puts += [*there, *undone]
            touched.append(id)
    if not puts:
        return Refusal(NOTHING_TO_UNDO, {"command_id": command.args.command_id})
    flag = state.get(Flag, _flag_of(command))
    if flag is not None and flag.programme_id == command.programme_id and flag.resolved_at is None:
        at = command.happened(now)
        puts.append(structs.replace(flag, resolved_at=at, resolved_by=command.actor, resolution="undone"))
    return Changes(puts, {"command_id": command.args.command_id, "reservation_ids": sorted(touched)})


def _flag_of(command: Command[Args]) -> Id:
    """The id of the flag that the command raised, if it raised one (see attend.py)."""
    return derived_id(command.args.command_id, "flag")


def _undone(command: Command[Args], fact: Attendance, now: datetime) -> Attendance:
    return Attendance(
        id=command.derive(fact.id),
        programme_id=fact.programme_id,
        reservation_id=fact.reservation_id,
        kind="undone",
        occurred_at=command.happened(now),
        command_id=command.id,
        actor=command.actor,
        participant_id=fact.participant_id,
        device_id=command.device_id,
        undoes=fact.command_id,
    )


RULE = Rule("attendance.undo", Args, "volunteer", needs, decide, fact=True)
