"""A schedule as CSV: rooms, events, blocks of time, and who is in which slot. The format is Callboard's own.

The header is in the first row; columns may stand in any order, and any may be missing. A row says as much as it has
cells for, so that one file may hold everything, or several share the work (rooms, blocks, claims) and be read together:

* `room` (with `building`, `city`, `room_capacity`, `room_notes`): a room.
* `event` (with `category`, `type`, `description`, `tags`, `event_id`): an event.
* `event`, `room`, `start` and `end` or `duration`: a block. `date` says the day; without it the import's own day
  counts, so that a file can serve for every day. An end before its start, or a time of `24:00` and more, is the next
  day's.
* `person` or `person_id`, or `group`, or `entry`: a claim on one slot of the row's block.

================  ====================================================================================================
column            what is in it
================  ====================================================================================================
block             a short name for the block; rows with the same name are the same block, and a row that only claims
                  needs nothing else to say which. Without it a block is its event, room, and start, and one that moves
                  is known again only by its people, or among as many blocks of the same days and rooms
event, event_id   the event's name; an id where two events share a name
category          music, arts, drama, dance, sports, academic, technology, talk or other
type              individual or team
description,      text; tags are separated by semicolons
tags, artists
room              its name, by which rooms are told apart
building, city    where the room is
room_capacity     how many people it holds
room_notes        text
date              2026-03-14 (or 14.3.2026, 14/03/2026)
start, end        9:00, 09:00, 9:00 pm; or date and time together, 2026-03-14T09:00
duration          1:30, 90 (minutes)
slot_minutes      how long each slot is; blank: the whole block is one slot
slot_capacity     places in each slot (1 if blank); a group takes one for each member
capacity          places in the whole block (blank: as many as its slots have), and so in its slot where it is one
slot              the slot's number, from 1; may be blank where the block is one slot
person_id         the id of the person, as in the list of people; several, for one shared place in the running order,
                  are separated by semicolons
person            the person's name, where there is no id, or beside it; several are separated by semicolons
group             the name of a group, all of whose members come
entry             what the claim is called in the running order ("Duo Alba"); alone, a free-form claim of one place
notes             special requirements of the claim
================  ====================================================================================================

Other columns are kept as metadata of the block, and named once in a note. A claim that its block has no room for is
refused; see `conflicts` for what is checked across rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import get_args

from msgspec.structs import replace

from server_sync.importers import times
from server_sync.importers.csv_spans import Spans
from server_sync.importers.csv_table import Row, column_name, open_table
from server_sync.importers.programme import Defaults, programme
from server_sync.importers.reading import Source
from server_sync.importers.talks import with_dates
from server_sync.importers.text import folded, key_of, name_of, problem, whole_number
from server_sync.protocol.imports import (
    Import,
    ImportBlock,
    ImportClaim,
    ImportEvent,
    ImportGroup,
    ImportPerson,
    ImportRefused,
    ImportRoom,
    Place,
    Problem,
    Severity,
    timed_key,
)
from server_sync.protocol.records import Category, EventType

COLUMNS = (
    *("block", "event", "event_id", "category", "type", "description", "tags", "artists"),
    *("room", "building", "city", "room_capacity", "room_notes"),
    *("date", "start", "end", "duration", "slot_minutes", "slot_capacity", "capacity"),
    *("slot", "person_id", "person", "group", "entry", "notes"),
)
ALIASES = {name: name for name in COLUMNS} | {
    "title": "event",
    "location": "room",
    "venue": "room",
    "start_time": "start",
    "end_time": "end",
    "slot_duration_minutes": "slot_minutes",
    "max_capacity": "capacity",
    "slot_number": "slot",
    "participant_id": "person_id",
    "participant": "person",
    "name": "person",
}
_TELLING = {"block", "event", "room", "start", "slot"}


def knows(header: Iterable[str]) -> bool:
    """Whether a header can be a schedule: it has a column of rooms, events, blocks, starts or slots."""
    return bool({ALIASES.get(column_name(cell)) for cell in header} & _TELLING)


def read(source: Source, defaults: Defaults) -> Import | ImportRefused:
    """Read a schedule; refused where its header has no column that makes one."""
    problems = list(source.problems)
    table = open_table(source.file, source.text, ALIASES, problems)
    if not set(table.known) & _TELLING:
        found = ", ".join((*table.known, *table.unknown)) or "nothing"
        reason = f"its first row names no room, event, block or start; it says: {found[:200]}"
        return source.refused("no_header", reason, "put a first row above the list with event, room, start and end")
    if table.unknown:
        reason = f"kept beside the block, since no column here has that name: {', '.join(table.unknown)}"
        advice = "nothing, or rename a column whose name should be known"
        subject = f"{len(table.unknown)} columns"
        problems.append(problem("note", "unknown_columns", Place(file=source.file, line=1), subject, reason, advice))
    has_times = "start" in table.known
    # A file without times says nothing of a zone either, so there is nothing to doubt.
    schedule = programme(
        problems if has_times else [], Place(file=source.file), defaults, name=defaults.name, time_zone=""
    )
    reader = _Schedule(source.file, has_times, schedule.time_zone, defaults.date, problems)
    for row in table.rows:
        reader.add(row)
    return Import(
        file=source.file,
        file_hash=source.file_hash,
        format="csv-schedule",
        schedule=with_dates(schedule, reader.blocks.values()) if has_times else None,
        rooms=tuple(reader.rooms.values()),
        events=tuple(reader.events.values()),
        blocks=tuple(reader.blocks.values()),
        people=tuple(reader.people.values()),
        groups=tuple(reader.groups.values()),
        claims=tuple(reader.claims),
        problems=tuple(problems),
    )


class _Schedule:
    """Collects a schedule from rows."""

    def __init__(self, file: str, has_times: bool, zone: str, day: date | None, problems: list[Problem]) -> None:
        self.file = file
        self.has_times = has_times
        self.spans = Spans(times.zone(zone), day, problems)
        self.problems = problems
        self.rooms: dict[str, ImportRoom] = {}
        self.events: dict[str, ImportEvent] = {}
        self.blocks: dict[str, ImportBlock] = {}
        self.people: dict[str, ImportPerson] = {}
        self.groups: dict[str, ImportGroup] = {}
        self.claims: list[ImportClaim] = []
        self._claim_keys: dict[str, int] = {}

    def add(self, row: Row) -> None:
        """Take from a row all that it says."""
        place = Place(file=self.file, line=row.line)
        room = self._room(row, place)
        event = self._event(row, place)
        block = self._block(row, place, room, event)
        if any(row.get(column) for column in ("person_id", "person", "group", "entry")):
            self._claim(row, place, block)

    def _say(self, severity: Severity, code: str, place: Place, subject: str, reason: str, advice: str) -> None:
        """Report a problem."""
        self.problems.append(problem(severity, code, place, subject, reason, advice))

    def _room(self, row: Row, place: Place) -> str | None:
        """The key of the row's room, whose blank facts later rows may fill."""
        name = name_of(row.get("room"))
        if not name:
            return None
        key = key_of(name)
        known = self.rooms.setdefault(key, ImportRoom(key=key, name=name, place=place))
        self.rooms[key] = replace(
            known,
            building=known.building or name_of(row.get("building")),
            city=known.city or name_of(row.get("city")),
            capacity=known.capacity if known.capacity is not None else self._number(row, "room_capacity", place),
            notes=known.notes or row.get("room_notes"),
        )
        return key

    def _event(self, row: Row, place: Place) -> str | None:
        """The key of the row's event, whose blank facts later rows may fill."""
        name = name_of(row.get("event"))
        key = key_of(row.get("event_id") or name)
        if not key:
            return None
        known = self.events.get(key)
        if known is None:
            known = ImportEvent(key=key, name=name or key, place=place)
        elif name and folded(known.name) != folded(name):
            reason = f"the id {key} is that of “{known.name}” in line {known.place.line}; it counts as the same event"
            self._say("doubtful", "same_id", place, name, reason, "give each event an id of its own")
        category, metadata = self._category(row, known, place)
        kind: EventType = "team" if folded(row.get("type")) in ("team", "group", "ensemble") else known.type
        self.events[key] = replace(
            known,
            category=category,
            type=kind,
            description=known.description or row.get("description"),
            tags=known.tags or _listed(row.get("tags")),
            artists=known.artists or _listed(row.get("artists")),
            metadata=metadata,
        )
        return key

    def _category(self, row: Row, known: ImportEvent, place: Place) -> tuple[Category, dict[str, object]]:
        """The event's category; one that is not known becomes `other`, and is kept as metadata."""
        written = row.get("category")
        for category in get_args(Category):
            if folded(written) == category:
                return category, known.metadata
        if written and known.metadata.get("category") != written:
            reason = f"the category “{written[:40]}” is not known; other was taken"
            self._say("doubtful", "category", place, known.name, reason, f"use one of {', '.join(get_args(Category))}")
            return known.category, {**known.metadata, "category": written}
        return known.category, known.metadata

    def _block(self, row: Row, place: Place, room: str | None, event: str | None) -> str | None:
        """The key of the row's block, made where the row says enough; None where it names none that could be."""
        named = key_of(row.get("block"))
        subject = row.get("event") or named or row.get("room")
        if not row.get("start"):
            if named:
                return named
            if event is not None and self.has_times:
                self._say("refused", "incomplete", place, subject, "it has no start", "give it a start")
            return None
        if named in self.blocks and (event is None or room is None):
            return named
        if event is None or room is None:
            what = "event" if event is None else "room"
            reason = f"a time without {'an event' if event is None else 'a room'}"
            self._say("refused", "incomplete", place, subject or row.get("start"), reason, f"fill in its {what}")
            return None
        span = self.spans.read(row, place, subject)
        if span is None:
            return None
        start, end = span
        key = named or timed_key(key_of(f"{event} / {room} /"), start)
        minutes = self._number(row, "slot_minutes", place)
        if minutes is not None and not 0 < minutes <= (end - start) // timedelta(minutes=1):
            reason = f"slots of {minutes} minutes do not fit into it; it came in as one slot"
            self._say("doubtful", "slot_minutes", place, subject, reason, "correct slot_minutes or the end")
            minutes = None
        most = self._number(row, "capacity", place)
        capacity = self._number(row, "slot_capacity", place)
        if capacity is None:
            capacity = most if minutes is None and most else 1
        block = ImportBlock(
            key=key,
            event=event,
            room=room,
            start=start,
            end=end,
            slot_duration_minutes=minutes,
            slot_capacity=capacity,
            max_capacity=most,
            generated=not named,
            metadata=dict(row.others),
            place=place,
        )
        self._keep(block, row, subject)
        return key

    def _keep(self, block: ImportBlock, row: Row, subject: str) -> None:
        """Keep a block, unless it is known; where a later row says other things of it, the first counts."""
        known = self.blocks.setdefault(block.key, block)
        facts = [(known.event, block.event), (known.room, block.room), (known.start, block.start)]
        facts += [(known.end, block.end)]
        if row.get("slot_minutes"):
            facts.append((known.slot_duration_minutes, block.slot_duration_minutes))
        if row.get("slot_capacity"):
            facts.append((known.slot_capacity, block.slot_capacity))
        if any(first != second for first, second in facts):
            reason = f"the row says other things of the block than line {known.place.line}, which counts"
            self._say("doubtful", "same_block", block.place, subject, reason, "make the rows alike, or name two blocks")

    def _claim(self, row: Row, place: Place, block: str | None) -> None:
        """The claim of a row."""
        people = self._claimants(row, place)
        group = name_of(row.get("group"))
        subject = row.get("entry") or row.get("person") or row.get("person_id") or group
        if block is None:
            reason, advice = "it does not say where: no block, or one that was refused", "name the block, or its start"
            self._say("refused", "no_block", place, subject, reason, advice)
            return
        slot = whole_number(row.get("slot")) if row.get("slot") else None
        known = self.blocks.get(block)
        if slot is None and (row.get("slot") or (known is not None and known.slot_count > 1)):
            reason = (
                f"“{row.get('slot')[:20]}” is no slot's number" if row.get("slot") else "it does not say which slot"
            )
            self._say("refused", "no_slot", place, subject, reason, "fill in the column slot, counted from 1")
            return
        if group and people:
            reason, advice = f"people and the group {group} in one row; the group counts", "use a row for each"
            self._say("doubtful", "group_and_people", place, subject, reason, advice)
            people = ()
        if group:
            self.groups.setdefault(key_of(group), ImportGroup(key=key_of(group), name=group, place=place))
        who = key_of(group) or "+".join(people) or "entry:" + folded(name_of(row.get("entry")))
        key = key_of(f"{block} {slot or 1} {who}")
        self._claim_keys[key] = self._claim_keys.get(key, 0) + 1
        if self._claim_keys[key] > 1:
            key = f"{key}#{self._claim_keys[key]}"
        self.claims.append(
            ImportClaim(
                key=key,
                block=block,
                slot=slot or 1,
                people=people,
                group=key_of(group) or None,
                name=name_of(row.get("entry")),
                notes=row.get("notes"),
                place=place,
            )
        )

    def _claimants(self, row: Row, place: Place) -> tuple[str, ...]:
        """The keys of the people that a row names, by id where it gives any, else by name."""
        ids, names = _listed(row.get("person_id")), _listed(row.get("person"))
        if ids and names and len(ids) != len(names):
            reason, advice = f"{len(ids)} ids beside {len(names)} names; the ids count", "give as many names as ids"
            self._say("doubtful", "ids_and_names", place, ", ".join(names), reason, advice)
            names = ()
        keys = []
        for index in range(max(len(ids), len(names))):
            name = name_of(names[index]) if names else ""
            key = key_of(ids[index]) if ids else "name:" + key_of(folded(name))
            known = self.people.get(key)
            if known is None or (name and not known.display_name):
                external_id = key if ids else None
                self.people[key] = ImportPerson(key=key, external_id=external_id, display_name=name, place=place)
            elif name and folded(known.display_name) != folded(name):
                reason = f"the id {key} is that of “{known.display_name}” in line {known.place.line}"
                self._say("doubtful", "several_names", place, name, reason, "check the id")
            keys.append(key)
        return tuple(dict.fromkeys(keys))

    def _number(self, row: Row, column: str, place: Place) -> int | None:
        """A whole number of a column; anything else is reported and taken as blank."""
        written = row.get(column)
        number = whole_number(written)
        if written and number is None:
            reason = f"“{written[:40]}” in {column} is no whole number; taken as blank"
            self._say("doubtful", "number", place, row.get("event") or row.get("room"), reason, f"correct {column}")
        return number


def _listed(written: str) -> tuple[str, ...]:
    """The texts of a cell that separates them by semicolons."""
    return tuple(part.strip() for part in written.split(";") if part.strip())
