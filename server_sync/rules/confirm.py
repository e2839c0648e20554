"""``reservation.confirm``: what was held is reserved, if its time is not over; what was reserved is confirmed.

Staff say so: nothing tells yet that a hold is the caller's own, or that it was paid.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs

from server_sync.protocol.errors import HOLD_EXPIRED, NOTHING_TO_DO, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import EventSlot, SlotReservation
from server_sync.rules import seating
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.overdue import ran_out
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reservations import guard, needs_reservation, reservation
from server_sync.rules.state import Keys
from server_sync.rules.transitions import after


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which claim. ``version`` is the one that the caller saw, if any change since matters to him."""

    reservation_id: GivenId
    version: int | None = None


def confirm(draft: Draft, command: Command[Args], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """The claim, confirmed. A hold that ran out is gone, whether or not anybody has ended it yet."""
    needs_reservation(ask, draft, command.args.reservation_id)
    claim = reservation(draft, command, command.args.reservation_id)
    if isinstance(claim, Refusal):
        return claim
    step = after(claim, "confirm")
    if isinstance(step, Refusal):
        return step
    refusal = guard(command, claim, command.args.version) or _refusal(claim, now)
    if refusal is not None:
        return refusal
    seating.book(draft, claim)
    slot = draft.get(EventSlot, claim.slot_id)
    if slot is not None and slot.seated:
        ask.lock.add((EventSlot, slot.id))  # whoever changes seats holds their slot
    draft.write(structs.replace(claim, claim=step, confirmed_at=now, expires_at=None, version=claim.version + 1))
    return {"reservation_id": claim.id, "slot_id": claim.slot_id, "confirmed_at": now}


def _refusal(claim: SlotReservation, now: datetime | None) -> Refusal | None:
    if claim.claim == "held":
        if now is not None and ran_out(claim, now):
            return Refusal(HOLD_EXPIRED, {"reservation_id": claim.id, "expires_at": claim.expires_at})
        return None
    if claim.confirmed_at is not None:
        return Refusal(NOTHING_TO_DO, {"reservation_id": claim.id, "confirmed_at": claim.confirmed_at})
    return None


RULE = rehearsed("reservation.confirm", Args, confirm, "volunteer")
