"""A hall with seats on a day, for the tests of seats and holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, SlotSeat
from server_sync.rules.seating import position
from server_sync.rules.state import SEATS_OF_LOCATION, SEATS_OF_SLOT
from tests.unit.day import NOON, Day, applied, refused

SEAT_CHANGES = [
    ("available", "hold", "held"),
    ("available", "reserve", "booked"),
    ("available", "confirm", "NOT_FOUND"),
    ("available", "cancel", "NOT_FOUND"),
    ("available", "expire", "NOT_FOUND"),
    ("held", "hold", "SEATS_TAKEN"),
    ("held", "reserve", "SEATS_TAKEN"),
    ("held", "confirm", "booked"),
    ("held", "cancel", "available"),
    ("held", "expire", "NOT_EXPIRED"),
    ("overdue", "hold", "held"),
    ("overdue", "reserve", "booked"),
    ("overdue", "confirm", "HOLD_EXPIRED"),
    ("overdue", "cancel", "available"),
    ("overdue", "expire", "available"),
    ("booked", "hold", "SEATS_TAKEN"),
    ("booked", "reserve", "SEATS_TAKEN"),
    ("booked", "confirm", "booked"),
    ("booked", "cancel", "available"),
    ("booked", "expire", "NOT_HELD"),
    ("released", "hold", "held"),
    ("released", "reserve", "booked"),
    ("released", "confirm", "NOT_LIVE"),
    ("released", "cancel", "NOT_LIVE"),
    ("released", "expire", "NOT_HELD"),
]
"""What a seat is, what is done, and what it is then, or why not. Overdue is held beyond its time, released was held."""


class Hall:
    """A slot whose places are seats: rows A and B of *seats* each, A the dearer."""

    def __init__(self, seats: int = 5, *, slots: int = 1, **event: Any) -> None:
        self.day = Day()
        made = self.day.create("event", name="Gala", waitlist_enabled=event.get("waitlist_enabled", False))
        row = self.day.state.get(Event, made)
        assert row is not None
        self.event = structs.replace(row, seat_type_prices={"stalls": 2500}, **event)
        self.day.put(self.event)
        self.room = self.day.create("location", name="Opera House")
        self.slots = self.day.slots(slots, event=self.event.id, room=self.room, start=NOON)
        self.seats(
            *(("A", n, "stalls") for n in range(1, seats + 1)), *(("B", n, "circle") for n in range(1, seats + 1))
        )
        for slot in self.slots:
            applied(self.day.do("slot.open_seats", {"slot_id": slot.id}))

    @property
    def slot(self) -> EventSlot:
        """The first slot as it is now."""
        return self.day.slot(self.slots[0])

    def seats(self, *seats: tuple[str, int, str]) -> None:
        """More seats in the room."""
        rows = [{"row": row, "number": number, "seat_type": kind} for row, number, kind in seats]
        applied(self.day.do("seats.create", {"location_id": self.room, "seats": rows}))

    def ids(self, *names: str) -> list[Id]:
        """The seats called ``A-1`` and so on."""
        found = {position(seat): seat.id for seat in self.day.state.find(SEATS_OF_LOCATION, self.room)}
        return [found[name] for name in names]

    def map(self, slot: EventSlot | None = None) -> dict[str, SlotSeat]:
        """The slot's seats by name."""
        names = {seat.id: position(seat) for seat in self.day.state.find(SEATS_OF_LOCATION, self.room)}
        return {names[seat.seat_id]: seat for seat in self.day.state.find(SEATS_OF_SLOT, (slot or self.slot).id)}

    def states(self, slot: EventSlot | None = None) -> dict[str, str]:
        """The state of every seat that is not available."""
        return {name: seat.state for name, seat in sorted(self.map(slot).items()) if seat.state != "available"}

    def of(self, reservation: Id) -> list[str]:
        """The seats that a claim has."""
        return sorted(name for name, seat in self.map().items() if seat.reservation_id == reservation)

    def hold(self, *names: str, **args: Any) -> Id:
        """The id of a hold on these seats, or on the best for a party."""
        who = {} if "participant_ids" in args or "group_id" in args else {"reserved_name": "Ada"}
        asked = {"slot_id": self.slot.id, "seat_ids": self.ids(*names), **who, **args}
        id: Id = applied(self.day.do("reservation.hold", asked)).answer["reservation_id"]
        return id

    def cannot_hold(self, code: str, *names: str, role: Any = "public", **args: Any) -> dict[str, Any]:
        """The details of the refusal of a hold."""
        asked = {"slot_id": self.slot.id, "seat_ids": self.ids(*names), "reserved_name": "Eve", **args}
        return refused(self.day.do("reservation.hold", asked, role=role), code)


def later(hall: Hall, **time: int) -> Hall:
    """That much later."""
    hall.day.now += timedelta(**time)
    return hall
