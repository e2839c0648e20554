"""``attendance.arrive``, ``.perform`` and ``.no_show``: what happened in the world, recorded whatever it surprises.

One file for three kinds, because they differ in one word: each appends a fact for every member it names, and raises a
flag for whoever said it where the claim is not what they saw.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import structs

from server_sync.protocol.errors import INVALID, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Attendance, FactKind, Flag, SlotReservation
from server_sync.rules.attendance import Standing, standing
from server_sync.rules.command import Command, Rule
from server_sync.rules.reservations import members, needs_reservation, reservation, seen_placement
from server_sync.rules.state import FACTS, Changes, Keys, State


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose fact: the members named, or all of the claim."""

    reservation_id: GivenId
    participant_ids: Annotated[list[GivenId], msgspec.Meta(max_length=1000)] = []


KINDS: dict[str, FactKind] = {
    "attendance.arrive": "arrived",
    "attendance.perform": "performed",
    "attendance.no_show": "no_show",
}


def needs(command: Command[Args], loaded: State) -> Keys:
    """The claim, locked so that facts about it queue, its members and its facts."""
    keys = Keys()
    needs_reservation(keys, loaded, command.args.reservation_id)
    keys.find.add((FACTS, command.args.reservation_id))
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """A fact a member, the claim's new version, and a flag if something about it surprises."""
    claim = reservation(state, command, command.args.reservation_id)
    if isinstance(claim, Refusal):
        return claim
    people = _people(state, command.args)
    if isinstance(people, Refusal):
        return people
    kind, at = KINDS[command.kind], command.happened(now)
    facts = [
        Attendance(
            id=command.derive(person or claim.id),
            programme_id=claim.programme_id,
            reservation_id=claim.id,
            kind=kind,
            occurred_at=at,
            command_id=command.id,
            actor=command.actor,
            participant_id=person,
            device_id=command.device_id,
        )
        for person in people
    ]
    seen = standing(state.find(FACTS, claim.id))
    flag = _surprise(command, claim, kind, [seen.get(person, Standing()) for person in people], at, now)
    touched = structs.replace(claim, version=claim.version + 1)
    puts = [touched, *facts, *([flag] if flag is not None else [])]
    return Changes(puts, {"reservation_id": claim.id, "kind": kind, "occurred_at": at, "members": len(facts)})


def _people(state: State, args: Args) -> list[Id] | list[None] | Refusal:
    party = [member.participant_id for member in members(state, args.reservation_id)]
    strangers = [person for person in args.participant_ids if person not in party]
    if strangers:
        return Refusal(INVALID, {"problem": "not in this reservation", "participant_ids": strangers})
    people = list(dict.fromkeys(args.participant_ids)) or party
    return people if people else [None]


def _surprise(
    command: Command[Args], claim: SlotReservation, kind: FactKind, before: list[Standing], at: datetime, now: datetime
) -> Flag | None:
    """The flag for whoever said it, most important reason first."""
    details: dict[str, Any] = {"kind": kind, "occurred_at": at, "slot_id": claim.slot_id}
    earlier = next((fact for member in before if (fact := _same(member, kind)) is not None), None)
    placement = seen_placement(command, claim)
    if claim.claim != "reserved":
        reason = f"{kind}_on_{claim.claim}"
    elif placement is not None and placement != claim.placement_version:
        reason = f"{kind}_after_move"
    elif earlier is not None:
        reason = f"{kind}_twice"
        details |= {"other_at": earlier.occurred_at, "other_actor": earlier.actor, "other_device": earlier.device_id}
    elif kind == "performed" and any(member.arrived is None for member in before):
        reason = "performed_without_arrival"
    elif kind == "no_show" and any(member.arrived or member.performed for member in before):
        reason = "no_show_after_arrival"
    else:
        return None
    return Flag(
        id=command.derive("flag"),
        programme_id=claim.programme_id,
        audience=f"device:{command.device_id}" if command.device_id else "role:room_manager",
        subject=f"slot_reservations/{claim.id}",
        reason=reason,
        command_id=command.id,
        raised_at=now,
        details=details,
    )


def _same(member: Standing, kind: FactKind) -> Attendance | None:
    return {"arrived": member.arrived, "performed": member.performed, "no_show": member.no_show}.get(kind)


RULES: list[Rule[Any]] = [Rule(kind, Args, "volunteer", needs, decide, fact=True) for kind in KINDS]
