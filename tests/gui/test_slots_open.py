"""Which slots can be taken, in which order, and why the others can't: decided by the rules on real rows."""

from __future__ import annotations

import pytest
from msgspec import structs

from desktop.day.open_slots import OpenSlot, Request, open_slots
from server_sync.protocol.errors import ALREADY_RESERVED, DOUBLE_BOOKED, SLOT_FULL
from server_sync.protocol.records import Event, EventSlot
from tests.gui.board_day import SampleBoard


@pytest.fixture
def port() -> SampleBoard:
    """An empty day at 09:38."""
    return SampleBoard(now="09:38")


def said(port: SampleBoard, found: list[OpenSlot]) -> list[tuple[str, str]]:
    """Time and refusal of each."""
    return [
        (entry.slot.start_time.strftime("%H:%M"), "" if entry.refusal is None else entry.refusal.code)
        for entry in found
    ]


def test_a_move_offers_its_own_event_first_then_others_then_what_it_can_not_have(port: SampleBoard) -> None:
    room, other = port.room("Room D"), port.room("Room C")
    drums, duet = port.event("Drums"), port.event("Duet")
    port.slot(room, drums, "09:00", 15)  # over
    claim = port.claim(port.slot(room, drums, "09:30", 15), port.person("Omar Love"))
    port.claim(port.slot(room, drums, "09:45", 15), port.person("Tariq Aziz"))
    port.slot(room, drums, "10:30", 15)
    port.slot(other, duet, "10:00", 15)
    port.claim(port.slot(other, duet, "13:10", 30, capacity=2), port.person("Omar Love"))
    port.slot(room, drums, "13:15", 15)
    port.slot(room, drums, "11:00", 15, status="closed", reason="Break")
    found = open_slots(port.state, port.now(), Request(port.programme_id, claim_id=claim.id))
    assert said(port, found) == [
        ("10:30", ""),
        ("10:00", ""),
        ("09:45", SLOT_FULL),
        ("13:15", DOUBLE_BOOKED),
        ("13:10", ALREADY_RESERVED),
    ]
    assert [entry.places for entry in found] == [1, 1, 0, 1, 1]


def test_a_group_needs_room_for_all_of_it(port: SampleBoard) -> None:
    room, event = port.room("Hall"), port.event("Choirs")
    port.slot(room, event, "10:00", 30, capacity=3)
    port.slot(room, event, "11:00", 30, capacity=4)
    choir = port.group("Choir", 4)
    found = open_slots(port.state, port.now(), Request(port.programme_id, group_id=choir.id))
    assert said(port, found) == [("11:00", ""), ("10:00", SLOT_FULL)]


def test_what_has_begun_comes_after_what_is_to_come(port: SampleBoard) -> None:
    room, event = port.room("Hall"), port.event("Solo")
    port.slot(room, event, "09:30", 30)
    port.slot(room, event, "10:00", 30)
    found = open_slots(port.state, port.now(), Request(port.programme_id))
    assert said(port, found) == [("10:00", ""), ("09:30", "")]


def test_an_event_that_is_off_offers_nothing(port: SampleBoard) -> None:
    event = port.event("Solo")
    port.slot(port.room("Hall"), event, "10:00", 30)
    assert len(port.state.rows[EventSlot]) == 1
    off = port.state.get(Event, event.id)
    assert off is not None
    port.put(structs.replace(off, is_active=False))
    assert open_slots(port.state, port.now(), Request(port.programme_id)) == []
