"""Taking places, and giving them back."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.errors import (
    ALREADY_RESERVED,
    BLOCK_FULL,
    DOUBLE_BOOKED,
    EVENT_FULL,
    EVENT_INACTIVE,
    HOLD_EXPIRED,
    INVALID,
    MOVED,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_LIVE,
    SLOT_CANCELLED,
    SLOT_CLOSED,
    SLOT_FULL,
)
from server_sync.protocol.ids import new_id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Group, Participant, SlotReservation
from server_sync.rules.claims import member_row
from server_sync.rules.state import MEMBERS
from tests.unit.day import Day, applied, at, refused


def ask(day: Day, slot: EventSlot, *people: str, **args: Any) -> Any:
    return day.do("reservation.reserve", {"slot_id": slot.id, "participant_ids": people, **args}, role="public")


def test_one_person_takes_one_place() -> None:
    day = Day()
    (slot,) = day.slots(capacity=2)
    zoe = day.person()
    verdict = applied(ask(day, slot, zoe, special_requirements="ramp", contact="z@example.org"))
    claim = day.claim(verdict.answer["reservation_id"])
    assert (claim.claim, claim.spots, claim.participant_id, claim.slot_id) == ("reserved", 1, zoe, slot.id)
    assert (claim.placement_version, claim.version, claim.reserved_at) == (1, 1, day.now)
    assert (claim.reserved_contact, claim.special_requirements, claim.guests) == ("z@example.org", "ramp", None)
    (member,) = day.state.find(MEMBERS, claim.id)
    assert (member.participant_id, member.live, member.start_time) == (zoe, True, slot.start_time)
    assert day.slot(slot).reserved_count == 1
    assert day.state.rows[Event][slot.event_id].reserved_count == 0, "kept only where it limits"


def test_several_people_a_group_and_a_name() -> None:
    day = Day()
    party, group_slot, part_slot, named_slot = day.slots(4, capacity=10)
    choir = day.create("group", name="Choir")
    singers = [day.person(f"Singer {n}", group_id=choir) for n in range(3)]
    duo = day.claim(day.reserve(party, singers[0], singers[1], singers[0], guests=2))
    assert (duo.spots, duo.participant_id, duo.guests) == (4, None, 2)
    whole = day.claim(day.reserve(group_slot, group_id=choir))
    assert (whole.spots, whole.group_id, whole.participant_id) == (3, choir, None)
    assert {row.participant_id for row in day.state.find(MEMBERS, whole.id)} == set(singers)
    part = day.claim(day.reserve(part_slot, singers[2], group_id=choir))
    assert (part.spots, part.group_id, part.participant_id) == (1, choir, None)
    named = day.claim(day.reserve(named_slot, reserved_name="The Mayor", guests=1))
    assert (named.spots, named.reserved_name) == (2, "The Mayor")
    assert day.state.find(MEMBERS, named.id) == []


def test_a_group_without_members_takes_one_place() -> None:
    day = Day()
    (slot,) = day.slots()
    assert day.claim(day.reserve(slot, group_id=day.create("group", name="To come"))).spots == 1


def test_who_is_missing() -> None:
    day = Day()
    (slot,) = day.slots(capacity=5)
    refused(ask(day, slot), INVALID)
    nobody = new_id()
    assert refused(ask(day, slot, nobody), NOT_FOUND) == {"participant_id": nobody}
    refused(ask(day, slot, group_id=nobody), NOT_FOUND)
    refused(ask(day, structs.replace(slot, id=nobody), reserved_name="A"), NOT_FOUND)
    zoe, choir = day.person(), day.create("group", name="Choir")
    day.put(
        structs.replace(day.state.rows[Participant][zoe], deleted=True),
        structs.replace(day.state.rows[Group][choir], deleted=True),
    )
    refused(ask(day, slot, zoe), NOT_FOUND)
    refused(ask(day, slot, group_id=choir), NOT_FOUND)
    refused(
        day.do("reservation.reserve", {"slot_id": slot.id, "reserved_name": "A"}, programme=new_id()),
        NOT_FOUND,
    )


def test_a_slot_is_full() -> None:
    day = Day()
    (slot,) = day.slots(capacity=2)
    day.reserve(slot, day.person())
    assert refused(ask(day, slot, day.person(), guests=1), SLOT_FULL) == {
        "slot_id": slot.id,
        "reserved": 1,
        "capacity": 2,
        "spots": 2,
    }
    day.reserve(slot, day.person())
    refused(ask(day, slot, day.person()), SLOT_FULL)


def test_what_an_override_added_is_not_for_others() -> None:
    day = Day()
    (slot,) = day.slots(capacity=1)
    day.put(structs.replace(slot, overbooked_count=1))
    day.reserve(slot, day.person())
    refused(ask(day, slot, day.person()), SLOT_FULL)


def test_a_block_and_an_event_limit_their_slots() -> None:
    day = Day()
    one, other = day.slots(2, capacity=5, max_capacity=3)
    day.reserve(one, day.person(), guests=1)
    assert refused(ask(day, other, day.person(), guests=1), BLOCK_FULL)["block_id"] == one.time_block_id
    day.reserve(other, day.person())
    assert day.state.rows[EventTimeBlock][one.time_block_id].reserved_count == 3
    event = day.create("event", name="Limited", capacity=1)
    (first,) = day.slots(event=event, start=at(15), capacity=5)
    (second,) = day.slots(event=event, start=at(16), capacity=5)
    day.reserve(first, day.person())
    assert refused(ask(day, second, day.person()), EVENT_FULL) == {
        "event_id": event,
        "reserved": 1,
        "capacity": 1,
        "spots": 1,
    }


@pytest.mark.parametrize(
    ("record", "change", "code"),
    [
        (EventSlot, {"status": "cancelled"}, SLOT_CANCELLED),
        (EventSlot, {"status": "closed", "status_reason": "lunch"}, SLOT_CLOSED),
        (EventSlot, {"deleted": True}, NOT_FOUND),
        (EventTimeBlock, {"status": "cancelled"}, SLOT_CANCELLED),
        (EventTimeBlock, {"status": "closed"}, SLOT_CLOSED),
        (Event, {"is_active": False}, EVENT_INACTIVE),
    ],
)
def test_a_slot_that_takes_nobody(record: type[Any], change: dict[str, Any], code: str) -> None:
    day = Day()
    (slot,) = day.slots()
    id = {"event_slots": slot.id, "event_time_blocks": slot.time_block_id, "events": slot.event_id}[record.TABLE]
    day.put(structs.replace(day.state.rows[record][id], **change))
    refused(ask(day, slot, day.person()), code)


def test_nobody_is_in_two_places_at_once() -> None:
    day = Day()
    here, later = day.slots(2, capacity=5)
    (there,) = day.slots(capacity=5, start=at(12, 5))
    zoe = day.person()
    first = day.reserve(here, zoe)
    assert refused(ask(day, here, zoe), ALREADY_RESERVED)["reservation_id"] == first
    details = refused(ask(day, there, day.person(), zoe), DOUBLE_BOOKED)
    assert (details["participant_id"], details["slot_id"]) == (zoe, here.id)
    day.reserve(later, zoe)


def test_a_waived_membership_is_seen_by_the_rule() -> None:
    """The database's constraint leaves waived rows out, so the rule has to look at them."""
    day = Day()
    (here,) = day.slots(capacity=5)
    (there,) = day.slots(capacity=5)
    zoe = day.person()
    (member,) = day.state.find(MEMBERS, day.reserve(here, zoe))
    day.put(structs.replace(member, waived=True, waived_reason="understudy"))
    refused(ask(day, there, zoe), DOUBLE_BOOKED)


def test_an_ensemble_goes_in_whole_or_not_at_all() -> None:
    day = Day()
    (slot,) = day.slots(capacity=2)
    choir = day.create("group", name="Choir")
    for n in range(3):
        day.person(f"Singer {n}", group_id=choir)
    assert refused(ask(day, slot, group_id=choir), SLOT_FULL)["spots"] == 3
    assert day.slot(slot).reserved_count == 0


def test_cancelling_gives_place_and_person_free() -> None:
    day = Day()
    one, _ = day.slots(2, max_capacity=1)
    zoe = day.person()
    id = day.reserve(one, zoe)
    answer = applied(day.do("reservation.cancel", {"reservation_id": id, "reason": "ill"}, role="volunteer")).answer
    assert answer == {"reservation_id": id, "slot_id": one.id}
    claim = day.claim(id)
    assert (claim.claim, claim.cancelled_at, claim.version, claim.placement_version) == ("cancelled", day.now, 2, 2)
    assert day.slot(one).reserved_count == 0
    assert day.state.rows[EventTimeBlock][one.time_block_id].reserved_count == 0
    assert [member.live for member in day.state.find(MEMBERS, id)] == [False]
    day.reserve(one, zoe)


def test_cancelling_refused() -> None:
    day = Day()
    (slot,) = day.slots()
    id = day.reserve(slot, day.person())
    cancel = {"reservation_id": id}
    refused(day.do("reservation.cancel", {"reservation_id": new_id()}), NOT_FOUND)
    refused(day.do("reservation.cancel", cancel, programme=new_id()), NOT_FOUND)
    refused(day.do("reservation.cancel", cancel, role="public"), NOT_ALLOWED)
    details = refused(day.do("reservation.cancel", cancel, seen={f"slot_reservations/{id}": 7}), MOVED)
    assert (details["seen"], details["placement"]) == (7, 1)
    applied(day.do("reservation.cancel", cancel, seen={f"slot_reservations/{id}": 1}))
    assert refused(day.do("reservation.cancel", cancel), NOT_LIVE)["claim"] == "cancelled"
    day.put(structs.replace(day.claim(id), claim="expired"))
    refused(day.do("reservation.cancel", cancel), HOLD_EXPIRED)


@pytest.mark.parametrize("claim", ["held", "waitlisted"])
def test_held_and_waiting_claims_can_be_cancelled(claim: Any) -> None:
    day = Day()
    (slot,) = day.slots()
    id = day.reserve(slot, day.person())
    day.put(structs.replace(day.claim(id), claim=claim))
    assert day.slot(slot).reserved_count == (1 if claim == "held" else 0)
    applied(day.do("reservation.cancel", {"reservation_id": id}))
    assert day.slot(slot).reserved_count == 0


def test_a_row_that_a_command_makes_bears_its_id() -> None:
    day = Day()
    (slot,) = day.slots()
    zoe = day.person()
    command = day.readable("reservation.reserve", {"slot_id": slot.id, "participant_ids": [zoe]})
    claim, member = applied(day.decide(command)).puts
    assert isinstance(claim, SlotReservation)
    assert claim.id == command.id
    assert member == member_row(command, claim, slot, zoe)
