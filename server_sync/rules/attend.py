"""``attendance.arrive``, ``.perform`` and ``.no_show``: what happened in the world, recorded whatever it surprises.

One file for three kinds, because they differ in one word: each appends a fact for every member it names, and raises a
flag for whoever said it where the claim is not what they saw. Who was merged into somebody meanwhile counts as that
one; who was taken out of the party in the meantime was there all the same, and so was everybody whose claim has left
with its slot.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, get_args

import msgspec
from msgspec import structs

from server_sync.protocol.errors import NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import Attendance, Claim, FactKind, Flag, Participant, SlotReservation
from server_sync.rules.attendance import Standing, standing
from server_sync.rules.command import Command, Rule
from server_sync.rules.reservations import seen_placement
from server_sync.rules.state import FACTS, MEMBERS_EVER, Changes, Keys, State


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose fact: the members named, or all of the claim."""

    reservation_id: GivenId
    participant_ids: Annotated[list[GivenId], msgspec.Meta(max_length=1000)] = []


KINDS: dict[str, FactKind] = {
    "attendance.arrive": "arrived",
    "attendance.perform": "performed",
    "attendance.no_show": "no_show",
}
FLAG_REASONS: Final[frozenset[str]] = frozenset(
    {"performed_without_arrival", "no_show_after_arrival"}
    | {f"{kind}_on_{claim}" for kind in KINDS.values() for claim in get_args(Claim) if claim != "reserved"}
    | {f"{kind}_{what}" for kind in KINDS.values() for what in ("after_move", "outside_party", "twice")}
    | {f"{kind}_at_wrong_time" for kind in KINDS.values()}
)
"""Every reason there is for a flag: whoever shows flags has words for each."""


def needs(command: Command[Args], loaded: State) -> Keys:
    """The claim, locked so that facts about it queue, who is or was in it, and its facts."""
    id = command.args.reservation_id
    keys = Keys(lock={(SlotReservation, id)}, find={(MEMBERS_EVER, id), (FACTS, id)})
    if not command.args.participant_ids:  # the whole party: nothing depends on who that is, so no look beforehand
        return keys
    party = _party(loaded, command.args)
    for person in command.args.participant_ids:
        if person not in party:
            keys.read.add((Participant, person))
            row = loaded.get(Participant, person)
            if row is not None and row.merged_into is not None:
                keys.read.add((Participant, row.merged_into))
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """A fact a member, the claim's new version, and a flag if something about it surprises."""
    claim = state.get(SlotReservation, command.args.reservation_id)
    if claim is None or claim.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"reservation_id": command.args.reservation_id})
    people = _people(state, command)
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
    before = [seen.get(person, Standing()) for person in people]
    outside = [person for person in people if person is not None and person not in _party(state, command.args)]
    flag = _surprise(command, claim, kind, before, outside, at, now)
    touched = [] if claim.deleted else [structs.replace(claim, version=claim.version + 1)]
    puts = [*touched, *facts, *([flag] if flag is not None else [])]
    return Changes(puts, {"reservation_id": claim.id, "kind": kind, "occurred_at": at, "members": len(facts)})


def _party(state: State, args: Args) -> list[Id]:
    """Who is in the claim; of one that has left, who ever was."""
    claim = state.known(SlotReservation, args.reservation_id)
    left = claim is not None and claim.deleted
    ever = state.find(MEMBERS_EVER, args.reservation_id)
    return list(dict.fromkeys(member.participant_id for member in ever if left or not member.deleted))


def _people(state: State, command: Command[Args]) -> list[Id] | list[None] | Refusal:
    """Whose fact it is: of those who are named, else of the whole party, else of a free-form name."""
    party = _party(state, command.args)
    people = [id if id in party else _now(state, command, id) for id in command.args.participant_ids]
    strangers = [id for id, known in zip(command.args.participant_ids, people, strict=True) if known is None]
    if strangers:
        return Refusal(NOT_FOUND, {"participant_ids": strangers})
    known = list(dict.fromkeys(person for person in people if person is not None)) or party
    return known if known else [None]


def _now(state: State, command: Command[Args], participant_id: Id) -> Id | None:
    """Who is meant by somebody who is not in the party (any more); None if there never was such a person."""
    row = state.get(Participant, participant_id)
    if row is not None and row.merged_into is not None:
        row = state.get(Participant, row.merged_into)
    return None if row is None or row.programme_id != command.programme_id else row.id


def _surprise(
    command: Command[Args],
    claim: SlotReservation,
    kind: FactKind,
    before: list[Standing],
    outside: list[Id],
    at: datetime,
    now: datetime,
) -> Flag | None:
    """The flag for whoever said it, most important reason first."""
    details: dict[str, Any] = {"kind": kind, "occurred_at": at, "slot_id": claim.slot_id}
    earlier = next((fact for member in before if (fact := _same(member, kind)) is not None), None)
    placement = seen_placement(command, claim)
    held = "cancelled" if claim.deleted else claim.claim
    if held != "reserved":
        reason = f"{kind}_on_{held}"
    elif placement is not None and placement != claim.placement_version:
        reason = f"{kind}_after_move"
    elif outside:
        reason = f"{kind}_outside_party"
        details |= {"participant_ids": outside}
    elif command.clock_was_wrong(now):
        reason = f"{kind}_at_wrong_time"
        details |= {"said_at": command.occurred_at}
    elif earlier is not None:
        reason = f"{kind}_twice"
        details |= {"other_at": earlier.occurred_at, "other_actor": earlier.actor, "other_device": earlier.device_id}
    elif kind == "performed" and any(member.arrived is None for member in before):
        reason = "performed_without_arrival"
    elif kind == "no_show" and any(member.arrived or member.performed for member in before):
        reason = "no_show_after_arrival"
    elif kind == "arrived" and any(member.no_show and member.no_show.occurred_at > at for member in before):
        reason = "no_show_after_arrival"  # the arrival is only heard of now
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
        details=msgspec.to_builtins(details),  # as it comes back from the database: times are text in JSON
    )


def _same(member: Standing, kind: FactKind) -> Attendance | None:
    return {"arrived": member.arrived, "performed": member.performed, "no_show": member.no_show}.get(kind)


RULES: list[Rule[Any]] = [Rule(kind, Args, "volunteer", needs, decide, fact=True) for kind in KINDS]
