"""Somebody stands at the desk and gets a place, being known or not."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from server_sync.protocol.ids import derived_id, new_id
from server_sync.protocol.records import EventSlot, Participant
from server_sync.rules.state import MEMBERS
from tests.unit.day import Day, applied, at, refused
from tests.unit.test_waitlist import join, line_day


def walk_in(day: Day, slot: EventSlot, **args: Any) -> Any:
    how = {name: args.pop(name) for name in ("role", "id", "programme") if name in args}
    return day.do("reservation.walk_in", {"slot_id": slot.id, **args}, **{"role": "volunteer", **how})


def test_whoever_is_new_becomes_a_participant() -> None:
    day = Day()
    (slot,) = day.slots(capacity=3)
    id = new_id()
    answer = applied(walk_in(day, slot, id=id, first_name="Ada", last_name="Núñez", school="Hill", guests=1)).answer
    person = derived_id(id, "person")
    assert answer == {"reservation_id": id, "slot_id": slot.id, "spots": 2, "participant_id": person}
    row = day.state.rows[Participant][person]
    assert (row.display_name, row.first_name, row.school) == ("Ada Núñez", "Ada", "Hill")
    claim = day.claim(id)
    assert (claim.claim, claim.participant_id, claim.spots, claim.guests) == ("reserved", person, 2, 1)
    (member,) = day.state.find(MEMBERS, id)
    assert (member.participant_id, member.live) == (person, True)
    applied(day.do("attendance.arrive", {"reservation_id": id, "participant_ids": [person]}, role="volunteer"))


def test_whoever_is_known_is_not_made_twice() -> None:
    day = Day()
    (slot,) = day.slots()
    zoe = day.person()
    people = len(day.state.rows[Participant])
    answer = applied(walk_in(day, slot, participant_id=zoe)).answer
    assert answer["participant_id"] == zoe
    assert len(day.state.rows[Participant]) == people
    refused(walk_in(day, slot, participant_id=zoe), "ALREADY_RESERVED")
    (elsewhere,) = day.slots(start=at(12, 5))
    refused(walk_in(day, elsewhere, participant_id=zoe), "DOUBLE_BOOKED")


def test_a_full_slot_takes_an_admins_reason_and_makes_nobody_without_one() -> None:
    day = Day()
    (slot,) = day.slots()
    day.reserve(slot, day.person())
    people = len(day.state.rows[Participant])
    refused(walk_in(day, slot, display_name="Ada"), "SLOT_FULL")
    refused(walk_in(day, slot, display_name="Ada", override_reason="the mayor"), "NOT_ALLOWED")
    assert len(day.state.rows[Participant]) == people
    applied(walk_in(day, slot, display_name="Ada", override_reason="the mayor", role="admin"))
    assert (day.slot(slot).reserved_count, day.slot(slot).overbooked_count) == (2, 1)


def test_who_is_meant() -> None:
    day = Day()
    (slot,) = day.slots(capacity=9)
    zoe = day.person(external_id="S-1")
    refused(walk_in(day, slot), "INVALID")
    refused(walk_in(day, slot, school="Hill"), "INVALID")
    assert refused(walk_in(day, slot, participant_id=zoe, school="Hill"), "INVALID")["fields"] == ["school"]
    refused(walk_in(day, slot, participant_id=new_id()), "NOT_FOUND")
    assert refused(walk_in(day, slot, display_name="Other", external_id="S-1"), "ALREADY_EXISTS")["id"] == zoe
    refused(walk_in(day, structs.replace(slot, id=new_id()), display_name="Ada"), "NOT_FOUND")
    refused(walk_in(day, slot, display_name="Ada", programme=new_id()), "NOT_FOUND")
    refused(walk_in(day, slot, display_name="Ada", role="public"), "NOT_ALLOWED")
    day.put(structs.replace(day.slot(slot), status="cancelled"))
    refused(walk_in(day, slot, display_name="Ada"), "SLOT_CANCELLED")


def test_a_walk_in_may_stand_in_line() -> None:
    day, (slot,) = line_day()
    first = join(day, slot, day.person())
    answer = applied(walk_in(day, slot, display_name="Ada", on_full="waitlist")).answer
    assert answer["claim"] == "waitlisted"
    promoted = applied(day.do("reservation.cancel", {"reservation_id": first})).answer["promoted"]
    assert promoted == [answer["reservation_id"]]
