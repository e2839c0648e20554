"""Real schedules and people come in whole: the counts are the files' own, each difference is explained."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from server_sync.importers import Defaults, read
from server_sync.importers.text import name_of
from server_sync.protocol.imports import Import, summary
from tests.importers.documents import (
    codes,
    imported,
    neighbours_overlapping,
    past_midnight,
    unwaived_room_overlaps,
    with_code,
)

SUMMER = timedelta(hours=1)
Talk = tuple[str, str, datetime, datetime]


def talks(document: Import) -> set[Talk]:
    """Title, room, start and end of each talk."""
    titles = {event.key: event.name for event in document.events}
    return {(titles[block.event], block.room, block.start, block.end) for block in document.blocks}


def file(folder: Path, name: str) -> Import:
    """A real file, read."""
    return imported(name, (folder / name).read_bytes())


@pytest.mark.parametrize("name", ["emf-2024.schedule.frab.xml", "emf-2024.schedule.ics"])
def test_emf_comes_in_whole(data_folder: Path, name: str) -> None:
    document = file(data_folder, name)
    counts = summary(document)
    assert (counts.events, counts.blocks, counts.rooms, counts.refused) == (482, 482, 44, 0)
    # 21 neighbours overlap; long events overlap more than their neighbour, so 26 blocks need a waiver.
    assert neighbours_overlapping(document) == 21
    assert len(with_code(document, "room_overlap")) == 26
    assert sum(block.waiver != "" for block in document.blocks) == 26
    assert unwaived_room_overlaps(document) == 0
    assert past_midnight(document, SUMMER) == 21


def test_emf_speakers(data_folder: Path) -> None:
    written = json.loads((data_folder / "emf-2024.schedule.json").read_bytes())
    document = file(data_folder, "emf-2024.schedule.frab.xml")
    assert summary(document).people == 263 == len({talk["user_id"] for talk in written})
    assert summary(document).claims == 482
    assert all(person.external_id == person.key and person.display_name for person in document.people)
    # 309 spellings, 306 once blanks around them are gone: each is kept, as a shown or an other name, or in its place.
    assert len({talk["speaker"] for talk in written}) == 309
    shown = {person.key: person.display_name for person in document.people}
    kept = {claim.name or shown[claim.people[0]] for claim in document.claims}
    assert kept == {name_of(talk["speaker"]) for talk in written}
    assert len(kept) == 306


def test_emf_doubtful_identities(data_folder: Path) -> None:
    written = json.loads((data_folder / "emf-2024.schedule.json").read_bytes())
    ids: dict[str, set[int]] = {}
    for talk in written:
        ids.setdefault(talk["speaker"], set()).add(talk["user_id"])
    several = {name for name, found in ids.items() if len(found) > 1}
    assert len(several) == 15
    document = file(data_folder, "emf-2024.schedule.frab.xml")
    reported = {problem.subject for problem in with_code(document, "several_ids")}
    # One more than by exact spelling: names are compared without regard to case and blanks around them.
    assert several <= reported
    assert len(reported) == 16
    # 31 ids have several spellings; one of them differs by a blank alone.
    assert len(with_code(document, "several_names")) == 30
    assert all(problem.place.line for problem in document.problems)


def test_emf_alike_in_three_formats(data_folder: Path) -> None:
    frab = file(data_folder, "emf-2024.schedule.frab.xml")
    calendar = file(data_folder, "emf-2024.schedule.ics")
    london = ZoneInfo("Europe/London")
    own = {
        (
            name_of(talk["title"]),
            name_of(talk["venue"]),
            datetime.fromisoformat(talk["start_date"]).replace(tzinfo=london).astimezone(UTC),
            datetime.fromisoformat(talk["end_date"]).replace(tzinfo=london).astimezone(UTC),
        )
        for talk in json.loads((data_folder / "emf-2024.schedule.json").read_bytes())
    }
    assert talks(frab) == talks(calendar) == own
    assert {room.key for room in frab.rooms} == {room.key for room in calendar.rooms}
    # What differs, and why: the calendar names no speakers; frab names no time zone, only an offset, and writes the
    # two durations beyond a day as days, hours and minutes.
    assert not calendar.people
    assert not calendar.claims
    assert frab.schedule is not None
    assert calendar.schedule is not None
    assert (frab.schedule.time_zone, calendar.schedule.time_zone) == ("Etc/GMT-1", "Europe/London")
    only_frab = codes(frab) - codes(calendar)
    assert only_frab == {
        "several_names": 30,
        "several_ids": 16,
        "person_overlap": 16,
        "long_duration": 2,
        "time_zone": 1,
    }
    assert codes(calendar) == {"room_overlap": 26}


def test_a_named_zone_settles_frab(data_folder: Path) -> None:
    name = "emf-2024.schedule.frab.xml"
    document = imported(name, (data_folder / name).read_bytes(), Defaults(time_zone="Europe/London"))
    assert document.schedule is not None
    assert document.schedule.time_zone == "Europe/London"
    assert "time_zone" not in codes(document)


def test_fosdem(data_folder: Path) -> None:
    document = file(data_folder, "fosdem-2026.schedule.xml")
    counts = summary(document)
    assert (counts.rooms, counts.events, counts.people, counts.refused) == (37, 1079, 1216, 0)
    # Counted apart from our reader: the file's 37 rooms all have names, its 1216 ids as many names.
    root = ElementTree.parse(data_folder / "fosdem-2026.schedule.xml").getroot()
    persons = [person for day in root.iter("day") for person in day.iter("person")]
    assert counts.claims == len(persons) == 1472
    assert {person.get("id") for person in persons} == {person.key for person in document.people}
    assert {(person.text or "").strip() for person in persons} == {person.display_name for person in document.people}
    capacities = {block.event: block.slot_capacity for block in document.blocks}
    for event in root.iter("event"):
        assert capacities[event.get("guid") or ""] == max(1, len(event.findall("persons/person")))
    # The file's own list of persons adds what it knows of each.
    staff = next(person for person in document.people if person.key == "1")
    assert staff.metadata["slug"] == "johan_van_de_wauw"
    assert "biography" in staff.metadata
    first = next(event for event in document.events if event.metadata["slug"] == "PSLRYZ-go-graphics")
    assert first.tags == ("BOF/Unconference", "bof")
    assert first.metadata["language"] == "en"
    assert sum(not person.display_name.isascii() for person in document.people) == 132


def test_camp_2019(data_folder: Path) -> None:
    document = file(data_folder, "voc-frab-camp2019.json")
    counts = summary(document)
    assert (counts.rooms, counts.events, counts.claims, counts.refused) == (2, 79, 96, 0)
    assert document.schedule is not None
    assert document.schedule.time_zone == "Europe/Berlin"
    opening = next(block for block in document.blocks if block.start == datetime(2019, 8, 21, 9, tzinfo=UTC))
    assert opening.end - opening.start == timedelta(minutes=30)
    assert opening.slot_capacity == 2
    assert codes(document) == {"several_ids": 1}


def test_democon_has_two_rooms_with_one_guid(data_folder: Path) -> None:
    document = file(data_folder, "voc-pretalx-democon.json")
    assert [room.name for room in document.rooms] == ["Gray Room", "Tan Room"]
    assert len({room.metadata["guid"] for room in document.rooms}) == 1
    assert summary(document).events == 36
    assert codes(document)["same_guid"] == 1
    assert codes(document)["other_offset"] == 1


def test_legislators(data_folder: Path) -> None:
    data = (data_folder / "us-legislators-historical.csv").read_bytes()
    start = time.perf_counter()
    document = imported("us-legislators-historical.csv", data)
    assert time.perf_counter() - start < 2  # about 0.3 s; a shared machine may be slower
    assert len(document.people) == 12230
    assert len({person.external_id for person in document.people}) == 12230
    assert all(person.first_name and person.last_name and person.display_name for person in document.people)
    derived = sum(person.display_name == f"{person.first_name} {person.last_name}" for person in document.people)
    assert derived >= 11629
    smiths = [person for person in document.people if person.display_name == "William Smith"]
    assert len(smiths) == 15
    assert {problem.severity for problem in document.problems} == {"note"}
    last = document.people[-1]
    assert "202-225-2939" in last.contact
    assert "phone" not in last.metadata


@pytest.mark.parametrize(
    "name", ["nicknames.csv", "emf-2024.schedule.json", "emf-2024.Shift.json", "emf-2016.TicketCheckin.json"]
)
def test_other_files_are_refused_with_words(data_folder: Path, name: str) -> None:
    found = read(name, (data_folder / name).read_bytes())
    assert not isinstance(found, Import)
    assert found.problem.code in ("no_header", "not_a_schedule")
    assert found.problem.advice


def test_every_real_document_survives_the_wire(data_folder: Path) -> None:
    for path in sorted(data_folder.iterdir()):
        found = read(path.name, path.read_bytes())
        assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found
        assert read(path.name, path.read_bytes()) == found  # the same file says the same, keys included
