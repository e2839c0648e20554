"""A party that grows or shrinks where it is: the room for whoever comes in addition, and the seats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import structs

from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventSlot, Seat, SlotReservation
from server_sync.rules import seating
from server_sync.rules.best_seats import in_order
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.placing import Waivers, elsewhere, open_slot, overbook, room_for
from server_sync.rules.seating import without_map
from server_sync.rules.state import SEATS_OF_LOCATION, SEATS_OF_SLOT, Keys, takes_places
from server_sync.rules.waiting import line_ahead
from server_sync.rules.waitlist import expire_overdue


def grow(
    draft: Draft,
    command: Command[Any],
    claim: SlotReservation,
    more: int,
    added: list[Id],
    seat_ids: Sequence[Id],
    waived: Waivers,
    now: datetime | None,
    ask: Keys,
) -> frozenset[Id] | Refusal:
    """Make sure of *more* places for *claim* and of the time of those *added*; returns who is knowingly double-booked.

    Who waits in line waits for the larger party from now on, without a place being looked for: whoever joins may be in
    two places when the turn comes, if that is waived.
    """
    closed_too = waived.overbook is not None or not takes_places(claim)
    slot = open_slot(draft, command.programme_id, claim.slot_id, closed_too=closed_too)
    if isinstance(slot, Refusal):
        return slot
    if not takes_places(claim):
        double = elsewhere(draft, slot, added, waived, (claim.id,))
        return double if isinstance(double, Refusal) or waived.double_book is None else frozenset(added)
    unseated = without_map(slot, seat_ids)
    if unseated is not None:
        return unseated
    expire_overdue(draft, slot, max(0, more), added, now, ask, seat_ids)
    slot = draft.get(EventSlot, slot.id) or slot
    double = elsewhere(draft, slot, added, waived, (claim.id,))
    if isinstance(double, Refusal) or more <= 0:
        return double
    full = room_for(draft, slot, more)
    if waived.overbook is None:
        refusal = full or line_ahead(draft, slot, (), ask)
        if refusal is not None:
            return refusal
    elif full is not None:
        overbook(draft, slot, more)
    return double


def change_seats(
    draft: Draft, claim: SlotReservation, slot: EventSlot, more: int, seat_ids: Sequence[Id]
) -> Refusal | None:
    """Seats for *more* people beside those that *claim* has; or the last of its seats free, if they are fewer."""
    if more > 0:
        return seating.take(draft, structs.replace(claim, spots=more), slot, seating.Wish(tuple(seat_ids)))
    seats: list[Seat] = draft.find(SEATS_OF_LOCATION, slot.location_id)
    place = {seat.id: (in_order(seat.row), seat.number) for seat in seats}
    mine = [seat for seat in draft.find(SEATS_OF_SLOT, slot.id) if seat.reservation_id == claim.id]
    mine.sort(key=lambda seat: (place.get(seat.seat_id, ((0, ""), 0)), seat.id))
    draft.write(
        *(structs.replace(seat, state="available", reservation_id=None, held_until=None) for seat in mine[more:])
    )
    return None
