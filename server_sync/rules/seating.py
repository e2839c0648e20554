"""Seats of a slot: which a claim takes, and that it gives them back. Slots without a map are not touched by this.

A slot whose ``seated`` is true has one ``slot_seats`` row for each seat; whoever changes them holds the slot's lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from msgspec import structs

from server_sync.protocol.errors import NO_SEATS, NOT_FOUND, SEATS_NEEDED, SEATS_TAKEN, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import EventSlot, Seat, SlotReservation, SlotSeat
from server_sync.rules.best_seats import Place, best_together
from server_sync.rules.draft import Draft
from server_sync.rules.state import SEATS_OF_LOCATION, SEATS_OF_SLOT, State, takes_places


class Wish(NamedTuple):
    """Which seats a party wants: these, or else the best that are together."""

    seat_ids: tuple[Id, ...] = ()


def without_map(slot: EventSlot, seat_ids: Iterable[Id]) -> Refusal | None:
    """``NO_SEATS`` if somebody names seats where places are not seats."""
    named = list(seat_ids)
    return Refusal(NO_SEATS, {"slot_id": slot.id, "seat_ids": named}) if named and not slot.seated else None


def take(draft: Draft, claim: SlotReservation, slot: EventSlot, wish: Wish | None) -> Refusal | None:
    """Hold or book seats of *slot* for a live *claim*, one a spot: all of them or none."""
    seats = {seat.seat_id: seat for seat in draft.find(SEATS_OF_SLOT, slot.id)}
    wanted = _wanted(draft, slot, seats, claim.spots, wish)
    if isinstance(wanted, Refusal):
        return wanted
    if len(wanted) != claim.spots:
        return Refusal(SEATS_NEEDED, {"slot_id": slot.id, "seats": len(wanted), "spots": claim.spots})
    held = claim.claim == "held"
    draft.write(
        *(
            structs.replace(
                seats[id],
                state="held" if held else "booked",
                reservation_id=claim.id,
                held_until=claim.expires_at if held else None,
            )
            for id in wanted
        )
    )
    return None


def _wanted(
    draft: Draft, slot: EventSlot, seats: dict[Id, SlotSeat], spots: int, wish: Wish | None
) -> tuple[Id, ...] | Refusal:
    """The seats that the party gets, if it gets them."""
    if wish is not None and wish.seat_ids:
        return unavailable(draft, slot, wish.seat_ids) or tuple(dict.fromkeys(wish.seat_ids))
    best = best_together(_places(draft, slot, seats), spots)
    if len(best) == spots:
        return best
    return Refusal(SEATS_TAKEN, {"slot_id": slot.id, "available": len(best), "spots": spots})


def unavailable(state: State, slot: EventSlot, seat_ids: Iterable[Id]) -> Refusal | None:
    """``SEATS_TAKEN``, which says of each of these seats that can't be had whether it is held or booked."""
    seats = {seat.seat_id: seat for seat in state.find(SEATS_OF_SLOT, slot.id)}
    wanted = list(dict.fromkeys(seat_ids))
    unknown = [id for id in wanted if id not in seats]
    if unknown:
        return Refusal(NOT_FOUND, {"seat_ids": unknown, "slot_id": slot.id})
    taken = [seats[id] for id in wanted if seats[id].state != "available"]
    if not taken:
        return None
    each = [
        {"seat_id": seat.seat_id, "seat": _name(state, seat), "state": seat.state, "why": f"seat is {seat.state}"}
        for seat in taken
    ]
    return Refusal(SEATS_TAKEN, {"slot_id": slot.id, "seat_ids": [seat.seat_id for seat in taken], "seats": each})


def _places(state: State, slot: EventSlot, seats: dict[Id, SlotSeat]) -> list[Place]:
    """The seats of *slot* where they stand in its room."""
    room: list[Seat] = state.find(SEATS_OF_LOCATION, slot.location_id)
    return [
        Place(seat.id, seat.row, seat.number, seats[seat.id].state == "available") for seat in room if seat.id in seats
    ]


def position(seat: Seat) -> str:
    """What people read on the seat: ``A-1``."""
    return f"{seat.row}-{seat.number}"


def _name(state: State, place: SlotSeat) -> str | None:
    """Its position, which was loaded with the room."""
    seat = state.known(Seat, place.seat_id)
    return position(seat) if seat is not None and not seat.deleted else None  # who is gone is not loaded


def seats_taken(draft: Draft, claim: SlotReservation) -> list[dict[str, Any]]:
    """The seats that *claim* took in this draft, as an answer says them."""
    places: list[SlotSeat] = [seat for seat in draft.rows[SlotSeat].values() if seat.reservation_id == claim.id]
    return [{"seat_id": seat.seat_id, "seat": _name(draft, seat), "price": seat.price} for seat in places]


def book(draft: Draft, claim: SlotReservation) -> None:
    """What *claim* held is booked: nothing runs out any more."""
    draft.write(
        *(
            structs.replace(seat, state="booked", held_until=None)
            for seat in _taken_by(draft, claim)
            if seat.state == "held"
        )
    )


def free(draft: Draft, claim: SlotReservation) -> None:
    """Give back what seats *claim* has."""
    if takes_places(claim):
        draft.write(
            *(
                structs.replace(seat, state="available", reservation_id=None, held_until=None)
                for seat in _taken_by(draft, claim)
            )
        )


def _taken_by(draft: Draft, claim: SlotReservation) -> list[SlotSeat]:
    slot = draft.get(EventSlot, claim.slot_id)
    if slot is None or not slot.seated:
        return []
    return [seat for seat in draft.find(SEATS_OF_SLOT, slot.id) if seat.reservation_id == claim.id]
