"""``reservation.cancel``: give the places back. The claim and its facts stay to be read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import structs

from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import GivenId
from server_sync.rules.command import Command, Rule
from server_sync.rules.placing import needs_people, needs_slot
from server_sync.rules.reservations import guard_placement, members, needs_reservation, reservation
from server_sync.rules.state import MEMBERS, Changes, Keys, State
from server_sync.rules.transitions import after


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which claim, and why."""

    reservation_id: GivenId
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None


def needs(command: Command[Args], loaded: State) -> Keys:
    """The claim, its members, and the slot that is freed with what limits it."""
    keys = Keys()
    claim = needs_reservation(keys, loaded, command.args.reservation_id)
    if claim is not None:
        needs_slot(keys, loaded, claim.slot_id)
        needs_people(keys, (member.participant_id for member in loaded.find(MEMBERS, claim.id)))
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """The cancelled claim; its people are free at that time again."""
    claim = reservation(state, command, command.args.reservation_id)
    if isinstance(claim, Refusal):
        return claim
    step = after(claim, "cancel")
    if isinstance(step, Refusal):
        return step
    moved = guard_placement(command, claim)
    if moved is not None:
        return moved
    cancelled = structs.replace(
        claim,
        claim=step,
        cancelled_at=now,
        version=claim.version + 1,
        placement_version=claim.placement_version + 1,
    )
    freed = [structs.replace(member, live=False) for member in members(state, claim.id) if member.live]
    return Changes([cancelled, *freed], {"reservation_id": claim.id, "slot_id": claim.slot_id})


RULE = Rule("reservation.cancel", Args, "volunteer", needs, decide)
