"""What is told of a reservation, how many guests there are, and who is in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Event, EventTimeBlock, ReservationMember, SlotSeat
from server_sync.rules.state import COMMITMENTS, MEMBERS
from tests.unit.day import Day, applied, at, refused
from tests.unit.test_confirm import seat_map
from tests.unit.test_waitlist import join, line_day


def update(day: Day, id: Id, **args: Any) -> Any:
    how = {name: args.pop(name) for name in ("role", "seen", "programme") if name in args}
    return day.do("reservation.update", {"reservation_id": id, **args}, **{"role": "volunteer", **how})


def party(day: Day, id: Id) -> set[Id]:
    return {member.participant_id for member in day.state.find(MEMBERS, id)}


def test_what_is_told_stays_changes_or_is_cleared() -> None:
    day = Day()
    (slot,) = day.slots()
    id = day.reserve(
        slot, day.person(), special_requirements="ramp", contact="a@example.org", metadata={"diet": "none"}
    )
    answer = applied(update(day, id, version=1, contact="b@example.org")).answer
    assert answer == {"reservation_id": id, "spots": 1, "version": 2}
    claim = day.claim(id)
    assert (claim.special_requirements, claim.reserved_contact, claim.version) == ("ramp", "b@example.org", 2)
    applied(update(day, id, special_requirements=None, metadata={"diet": "vegan"}, reserved_name="The soloist"))
    claim = day.claim(id)
    assert (claim.special_requirements, claim.metadata, claim.reserved_name) == (None, {"diet": "vegan"}, "The soloist")
    assert (claim.placement_version, claim.version) == (1, 3)
    refused(update(day, id), "NOTHING_TO_DO")
    refused(update(day, id, reserved_name="The soloist", guests=None), "NOTHING_TO_DO")
    assert refused(update(day, id, version=2, contact=None), "STALE_VERSION") == {
        "reservation_id": id,
        "seen": 2,
        "version": 3,
    }


def test_more_guests_need_room_and_fewer_give_it() -> None:
    day = Day()
    event = day.create("event", name="Limited", capacity=4)
    slot, other = day.slots(2, capacity=3, max_capacity=5, event=event)
    id = day.reserve(slot, reserved_name="Zoë")
    assert applied(update(day, id, guests=2)).answer["spots"] == 3
    assert refused(update(day, id, guests=3), "SLOT_FULL") == {
        "slot_id": slot.id,
        "reserved": 3,
        "capacity": 3,
        "spots": 1,
    }
    applied(update(day, id, guests=1))
    assert (day.claim(id).guests, day.slot(slot).reserved_count) == (1, 2)
    applied(update(day, id, guests=None))
    assert (day.claim(id).guests, day.claim(id).spots) == (None, 1)
    day.reserve(other, reserved_name="Ann", guests=2)
    assert refused(update(day, id, guests=1), "EVENT_FULL")["spots"] == 1
    day.put(structs.replace(day.state.rows[Event][event], capacity=9))
    block = day.state.rows[EventTimeBlock][slot.time_block_id]
    day.put(structs.replace(block, max_capacity=4))
    refused(update(day, id, guests=1), "BLOCK_FULL")
    refused(update(day, id, guests=-1), "INVALID")


def test_an_override_makes_room_and_shrinking_takes_it_back() -> None:
    day = Day()
    (slot,) = day.slots(capacity=2)
    id = day.reserve(slot, reserved_name="Zoë", guests=1)
    refused(update(day, id, guests=4, override_reason="family"), "NOT_ALLOWED")
    applied(update(day, id, guests=4, override_reason="family", role="admin"))
    assert (day.slot(slot).reserved_count, day.slot(slot).overbooked_count) == (5, 3)
    assert day.claim(id).override_reason == "family"
    applied(update(day, id, guests=2))
    assert (day.slot(slot).reserved_count, day.slot(slot).overbooked_count) == (3, 1)
    applied(update(day, id, guests=0))
    assert (day.slot(slot).reserved_count, day.slot(slot).overbooked_count) == (1, 0)


def test_people_come_and_go() -> None:
    day = Day()
    (slot,) = day.slots(capacity=3)
    (same_time,) = day.slots(start=at(12, 5))
    zoe, ann, bea = (day.person(name) for name in ("Zoë", "Ann", "Bea"))
    id = day.reserve(slot, zoe)
    applied(update(day, id, add_participant_ids=[ann, bea, ann]))
    assert (party(day, id), day.claim(id).spots, day.claim(id).participant_id) == ({zoe, ann, bea}, 3, None)
    refused(day.do("reservation.reserve", {"slot_id": same_time.id, "participant_ids": [ann]}), "DOUBLE_BOOKED")
    applied(update(day, id, remove_participant_ids=[ann, zoe]))
    assert (party(day, id), day.claim(id).spots, day.claim(id).participant_id) == ({bea}, 1, bea)
    assert day.slot(slot).reserved_count == 1
    gone = [row for row in day.state.rows[ReservationMember].values() if row.deleted]
    assert {(row.participant_id, row.live) for row in gone} == {(ann, False), (zoe, False)}
    assert day.state.find(COMMITMENTS, ann) == []
    day.reserve(same_time, ann)
    assert refused(update(day, id, add_participant_ids=[zoe, ann]), "DOUBLE_BOOKED")["participant_id"] == ann
    refused(update(day, id, add_participant_ids=[ann], waive_reason="both"), "NOT_ALLOWED")
    applied(update(day, id, add_participant_ids=[zoe, ann], waive_reason="both", role="admin"))
    waived = {member.participant_id: member.waived_reason for member in day.state.find(MEMBERS, id)}
    assert waived == {bea: None, zoe: None, ann: "both"}


def test_one_goes_and_another_comes_into_a_full_slot() -> None:
    day = Day()
    (slot,) = day.slots()
    zoe, ann = day.person("Zoë"), day.person("Ann")
    id = day.reserve(slot, zoe)
    refused(update(day, id, add_participant_ids=[ann]), "SLOT_FULL")
    applied(update(day, id, add_participant_ids=[ann], remove_participant_ids=[zoe]))
    assert (party(day, id), day.claim(id).participant_id, day.slot(slot).reserved_count) == ({ann}, ann, 1)


def test_who_can_not_come_or_go() -> None:
    day = Day()
    (slot,) = day.slots(capacity=5)
    zoe, ann = day.person("Zoë"), day.person("Ann")
    id = day.reserve(slot, zoe)
    assert refused(update(day, id, add_participant_ids=[zoe]), "INVALID")["participant_ids"] == [zoe]
    assert refused(update(day, id, remove_participant_ids=[ann]), "INVALID")["participant_ids"] == [ann]
    refused(update(day, id, add_participant_ids=[ann], remove_participant_ids=[ann]), "INVALID")
    refused(update(day, id, add_participant_ids=[new_id()]), "NOT_FOUND")
    refused(update(day, id, remove_participant_ids=[zoe]), "INVALID")
    applied(update(day, id, remove_participant_ids=[zoe], reserved_name="Somebody"))
    assert (day.claim(id).spots, party(day, id)) == (1, set())
    refused(update(day, id, reserved_name=None), "INVALID")
    other = day.reserve(slot, ann)
    assert refused(update(day, id, add_participant_ids=[ann]), "ALREADY_RESERVED")["reservation_id"] == other


def test_nonsense() -> None:
    day = Day()
    (slot,) = day.slots(capacity=5)
    id = day.reserve(slot, day.person())
    refused(update(day, new_id(), guests=1), "NOT_FOUND")
    refused(update(day, id, guests=1, programme=new_id()), "NOT_FOUND")
    refused(update(day, id, guests=1, role="public"), "NOT_ALLOWED")
    refused(update(day, id, guests=1, seen={f"slot_reservations/{id}": 3}), "MOVED")
    day.put(structs.replace(day.slot(slot), status="closed"))
    refused(update(day, id, guests=1), "SLOT_CLOSED")
    applied(update(day, id, special_requirements="ramp"))


def test_places_given_back_go_to_the_line() -> None:
    day, (slot,) = line_day(capacity=4)
    zoe, ann = day.person("Zoë"), day.person("Ann")
    first = join(day, slot, zoe, ann, guests=2)
    one, two = join(day, slot, reserved_name="one"), join(day, slot, reserved_name="two", guests=1)
    assert applied(update(day, first, guests=1)).answer["promoted"] == [one]
    refused(update(day, first, guests=2), "SLOT_FULL")
    assert "promoted" not in applied(update(day, first, guests=0)).answer
    refused(update(day, first, guests=1), "LINE_AHEAD")
    assert applied(update(day, first, remove_participant_ids=[ann])).answer["promoted"] == [two]


def test_a_party_that_waits_shrinks_into_the_room_there_is() -> None:
    day, (slot,) = line_day(capacity=4)
    join(day, slot, reserved_name="a", guests=2)
    big, behind = join(day, slot, reserved_name="big", guests=2), join(day, slot, reserved_name="behind")
    answer = applied(update(day, big, guests=1)).answer
    assert "promoted" not in answer
    assert applied(update(day, big, guests=0)).answer["promoted"] == [big]
    assert day.claim(behind).claim == "waitlisted"
    zoe = day.person()
    applied(update(day, behind, add_participant_ids=[zoe], guests=5))
    assert (day.claim(behind).claim, day.claim(behind).spots) == ("waitlisted", 6)
    (member,) = day.state.find(MEMBERS, behind)
    assert (member.waiting, member.live) == (True, False)


def test_a_hold_takes_more_within_its_time() -> None:
    day = Day()
    (slot,) = day.slots(capacity=2)
    id = applied(day.do("reservation.hold", {"slot_id": slot.id, "reserved_name": "h"})).answer["reservation_id"]
    applied(update(day, id, guests=1))
    assert (day.claim(id).claim, day.slot(slot).reserved_count) == ("held", 2)
    day.now += timedelta(hours=1)
    refused(update(day, id, guests=0), "HOLD_EXPIRED")


def test_a_hold_that_ran_out_makes_room_for_guests() -> None:
    day = Day()
    (slot,) = day.slots(capacity=2)
    id = day.reserve(slot, reserved_name="Zoë")
    applied(day.do("reservation.hold", {"slot_id": slot.id, "reserved_name": "h"}))
    refused(update(day, id, guests=1), "SLOT_FULL")
    day.now += timedelta(hours=1)
    applied(update(day, id, guests=1))


@pytest.mark.parametrize("claim", ["held", "reserved"])
def test_seats_follow(claim: str) -> None:
    day = Day()
    (slot,) = day.slots(capacity=4)
    seat_map(day, slot, 4)
    kind = "reservation.hold" if claim == "held" else "reservation.reserve"
    id = applied(day.do(kind, {"slot_id": slot.id, "reserved_name": "Zoë", "guests": 1})).answer["reservation_id"]
    mine = seats_of(day, id)
    assert len(mine) == 2
    free = next(seat for seat in day.state.rows[SlotSeat].values() if seat.reservation_id is None)
    applied(update(day, id, guests=2, seat_ids=[free.seat_id]))
    assert seats_of(day, id) == mine | {free.seat_id}
    applied(update(day, id, guests=3))
    assert len(seats_of(day, id)) == 4
    applied(update(day, id, guests=0))
    assert len(seats_of(day, id)) == 1
    refused(update(day, id, guests=1, seat_ids=[*seats_of(day, id)]), "SEATS_TAKEN")
    one = next(seat.seat_id for seat in day.state.rows[SlotSeat].values() if seat.reservation_id is None)
    refused(update(day, id, guests=2, seat_ids=[one]), "SEATS_NEEDED")


def seats_of(day: Day, id: Id) -> set[Id]:
    return {seat.seat_id for seat in day.state.rows[SlotSeat].values() if seat.reservation_id == id}
