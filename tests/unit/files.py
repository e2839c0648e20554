"""Files for the tests of imports, and what must be true of a programme after every one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from server_sync.importers import Defaults, read_all
from server_sync.protocol.errors import Refusal
from server_sync.protocol.imports import Import
from server_sync.protocol.records import (
    Event,
    EventSlot,
    Location,
    Participant,
    ReservationMember,
    SlotReservation,
)
from server_sync.rules.import_file import Args, preview
from server_sync.rules.import_report import TableCounts
from server_sync.rules.state import Changes
from tests.anything.invariants import broken
from tests.unit.day import Day, applied

TALK = """<?xml version="1.0"?>
<schedule><conference><title>Conf</title><time_zone_name>UTC</time_zone_name></conference>
<day date="2026-05-02">{rooms}</day></schedule>"""


def document(*files: str, zone: str = "UTC") -> Import:
    """What our readers make of the text of some files, read together."""
    named = [(f"file{number}", text.encode()) for number, text in enumerate(files, 1)]
    found = read_all(named, Defaults(name="Day", time_zone=zone))
    assert isinstance(found, Import), found
    return found


def talk(key: str, start: str, *speakers: str, room: str = "Hall", title: str = "", length: str = "01:00") -> str:
    """A frab file's event."""
    people = "".join(f'<person id="{name}">{name}</person>' for name in speakers)
    return (
        f'<room name="{room}"><event id="{key}" guid="{key}"><date>2026-05-02T{start}:00+00:00</date>'
        f"<start>{start}</start><duration>{length}</duration><room>{room}</room><title>{title or key}</title>"
        f"<persons>{people}</persons></event></room>"
    )


def talks(*events: str) -> Import:
    """The document of a frab file."""
    return document(TALK.format(rooms="".join(events)))


def bring(day: Day, *what: str | Import) -> Changes:
    """Import texts or a document into the day; returns the changes, after checking what must always hold."""
    changes = applied(attempt(day, *what))
    hold(day)
    return changes


def attempt(day: Day, *what: str | Import) -> Changes | Refusal:
    """Import, whatever comes of it."""
    only = what[0] if len(what) == 1 and isinstance(what[0], Import) else document(*(str(text) for text in what))
    return day.do("import.apply", msgspec.to_builtins(Args(document=only)))


def counts(changes: Changes, record: type[Any]) -> TableCounts:
    """What an import says that it did to one table."""
    return preview(changes).get(record.TABLE, TableCounts())


def codes(changes: Changes) -> list[str]:
    """The codes of what an import reports."""
    return [problem["code"] for problem in changes.answer["problems"]]


def row(day: Day, record: type[Any], **facts: Any) -> Any:
    """The one row with those facts that is not deleted."""
    rows = [
        found
        for found in day.state.rows[record].values()
        if not found.deleted and all(getattr(found, name) == value for name, value in facts.items())
    ]
    assert len(rows) == 1, f"{len(rows)} {record.TABLE} with {facts}"
    return rows[0]


def hold(day: Day) -> None:
    """Fail unless the invariants hold, and what else the database would enforce, or an import must leave right."""
    state = day.state
    assert broken(state, day.now) == []
    for record in (Event, Location, Participant):
        ids = Counter(row.external_id for row in state.rows[record].values() if row.external_id and not row.deleted)
        assert all(count == 1 for count in ids.values()), record
    for claim in state.rows[SlotReservation].values():
        assert claim.location_id == state.rows[EventSlot][claim.slot_id].location_id
    inside = Counter((row.slot_id, row.participant_id) for row in state.rows[ReservationMember].values() if row.live)
    assert all(count == 1 for count in inside.values()), "somebody has two places in one slot"
    for member in state.rows[ReservationMember].values():
        slot = state.rows[EventSlot][member.slot_id]
        assert state.rows[SlotReservation][member.reservation_id].slot_id == slot.id
        assert (member.start_time, member.end_time) == (slot.start_time, slot.end_time)
