"""What a file says: the shape of an import, before anything is decided about it.

An importer turns bytes into one `Import`, or into `ImportRefused` where the file can't be read at all. The document
is plain data: rooms, events, blocks, people, groups and claims, each with a key that stays the same when the same
file is read again, and the problems found, each with its place in the file. Whatever the model has no column for is
kept in `metadata`.

All times are timezone-aware and in UTC; `Schedule.time_zone` names the zone that people read them in. Durations are
minutes. Texts hold no NUL and no lone surrogate, so that a database and JSON both take them.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from typing import Any, Final, Literal

from msgspec import Struct

from server_sync.protocol.records import Category, EventType

Severity = Literal["note", "doubtful", "refused"]
Format = Literal["csv-people", "csv-schedule", "frab", "schedule.json", "icalendar", "several"]


class Place(Struct, frozen=True, kw_only=True):
    """Where in a file something stands. `line` and `column` count from 1; `path` leads through a JSON document."""

    file: str
    line: int | None = None
    column: int | None = None
    path: str = ""

    def __str__(self) -> str:
        """Say the place in words: ``roster.csv, line 12``."""
        words = [self.file]
        if self.line is not None:
            words.append(f"line {self.line}")
        if self.column is not None:
            words.append(f"column {self.column}")
        if self.path:
            words.append(self.path)
        return ", ".join(words)


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that a person should know about the file.

    `note`: nothing to do, but said. `doubtful`: imported, and worth a look. `refused`: not imported. `code` is a
    stable word to count and filter by; `subject`, `reason` and `advice` are what a screen shows in its columns.
    """

    severity: Severity
    code: str
    place: Place
    subject: str
    reason: str
    advice: str


class Schedule(Struct, frozen=True, kw_only=True):
    """The programme's own facts. `time_zone` is an IANA name; the dates are local and inclusive."""

    name: str
    time_zone: str
    first_date: date | None = None
    last_date: date | None = None
    metadata: dict[str, Any] = {}


class ImportRoom(Struct, frozen=True, kw_only=True):
    """A room. `key` is its name: rooms of one programme are told apart by what people call them."""

    key: str
    name: str
    place: Place
    building: str = ""
    city: str = ""
    capacity: int | None = None
    notes: str = ""
    metadata: dict[str, Any] = {}


class ImportEvent(Struct, frozen=True, kw_only=True):
    """A class, activity, show or talk. `key` is the file's own id for it, else its name."""

    key: str
    name: str
    place: Place
    category: Category = "other"
    type: EventType = "individual"
    description: str = ""
    artists: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}


class ImportBlock(Struct, frozen=True, kw_only=True):
    """A stretch of time of one event in one room.

    It splits into slots of `slot_duration_minutes`; None makes it one slot. `slot_capacity` holds for each slot,
    `max_capacity` for all of them together (None: no limit). `waiver`, where not empty, says why the block may
    stand although its room is taken by another at the same time. `generated` says that the file has no word of its
    own for the block, so that the key was made of its event, room and start (`timed_key`), and changes as it moves.
    """

    key: str
    event: str
    room: str
    start: datetime
    end: datetime
    place: Place
    slot_duration_minutes: int | None = None
    slot_capacity: int = 1
    max_capacity: int | None = None
    waiver: str = ""
    generated: bool = False
    metadata: dict[str, Any] = {}

    @property
    def slot_count(self) -> int:
        """How many whole slots fit."""
        if self.slot_duration_minutes is None:
            return 1
        return int((self.end - self.start).total_seconds() // 60) // self.slot_duration_minutes


_TIMED: Final = re.compile(r" \d{4}-\d\d-\d\dT\d\d:\d\dZ$")


def timed_key(what: str, start: datetime) -> str:
    """The key of a block that the file calls nothing: *what* it is, and when it starts."""
    return f"{what} {start:%Y-%m-%dT%H:%MZ}"


def is_timed(key: str) -> bool:
    """Whether a block's key is a ``timed_key``: rows keep no other word of where their key came from."""
    return _TIMED.search(key) is not None


class ImportPerson(Struct, frozen=True, kw_only=True):
    """A person. `key` is `external_id` where the file gives one, else `name:…`, derived from the name.

    An empty `display_name` marks a mere reference: a schedule that names people by id alone. It stands for
    somebody whom another file, or the programme, already knows. `group` is the key of an `ImportGroup`. `contact`
    holds all ways to reach the person, since that column alone is kept from devices below admin.
    """

    key: str
    place: Place
    external_id: str | None = None
    first_name: str = ""
    last_name: str = ""
    display_name: str = ""
    school: str = ""
    grade: str = ""
    age: int | None = None
    contact: str = ""
    group: str | None = None
    metadata: dict[str, Any] = {}


class ImportGroup(Struct, frozen=True, kw_only=True):
    """An ensemble, a team. Its members are the people who name it (`group_members`)."""

    key: str
    name: str
    place: Place
    school: str = ""
    metadata: dict[str, Any] = {}


class ImportClaim(Struct, frozen=True, kw_only=True):
    """Who is in which slot: people, a group with all its members, or a free-form name; one claim is one reservation.

    `slot` counts from 1 within `block`. `name` is the entry's own name ("Duo Alba"), or the speaker's name as this
    place of the file writes it where the person is shown by another; it is empty where it would add nothing.
    `waiver`, where not empty, says why somebody may be in two places at once.
    """

    key: str
    block: str
    place: Place
    slot: int = 1
    people: tuple[str, ...] = ()
    group: str | None = None
    name: str = ""
    notes: str = ""
    waiver: str = ""


class Import(Struct, frozen=True, kw_only=True):
    """All that was read from a file, or from several read together.

    `file_hash` is the SHA-256 of the bytes in hex (of several files: of their hashes in order). `schedule` is None
    where the file says nothing of a programme, as a list of people.
    """

    file: str
    file_hash: str
    format: Format
    schedule: Schedule | None = None
    rooms: tuple[ImportRoom, ...] = ()
    events: tuple[ImportEvent, ...] = ()
    blocks: tuple[ImportBlock, ...] = ()
    people: tuple[ImportPerson, ...] = ()
    groups: tuple[ImportGroup, ...] = ()
    claims: tuple[ImportClaim, ...] = ()
    problems: tuple[Problem, ...] = ()


class ImportRefused(Struct, frozen=True, kw_only=True):
    """The file can't be read at all; `problem` says why, where, and what to do."""

    file: str
    file_hash: str
    problem: Problem


class Summary(Struct, frozen=True, kw_only=True):
    """The counts of an import, for a table."""

    rooms: int
    events: int
    blocks: int
    people: int
    groups: int
    claims: int
    notes: int
    doubtful: int
    refused: int


def summary(document: Import) -> Summary:
    """Count what would be imported, and what is doubtful or refused."""
    severities = Counter(problem.severity for problem in document.problems)
    return Summary(
        rooms=len(document.rooms),
        events=len(document.events),
        blocks=len(document.blocks),
        people=len(document.people),
        groups=len(document.groups),
        claims=len(document.claims),
        notes=severities["note"],
        doubtful=severities["doubtful"],
        refused=severities["refused"],
    )


def group_members(document: Import) -> dict[str, tuple[str, ...]]:
    """The keys of each group's members, in the order of the file; a group without members has an empty tuple."""
    members: dict[str, list[str]] = {group.key: [] for group in document.groups}
    for person in document.people:
        if person.group is not None:
            members.setdefault(person.group, []).append(person.key)
    return {group: tuple(keys) for group, keys in members.items()}
