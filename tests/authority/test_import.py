"""Whole files through the real authority: what is in the database afterwards, twice, at once, and beside other work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from resources import demo_day
from server_sync.importers import Defaults, read, read_all
from server_sync.protocol.commands import Result
from server_sync.protocol.imports import Import, ImportRefused, group_members
from server_sync.rules.import_file import Args, preview
from server_sync.rules.import_report import TableCounts
from server_sync.rules.state import Changes
from tests.anything.rows import differences, replayed, tables
from tests.authority.centre import ROOT, Centre, centre, code, envelope, ok

FILES = (
    "emf-2024.schedule.frab.xml",
    "emf-2024.schedule.ics",
    "fosdem-2026.schedule.xml",
    "voc-frab-camp2019.json",
    "voc-pretalx-democon.json",
    "us-legislators-historical.csv",
)


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Centre]:
    """Two authorities on one database."""
    async with centre(database_url, 2) as made:
        yield made


def real(folder: Path, name: str) -> Import:
    """What our readers make of a real file."""
    return readable(read(name, (folder / name).read_bytes(), Defaults(name="Day", time_zone="Europe/London")))


def demo() -> Import:
    """The demo day."""
    day = demo_day.day()
    return readable(read_all(demo_day.files(), Defaults(name=day.name, time_zone=day.time_zone, date=day.date)))


def readable(found: Import | ImportRefused) -> Import:
    """The document, or a failed test that says why not."""
    assert isinstance(found, Import), found
    return found


async def bring(here: Centre, document: Import, at: int = 0) -> dict[str, Any]:
    """Import; the answer."""
    return ok(await here.submit("import.apply", msgspec.to_builtins(Args(document=document)), at=at))


def counts(answer: dict[str, Any]) -> dict[str, TableCounts]:
    """The answer's counts by table."""
    return preview(Changes([], answer))


async def count(here: Centre, what: str) -> int:
    """How many rows of the programme (``what``: a table, perhaps with conditions)."""
    table, _, where = what.partition(" ")
    number: int = await here.sql.fetchval(
        f"SELECT count(*) FROM {table} WHERE programme_id = $1 {'AND ' + where if where else ''}", here.programme
    )
    return number


async def check(here: Centre, document: Import) -> None:
    """The tables say what the document says, and every count is that of its claims."""
    members = group_members(document)
    for table, wanted in {
        "events": len(document.events),
        "locations": len(document.rooms),
        "event_time_blocks": len(document.blocks),
        "event_slots": sum(block.slot_count for block in document.blocks),
        "participants": len(document.people),
        "groups": len(document.groups),
        "slot_reservations": len(document.claims),
        "reservation_members": sum(
            len(claim.people or members.get(claim.group or "", ())) for claim in document.claims
        ),
        "event_time_blocks waived": sum(bool(block.waiver) for block in document.blocks),
        "event_locations": len({(block.event, block.room) for block in document.blocks}),
        "participants group_id IS NOT NULL": sum(person.group is not None for person in document.people),
    }.items():
        assert await count(here, table) == wanted, table
    assert await here.sql.fetchval(
        "SELECT count(*) FROM event_slots s WHERE reserved_count > capacity OR overbooked_count <> 0 OR reserved_count"
        " <> (SELECT coalesce(sum(spots), 0) FROM slot_reservations r WHERE r.slot_id = s.id AND r.claim = 'reserved')"
    ) == 0  # fmt: skip
    assert await here.sql.fetchval(
        "SELECT count(*) FROM slot_reservations r WHERE spots <> greatest(1,"
        " (SELECT count(*) FROM reservation_members m WHERE m.reservation_id = r.id))"
    ) == 0  # fmt: skip


async def unchanged_by(here: Centre, document: Import) -> None:
    """Importing it again writes no row but the ledger's."""
    stamps = "SELECT sum(('x' || substr(md5(last_xid::text || id::text), 1, 8))::bit(32)::int::bigint) FROM {}"
    tables = ("programmes", "events", "locations", "event_time_blocks", "event_slots", "participants", "groups",
              "slot_reservations", "reservation_members", "event_locations")  # fmt: skip
    before = [await here.sql.fetchval(stamps.format(table)) for table in tables]
    again = await bring(here, document, at=1)
    assert again["changed"] == 0
    assert all((table.added, table.changed) == (0, 0) for table in counts(again).values())
    assert [await here.sql.fetchval(stamps.format(table)) for table in tables] == before


@pytest.mark.parametrize("name", FILES)
async def test_a_real_file_comes_in_whole_and_once(here: Centre, data_folder: Path, name: str) -> None:
    document = real(data_folder, name)
    answer = await bring(here, document)
    assert not any(table.refused or table.doubtful for table in counts(answer).values()), answer["problems"]
    await check(here, document)
    await unchanged_by(here, document)


async def test_the_demo_day_comes_in_whole_and_once(here: Centre) -> None:
    document = demo()
    answer = await bring(here, document)
    assert [problem["code"] for problem in answer["problems"]] == ["time_zone"]
    await check(here, document)
    sizes = {
        row["name"]: (row["members"], row["spots"])
        for row in await here.sql.fetch(
            "SELECT g.name, (SELECT count(*) FROM participants p WHERE p.group_id = g.id) AS members,"
            " min(r.spots) AS spots FROM groups g LEFT JOIN slot_reservations r ON r.group_id = g.id GROUP BY g.id"
        )
    }
    wanted = group_members(document)
    assert {name: size for name, (size, _) in sizes.items()} == {
        group.name: len(wanted[group.key]) for group in document.groups
    }
    assert all(spots in (None, size) for size, spots in sizes.values())
    await unchanged_by(here, document)


async def test_the_same_file_twice_at_once_comes_in_once(here: Centre) -> None:
    document = demo()
    answers = await asyncio.gather(*(bring(here, document, at=at) for at in (0, 1, 0, 1)))
    assert sorted(answer["changed"] == 0 for answer in answers) == [False, True, True, True]
    await check(here, document)


async def test_people_reserve_while_a_file_comes_again(here: Centre) -> None:
    """A file that moves a block, while people take places in it: nothing is lost, nothing overbooked."""
    schedule = (
        "block,event,category,type,room,date,start,end,slot_minutes,slot_capacity\n"
        "B1,Piano,music,team,{room},2082-05-02,{start},{end},10,3\n"
    )
    texts = [
        schedule.format(room=room, start=f"{hour:02}:00", end=f"{hour + 1:02}:00")
        for hour, room in enumerate(["Hall", "Gym"] * 4, 9)
    ]
    documents = [readable(read("b1.csv", text.encode(), Defaults(time_zone="UTC"))) for text in texts]
    await bring(here, documents[0])
    slots = [str(row["id"]) for row in await here.sql.fetch("SELECT id FROM event_slots")]
    people = await here.people(30)
    reserving = [
        here.reserve(slot, person, at=number % 2)
        for number, person in enumerate(people)
        for slot in slots[number % 2 :: 2]
    ]
    importing = asyncio.create_task(_one_after_another(here, documents[1:]))
    verdicts = await asyncio.gather(*reserving)
    imported = await importing
    assert set(map(code, verdicts)) <= {"applied", "SLOT_FULL"}
    assert imported == 7
    assert await count(here, "slot_reservations") == len(slots) * 3 == list(map(code, verdicts)).count("applied")
    wrong = await here.sql.fetchval(
        "SELECT count(*) FROM reservation_members m JOIN event_slots s ON s.id = m.slot_id"
        " JOIN slot_reservations r ON r.id = m.reservation_id WHERE m.start_time <> s.start_time"
        " OR r.location_id <> s.location_id OR s.reserved_count <> 3 OR s.start_time < '2082-05-02T16:00Z'"
    )
    assert wrong == 0


async def _one_after_another(here: Centre, documents: list[Import]) -> int:
    done = 0
    for document in documents:
        while (result := await _try(here, document)) != "applied":
            assert result == "BUSY"  # others took places again and again meanwhile: nothing was stored
        done += 1
    return done


async def _try(here: Centre, document: Import) -> str:
    return code(await here.submit("import.apply", msgspec.to_builtins(Args(document=document)), at=1))


async def test_the_line_gets_what_a_file_adds_and_the_files_claims_get_seats(here: Centre) -> None:
    """A slot with a line grows, another one has seats: who waited and whom the file names come in, in one command."""
    people = "id,first_name,last_name\nP1,Ann,Lee\nP2,Bo,Ek\nP3,Cy,Fox\n"
    schedule = (
        "block,event,category,type,room,date,start,end,slot_minutes,slot_capacity\n"
        "B1,Piano,music,individual,Hall,2082-05-02,09:00,09:20,10,{places}\n"
    )
    said = "block,slot,person_id\nB1,1,P1\n"
    await bring(here, together(people, schedule.format(places=1), said))
    event = str(await here.sql.fetchval("SELECT id FROM events"))
    first, second = [str(r["id"]) for r in await here.sql.fetch("SELECT id FROM event_slots ORDER BY slot_number")]
    room = str(await here.sql.fetchval("SELECT id FROM locations"))
    ok(await here.submit("event.update", {"event_id": event, "waitlist_enabled": True}))
    waiting = []
    for person in await here.people(3):
        wanted = {"slot_id": first, "participant_ids": [person], "on_full": "waitlist"}
        waiting.append(ok(await here.submit("reservation.reserve", wanted))["reservation_id"])
    assert await count(here, "slot_reservations claim = 'waitlisted'") == 3
    seats = [{"row": "A", "number": number} for number in (1, 2, 3)]
    ok(await here.submit("seats.create", {"location_id": room, "seats": seats}))
    ok(await here.submit("slot.open_seats", {"slot_id": second}))

    grown = together(people, schedule.format(places=4), said + "B1,1,P2\nB1,2,P3\n")
    answer = await bring(here, grown, at=1)
    assert answer["promoted"] == waiting[:2]
    assert [problem["code"] for problem in answer["problems"]] == ["seated", "line_ahead"]
    assert await here.counts(first) == (4, 4)
    assert await here.counts(second) == (1, 1)
    assert await count(here, "reservation_members live") == 5
    assert await count(here, "reservation_members waiting") == 1
    booked = await here.sql.fetch(
        "SELECT r.slot_id FROM slot_seats s JOIN slot_reservations r ON r.id = s.reservation_id"
        " WHERE s.state = 'booked'"
    )
    assert [str(row["slot_id"]) for row in booked] == [second]
    assert "promoted" not in await bring(here, grown)

    # the file moves a claim off its seat to the other slot, where the last one waits, and another one onto the seats
    moved = together(people, schedule.format(places=5), said.replace("1,P1", "2,P1") + "B1,1,P2\nB1,1,P3\n")
    answer = await bring(here, moved)
    assert answer["promoted"] == waiting[2:]
    owners = await here.sql.fetch(
        "SELECT p.external_id FROM slot_seats s JOIN slot_reservations r ON r.id = s.reservation_id"
        " JOIN participants p ON p.id = r.participant_id WHERE s.state = 'booked'"
    )
    assert [row["external_id"] for row in owners] == ["P1"]
    assert await here.counts(first) == (5, 5)


def together(*texts: str) -> Import:
    """The document of several files."""
    files = [(f"{number}.csv", text.encode()) for number, text in enumerate(texts)]
    return readable(read_all(files, Defaults(name="Day", time_zone="UTC")))


NAMED = "block,event,room,date,start,end,slot_minutes,slot_capacity,capacity,slot,person\n"


async def test_the_ledger_tells_what_a_file_brought_and_what_it_changed(here: Centre) -> None:
    """A limit set on a block that people are in, and an empty block that was another event's."""
    piano = "B1,Piano,Hall,2082-05-02,09:00,10:00,15,2,{},1,Ann\nB1,,,,,,,,,1,Bo\n"
    dance = "B2,{},Gym,2082-05-02,09:00,10:00,15,2,,,\n"
    await bring(here, together(NAMED + piano.format("") + dance.format("Dnace")))
    answer = await bring(here, together(NAMED + piano.format(3) + "B1,,,,,,,,,2,Cy\n" + dance.format("Dance")), at=1)
    assert answer["problems"] == []
    events = {row[0] for row in await here.sql.fetch(
        "SELECT e.name FROM event_time_blocks b JOIN events e ON e.id = b.event_id WHERE b.deleted IS NOT TRUE"
    )}  # fmt: skip
    assert events == {"Piano", "Dance"}
    limit = await here.sql.fetchrow(
        "SELECT max_capacity, reserved_count, overbooked_count FROM event_time_blocks WHERE external_id = 'B1'"
    )
    assert tuple(limit) == (3, 3, 0)
    there = await tables(here.sql, here.programme)
    assert differences(await replayed(here.sql, here.programme), there) == []
    slot = await here.sql.fetchval(
        "SELECT s.id::text FROM event_slots s JOIN event_time_blocks b ON b.id = s.time_block_id"
        " WHERE b.external_id = 'B1' AND s.slot_number = 4"
    )
    assert code(await here.submit("reservation.reserve", {"slot_id": slot, "reserved_name": "Di"})) == "BLOCK_FULL"


async def test_who_was_erased_does_not_come_back_with_the_file(here: Centre) -> None:
    people, said = "id,name\nP1,Zoe Quill\n", "block,slot,person_id\nB1,1,P1\n"
    files = (people, NAMED + "B1,Piano,Hall,2082-05-02,09:00,10:00,15,2,,,\n", said)
    await bring(here, together(*files))
    erased = str(await here.sql.fetchval("SELECT id FROM participants"))
    ok(await here.submit("participant.erase", {"participant_id": erased, "reason": "asked"}))
    answer = await bring(here, together(*files), at=1)
    assert [problem["code"] for problem in answer["problems"]] == ["erased_here"]
    assert answer["changed"] == 0
    assert await count(here, "participants") == await count(here, "slot_reservations") == 1


async def test_nonsense_is_refused_and_leaves_no_trace(here: Centre) -> None:
    said: dict[str, Any] = {"document": msgspec.json.decode(msgspec.json.encode(demo()))}
    said["document"]["blocks"][3]["start"] = "2082-05-02T09:00:00"
    result = await here.submit("import.apply", said)
    assert code(result) == "INVALID"
    assert await count(here, "events") == 0
    deep = envelope("import.apply", {})
    deep = msgspec.structs.replace(deep, args=msgspec.Raw(b'{"document":' + b"[" * 50_000 + b"]" * 50_000 + b"}"))
    assert code(await here.authority.submit(ROOT, deep, here.programme)) == "INVALID"


async def test_the_ledger_keeps_every_row_that_an_import_wrote(here: Centre) -> None:
    args = msgspec.to_builtins(Args(document=demo()))
    result = await here.submit("import.apply", args)
    assert isinstance(result, Result)
    stored = await here.sql.fetchrow("SELECT status, details, effects FROM commands WHERE id = $1", result.id)
    effects = msgspec.json.decode(stored["effects"])
    assert len(effects) == (result.details or {})["changed"]
    assert len(stored["details"]) < 5_000, "the answer stays small"
    replay = await here.authority.submit(ROOT, envelope("import.apply", args, id=result.id), here.programme)
    assert replay == result


async def test_emf_as_frab_and_as_icalendar_is_the_same_day(here: Centre, data_folder: Path) -> None:
    frab, ics = (real(data_folder, f"emf-2024.schedule.{kind}") for kind in ("frab.xml", "ics"))
    await bring(here, frab)
    as_frab = await _board(here)
    made = envelope("programme.create", {"name": "From the calendar"})
    ok(await here.authority.submit(ROOT, made))
    here.programme = made.id
    await bring(here, ics)
    as_ics = await _board(here)
    assert len(as_frab) == 482
    assert as_frab == as_ics
    waived = [await count(here, "event_time_blocks waived")]
    assert waived == [sum(bool(block.waiver) for block in frab.blocks)]


async def _board(here: Centre) -> list[tuple[Any, ...]]:
    """Title, room and times of every block."""
    rows = await here.sql.fetch(
        "SELECT e.name, l.name, b.start_time, b.end_time FROM event_time_blocks b"
        " JOIN events e ON e.id = b.event_id JOIN locations l ON l.id = b.location_id"
        " WHERE b.programme_id = $1 ORDER BY 3, 2, 1, 4",
        here.programme,
    )
    return [tuple(row) for row in rows]
