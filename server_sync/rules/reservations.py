"""What commands on an existing reservation share: asking for it, finding it, and guarding what the person saw."""

from __future__ import annotations

from typing import Any

from server_sync.protocol.errors import MOVED, NOT_FOUND, STALE_VERSION, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import ReservationMember, SlotReservation
from server_sync.rules.command import Command
from server_sync.rules.state import MEMBERS, Keys, State


def needs_reservation(keys: Keys, loaded: State, reservation_id: Id) -> SlotReservation | None:
    """Ask for a claim that changes, with its members."""
    keys.lock.add((SlotReservation, reservation_id))
    keys.find.add((MEMBERS, reservation_id))
    return loaded.get(SlotReservation, reservation_id)


def reservation(state: State, command: Command[Any], reservation_id: Id) -> SlotReservation | Refusal:
    """The claim, if it is of this programme."""
    claim = state.get(SlotReservation, reservation_id)
    if claim is None or claim.deleted or claim.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"reservation_id": reservation_id})
    return claim


def members(state: State, reservation_id: Id) -> list[ReservationMember]:
    """Everybody who is in the claim, whether or not it still holds places."""
    return state.find(MEMBERS, reservation_id)


def seen_placement(command: Command[Any], claim: SlotReservation) -> int | None:
    """The placement version that the person looked at, if the command says."""
    return command.seen.get(f"slot_reservations/{claim.id}")


def guard_placement(command: Command[Any], claim: SlotReservation) -> Refusal | None:
    """``MOVED`` if the claim was placed elsewhere since the person looked at it; somebody's check-in doesn't matter."""
    seen = seen_placement(command, claim)
    if seen is None or seen == claim.placement_version:
        return None
    return Refusal(
        MOVED,
        {"reservation_id": claim.id, "slot_id": claim.slot_id, "seen": seen, "placement": claim.placement_version},
    )


def guard(command: Command[Any], claim: SlotReservation, version: int | None) -> Refusal | None:
    """``STALE_VERSION`` if anything about the claim changed since *version*, ``MOVED`` if its placement did."""
    if version is not None and version != claim.version:
        return Refusal(STALE_VERSION, {"reservation_id": claim.id, "seen": version, "version": claim.version})
    return guard_placement(command, claim)
