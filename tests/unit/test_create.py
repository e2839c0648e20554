"""Creating programmes, events, rooms, people and groups."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from server_sync.protocol.errors import ALREADY_EXISTS, INVALID, NOT_ALLOWED, NOT_FOUND
from server_sync.protocol.ids import new_id
from server_sync.protocol.records import Event, EventLocation, Group, Location, Participant, Programme
from server_sync.rules.registry import RULES
from server_sync.rules.state import PEOPLE_OF_GROUP, ROOMS_OF_EVENT, Keys
from tests.unit.day import Day, applied, at, refused


def test_a_programme_is_its_own_scope() -> None:
    day = Day()
    programme = day.state.get(Programme, day.programme)
    assert programme is not None
    assert (programme.id, programme.programme_id, programme.status) == (day.programme, day.programme, "draft")
    assert programme.practice is False


@pytest.mark.parametrize("zone", ["Nowhere/Land", "America", "../UTC", "/etc/passwd", "UTC\n", "Europe", "x" * 150])
def test_a_zone_that_is_none(zone: str) -> None:
    details = refused(Day().do("programme.create", {"name": "A", "time_zone": zone}), INVALID)
    assert details["field"] == "time_zone"


def test_a_programme_does_not_end_before_it_starts() -> None:
    args = {"name": "A", "time_zone": "Europe/Zurich", "starts_on": "2026-05-02", "ends_on": "2026-05-01"}
    assert refused(Day().do("programme.create", args), INVALID)["field"] == "ends_on"
    applied(Day().do("programme.create", {**args, "ends_on": "2026-05-02"}))


def test_an_event_with_its_rooms() -> None:
    day = Day()
    hall, studio = day.create("location", name="Hall", building="North", capacity=80), day.create("location", name="S")
    event_id = day.create(
        "event",
        name="Piano solo, grade 5",
        category="music",
        points_first=10,
        tags=["piano"],
        capacity=40,
        price=500,
        currency="CHF",
        location_ids=[hall, studio, hall],
        metadata={"judge": {"name": "é"}},
    )
    event = day.state.get(Event, event_id)
    assert event is not None
    assert (event.capacity, event.reserved_count, event.is_active, event.tags) == (40, 0, True, ["piano"])
    assert {use.location_id for use in day.state.find(ROOMS_OF_EVENT, event_id)} == {hall, studio}
    assert len(day.state.rows[EventLocation]) == 2


def test_an_event_refused() -> None:
    day = Day()
    unknown = new_id()
    assert refused(day.do("event.create", {"name": "A", "location_ids": [unknown]}), NOT_FOUND) == {
        "location_id": unknown
    }
    refused(day.do("event.create", {"name": "A", "master_start": at(12), "master_end": at(12)}), INVALID)
    refused(day.do("event.create", {"name": "A"}, role="room_manager"), NOT_ALLOWED)
    for args in (
        {"name": ""},
        {"name": "A", "capacity": 0},
        {"name": "A", "currency": "chf"},
        {"name": "A", "fee": -1},
    ):
        refused(day.do("event.create", args), INVALID)


@pytest.mark.parametrize("kind", ["event", "location", "participant", "group"])
def test_an_external_id_is_given_once(kind: str) -> None:
    day = Day()
    name: dict[str, Any] = {"display_name" if kind == "participant" else "name": "A"}
    first = day.create(kind, **name, external_id="X-1")
    assert refused(day.do(f"{kind}.create", {**name, "external_id": "X-1"}), ALREADY_EXISTS) == {
        "external_id": "X-1",
        "id": first,
    }
    day.create(kind, **name, external_id="X-2")
    day.create(kind, **name)
    day.create(kind, **name)


@pytest.mark.parametrize("kind", ["event", "location", "participant", "group"])
def test_nothing_is_made_in_an_unknown_programme(kind: str) -> None:
    args = {"display_name" if kind == "participant" else "name": "A"}
    refused(Day().do(f"{kind}.create", args, programme=new_id()), NOT_FOUND)


def test_a_room_of_another_programme_is_unknown() -> None:
    day = Day()
    room = day.create("location", name="Hall")
    other = new_id()
    applied(day.do("programme.create", {"name": "Other"}, id=other))
    refused(day.do("event.create", {"name": "A", "location_ids": [room]}, programme=other), NOT_FOUND)
    group = day.create("group", name="Choir")
    refused(day.do("participant.create", {"display_name": "A", "group_id": group}, programme=other), NOT_FOUND)


def test_people_and_their_groups() -> None:
    day = Day()
    choir = day.create("group", name="Choir", school="North")
    named = day.create("participant", first_name="Zoë", last_name="Ünal", group_id=choir, age=9, contact="a@b.c")
    shown = day.create("participant", first_name="Zoë", display_name="Zed", group_id=choir)
    names = {row.id: row.display_name for row in day.state.find(PEOPLE_OF_GROUP, choir)}
    assert names == {named: "Zoë Ünal", shown: "Zed"}
    assert day.state.rows[Group][choir].name == "Choir"
    assert day.state.rows[Participant][named].contact == "a@b.c"
    assert refused(day.do("participant.create", {"school": "North"}), INVALID)["field"] == "display_name"
    refused(day.do("participant.create", {"display_name": "A", "group_id": new_id()}), NOT_FOUND)
    refused(day.do("participant.create", {"display_name": "A", "age": 151}), INVALID)
    refused(day.do("location.create", {"name": "A", "position": 10**12}), INVALID)
    assert day.state.rows[Location] == {}


@pytest.mark.parametrize("blank", [" ", "\t", "\n \u2003"])
def test_no_name_is_only_blanks(blank: str) -> None:
    """Wherever any kind of command takes a name, for whatever."""
    day = Day()
    found = 0
    for kind, rule in sorted(RULES.items()):
        for field in msgspec.structs.fields(rule.args):
            if field.name == "name" or field.name.endswith("_name"):
                found += 1
                problem = refused(day.do(kind, {field.name: blank}), INVALID)["problem"]
                assert f"$.{field.name}" in problem, (kind, field.name)
    assert found > 20


@pytest.mark.parametrize("kind", ["event", "location", "participant", "group"])
def test_only_who_wants_a_name_waits_for_the_programme(kind: str) -> None:
    """A long import keeps the programme locked: whoever makes a row meanwhile waits only if it must bear a name."""
    day = Day()
    name = "display_name" if kind == "participant" else "name"
    for more, waits in (({}, False), ({"external_id": "a"}, True)):
        command = day.readable(f"{kind}.create", {name: "A", **more})
        keys = RULES[f"{kind}.create"].needs(command, day.state)
        assert ((Programme, day.programme) in keys.lock) is waits
        assert keys.covers(Keys(read={(Programme, day.programme)}))
