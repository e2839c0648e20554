"""Schedules and rosters come in as they are, each with a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.stage import Stage

FRAB = """<?xml version="1.0"?><schedule><conference><title>Day</title><time_zone_name>Europe/London</time_zone_name>
</conference><day date="2027-05-01" index="1"><room name="Stage A"><event id="7" guid="f-7">
<date>2027-05-01T10:00:00+01:00</date><start>10:00</start><duration>00:30</duration><title>Frab talk</title>
<persons><person id="3">Ada Okafor</person></persons></event></room></day></schedule>"""
JSON = """{"schedule": {"version": "1", "conference": {"title": "Day", "time_zone_name": "Europe/London", "days": [
{"index": 1, "date": "2027-05-02", "rooms": {"Stage B": [{"id": 8, "guid": "j-8", "title": "JSON talk",
"date": "2027-05-02T11:00:00+01:00", "start": "11:00", "duration": "00:45", "room": "Stage B",
"persons": [{"id": 4, "public_name": "Bo Lind"}]}]}}]}}}"""
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//x//EN
BEGIN:VEVENT
UID:c-9
DTSTAMP:20270101T000000Z
DTSTART:20270503T090000Z
DTEND:20270503T093000Z
SUMMARY:Calendar talk
LOCATION:Stage C
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")
ROSTER = "id,first name,last name,school\n11,Zoë,Núñez,St Anne\n12,Cy,Young,Hill\n12,Cy,Young,Hill\n"
READERS, STAND_INS = "part:server_sync.importers", "tests.scenarios.standins"


@pytest.mark.turned_off(
    "command:import.apply", f"{READERS}.frab_xml:read->{STAND_INS}:nothing_in_frab",
    f"{READERS}.schedule_json:read->{STAND_INS}:nothing_in_json",
    f"{READERS}.icalendar:read->{STAND_INS}:nothing_in_the_calendar",
    f"{READERS}.csv_people:read->{STAND_INS}:nobody_in_the_list",
)  # fmt: skip
async def test_C17_schedules_and_rosters_import_as_they_are(stage: Stage) -> None:
    for name, text, events in (
        ("schedule.xml", FRAB, 1), ("schedule.json", JSON, 1), ("day.ics", CALENDAR, 1), ("roster.csv", ROSTER, 0),
    ):  # fmt: skip
        dry = await _send(stage, name, text.encode(), dry_run="true")
        done = await _send(stage, name, text.encode())
        assert done["tables"] == dry["tables"], "what was promised was done"
        assert done["in_file"]["events"] == events
        again = await _send(stage, name, text.encode())
        assert again["changed"] == 0, f"{name} a second time changes nothing"
    report = [problem for problem in done["problems"] if problem["place"].get("line") == 4]
    assert report, "the roster's repeated line is reported, with its place"
    assert report[0]["reason"]
    assert report[0]["advice"]
    names = {row[0] for row in await stage.sql.fetch("SELECT name FROM events")}
    assert {"Frab talk", "JSON talk", "Calendar talk"} <= names
    people = {row[0] for row in await stage.sql.fetch("SELECT display_name FROM participants")}
    assert people == {"Ada Okafor", "Bo Lind", "Zoë Núñez", "Cy Young"}
    placed = await stage.value("SELECT count(*) FROM reservation_members m JOIN slot_reservations r"
                               " ON r.id = m.reservation_id WHERE r.claim = 'reserved' AND m.live")  # fmt: skip
    assert placed == 2, "the speakers are in their talks"


@pytest.mark.turned_off(
    f"{READERS}.frab_xml:read->{STAND_INS}:nothing_in_frab",
    f"{READERS}.schedule_json:read->{STAND_INS}:nothing_in_json",
    f"{READERS}.icalendar:read->{STAND_INS}:nothing_in_the_calendar",
)  # fmt: skip
async def test_C17_real_schedules_import_as_they_are(stage: Stage, data_folder: Path) -> None:
    """Skipped where CALLBOARD_DATA does not name their folder, which leaves the row open."""
    for name in ("emf-2024.schedule.frab.xml", "voc-pretalx-democon.json", "emf-2024.schedule.ics"):
        done = await _send(stage, name, (data_folder / name).read_bytes())
        assert done["in_file"]["events"] > 5
        assert done["tables"].get("events", {}).get("added", 0) + done["tables"]["events"].get("unchanged", 0) > 5


async def _send(stage: Stage, name: str, data: bytes, **query: Any) -> dict[str, Any]:
    reply = await stage.client.post(
        "/v1/import", content=data, params={"name": name, **query}, headers=stage.festival.admin
    )
    assert reply.status_code == 200, f"{name}: {reply.status_code} {reply.text}"
    found: dict[str, Any] = reply.json()
    return found
