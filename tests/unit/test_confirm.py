"""What was held is reserved, and what was reserved is confirmed."""

from __future__ import annotations

from datetime import timedelta

from msgspec import structs

from server_sync.protocol.ids import new_id
from server_sync.protocol.records import EventSlot, Seat, SlotSeat
from server_sync.rules.attendance import word
from tests.unit.day import Day, applied, refused


def test_a_hold_is_confirmed_by_staff_within_its_time() -> None:
    day = Day()
    (slot,) = day.slots()
    zoe = day.person()
    hold = applied(day.do("reservation.hold", {"slot_id": slot.id, "participant_ids": [zoe]}, role="public")).answer
    id = hold["reservation_id"]
    day.now = hold["expires_at"] - timedelta(microseconds=1)
    said = refused(day.do("reservation.confirm", {"reservation_id": id}, role="public"), "NOT_ALLOWED")
    assert said == {"needs": "volunteer", "has": "public"}
    answer = applied(day.do("reservation.confirm", {"reservation_id": id}, role="volunteer")).answer
    assert answer == {"reservation_id": id, "slot_id": slot.id, "confirmed_at": day.now}
    claim = day.claim(id)
    assert (claim.claim, claim.expires_at, claim.confirmed_at) == ("reserved", None, day.now)
    assert (claim.version, claim.placement_version) == (2, 1)
    assert word(claim, [], []) == "confirmed"
    assert day.slot(slot).reserved_count == 1


def test_a_hold_that_ran_out_is_gone_whether_or_not_it_was_ended() -> None:
    day = Day()
    (slot,) = day.slots()
    hold = applied(day.do("reservation.hold", {"slot_id": slot.id, "reserved_name": "Zoë"})).answer
    day.now = hold["expires_at"]
    confirm = {"reservation_id": hold["reservation_id"]}
    assert refused(day.do("reservation.confirm", confirm), "HOLD_EXPIRED")["expires_at"] == day.now
    applied(day.do("hold.expire", {"reservation_ids": [hold["reservation_id"]]}))
    refused(day.do("reservation.confirm", confirm), "HOLD_EXPIRED")


def test_a_reservation_is_confirmed_once_and_by_staff() -> None:
    day = Day()
    (slot,) = day.slots()
    id = day.reserve(slot, day.person())
    confirm = {"reservation_id": id}
    refused(day.do("reservation.confirm", confirm, role="public"), "NOT_ALLOWED")
    refused(day.do("reservation.confirm", confirm | {"version": 9}), "STALE_VERSION")
    refused(day.do("reservation.confirm", {"reservation_id": new_id()}), "NOT_FOUND")
    refused(day.do("reservation.confirm", confirm, programme=new_id()), "NOT_FOUND")
    applied(day.do("reservation.confirm", confirm | {"version": 1}, role="volunteer"))
    assert word(day.claim(id), [], []) == "confirmed"
    assert refused(day.do("reservation.confirm", confirm), "NOTHING_TO_DO")["confirmed_at"] == day.now


def test_held_seats_are_booked() -> None:
    day = Day()
    (slot,) = day.slots(capacity=4)
    seat_map(day, slot, 4)
    id = applied(day.do("reservation.hold", {"slot_id": slot.id, "reserved_name": "Zoë", "guests": 1})).answer[
        "reservation_id"
    ]
    assert sorted(seat.state for seat in day.state.rows[SlotSeat].values()) == ["available"] * 2 + ["held"] * 2
    applied(day.do("reservation.confirm", {"reservation_id": id}))
    booked = [seat for seat in day.state.rows[SlotSeat].values() if seat.reservation_id == id]
    assert [(seat.state, seat.held_until) for seat in booked] == [("booked", None)] * 2


def seat_map(day: Day, slot: EventSlot, count: int) -> None:
    """Seats A-1 and so on in the slot's room, put up in the slot."""
    for number in range(1, count + 1):
        seat = Seat(
            id=new_id(), programme_id=day.programme, location_id=slot.location_id, row="A", number=number,
            seat_type="standard",
        )  # fmt: skip
        there = SlotSeat(id=new_id(), programme_id=day.programme, slot_id=slot.id, seat_id=seat.id, state="available")
        day.put(seat, there)
    day.put(structs.replace(day.slot(slot), seated=True))
