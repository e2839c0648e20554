"""Imported talks, whatever format named them: an event with one block and one slot in its room.

Each speaker is a person with a claim of their own in it; the slot's capacity is the number of speakers (1 where none
is named). A person is told apart by id where the file gives one, else by name. Nothing is dropped in silence: a talk
without a room or a time is refused with its place, and doubtful identities are named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from server_sync.importers.text import folded, key_of, name_of, problem
from server_sync.importers.times import zone
from server_sync.protocol.imports import (
    Format,
    Import,
    ImportBlock,
    ImportClaim,
    ImportEvent,
    ImportPerson,
    ImportRoom,
    Place,
    Problem,
    Schedule,
    timed_key,
)


@dataclass(frozen=True)
class Speaker:
    """A person as one talk names them: an id (empty where there is none), a name, and what else is said."""

    id: str
    name: str
    contact: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Talk:
    """One talk of a file. `start` and `end` are in UTC; None means that the file gives none that can be read."""

    key: str
    title: str
    room: str
    start: datetime | None
    end: datetime | None
    place: Place
    speakers: tuple[Speaker, ...] = ()
    description: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


class Talks:
    """Collects the talks of one file into an `Import`; `problems` may be added to from outside."""

    def __init__(self, file: str, file_hash: str, format_: Format) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._file_hash = file_hash
        self._format: Format = format_
        self._rooms: dict[str, ImportRoom] = {}
        self._events: dict[str, ImportEvent] = {}
        self._blocks: dict[str, ImportBlock] = {}
        self._claims: list[ImportClaim] = []
        self._people: dict[str, ImportPerson] = {}
        # Each person's names as written, how often, and each folded name's persons: for doubtful identities.
        self._names: dict[str, Counter[str]] = defaultdict(Counter)
        self._bearers: dict[str, dict[str, None]] = defaultdict(dict)

    def add_room(self, room: ImportRoom) -> None:
        """Add a room that the file names, with or without talks; the first mention's facts win."""
        self._rooms.setdefault(room.key, room)

    def add_person(self, speaker: Speaker, place: Place) -> str:
        """Add a person, and return the key. Later mentions only complete what earlier ones left out."""
        name = name_of(speaker.name)
        key = key_of(speaker.id) if speaker.id else "name:" + key_of(folded(name))
        self._names[key].update([name] if name else [])
        if name:
            self._bearers[folded(name)][key] = None
        known = self._people.get(key)
        if known is None:
            known = ImportPerson(key=key, external_id=key if speaker.id else None, place=place)
        metadata = {**speaker.metadata, **known.metadata}
        self._people[key] = replace(known, contact=known.contact or speaker.contact, metadata=metadata)
        return key

    def add(self, talk: Talk) -> None:
        """Add a talk, or say why it is refused."""
        room = name_of(talk.room)
        reason = _missing(talk, room)
        if reason is not None or talk.start is None or talk.end is None:
            reason = reason or "it has no time that can be read"
            advice = "give it a title, a room, a start and an end in the file, or make it by hand"
            self.problems.append(
                problem("refused", "incomplete", talk.place, talk.title or "(no title)", reason, advice)
            )
            return
        key = self._event(talk)
        block = timed_key(key_of(f"{key} {room}"), talk.start)
        if block in self._blocks:
            advice = "nothing, if it is the same; else change its id in the file"
            reason = f"it stands twice, first in {self._blocks[block].place}; it was taken once"
            self.problems.append(problem("doubtful", "twice", talk.place, talk.title, reason, advice))
            return
        self.add_room(ImportRoom(key=key_of(room), name=room, place=talk.place))
        people = self._speakers(talk)
        self._blocks[block] = ImportBlock(
            key=block,
            event=key,
            room=key_of(room),
            start=talk.start,
            end=talk.end,
            slot_capacity=max(1, len(people)),
            generated=True,
            place=talk.place,
        )
        for person, name in people.items():
            claim = f"{block} {person}"
            self._claims.append(
                ImportClaim(key=key_of(claim), block=block, people=(person,), name=name, place=talk.place)
            )

    def document(self, schedule: Schedule) -> Import:
        """Everything that was added, with doubtful identities reported and the programme's dates completed."""
        people = tuple(self._named(person) for person in self._people.values())
        displayed = {person.key: person.display_name for person in people}
        self._report_shared_names()
        return Import(
            file=self.file,
            file_hash=self._file_hash,
            format=self._format,
            schedule=with_dates(schedule, self._blocks.values()),
            rooms=tuple(self._rooms.values()),
            events=tuple(self._events.values()),
            blocks=tuple(self._blocks.values()),
            people=people,
            # A claim names its person only where the file does it otherwise than the person is shown.
            claims=tuple(replace(c, name="") if c.name == displayed[c.people[0]] else c for c in self._claims),
            problems=tuple(self.problems),
        )

    def _event(self, talk: Talk) -> str:
        """The key of the talk's event, which is new, or known under the same key and title (held again)."""
        title = name_of(talk.title)
        key = key_of(talk.key) or "title:" + key_of(folded(title))
        known = self._events.get(key)
        if known is not None and folded(known.name) != folded(title):
            reason = f"its id is also that of “{known.name}” in {known.place}"
            advice = "give each its own id in the file; they came in as two"
            self.problems.append(problem("doubtful", "same_id", talk.place, title, reason, advice))
            key = key_of(f"{key} {folded(title)}")
            known = self._events.get(key)
        if known is None:
            artists = tuple(dict.fromkeys(name_of(speaker.name) for speaker in talk.speakers if speaker.name))
            self._events[key] = ImportEvent(
                key=key,
                name=title,
                category="talk",
                type="team" if len(talk.speakers) > 1 else "individual",
                description=talk.description,
                artists=artists,
                tags=talk.tags,
                metadata=talk.metadata,
                place=talk.place,
            )
        return key

    def _speakers(self, talk: Talk) -> dict[str, str]:
        """Key and name as written of each speaker, each once; those with neither id nor name are refused."""
        people: dict[str, str] = {}
        for speaker in talk.speakers:
            if not speaker.id and not name_of(speaker.name):
                advice = "give the speaker a name in the file"
                reason = "a speaker has neither name nor id"
                self.problems.append(problem("refused", "no_name", talk.place, talk.title, reason, advice))
                continue
            key = self.add_person(speaker, talk.place)
            if key in people:
                reason = f"“{name_of(speaker.name)}” is named twice; taken once"
                advice = "nothing, if it is the same person; else give each an id"
                self.problems.append(problem("doubtful", "speaker_twice", talk.place, talk.title, reason, advice))
                continue
            people[key] = name_of(speaker.name)
        return people

    def _named(self, person: ImportPerson) -> ImportPerson:
        """The person under the name that is used most (the first of equals), other names kept and reported."""
        names = self._names[person.key]
        if not names:
            reason, advice = f"the id {person.key} has no name", "give the person a name; the id is shown until then"
            self.problems.append(problem("doubtful", "no_name", person.place, person.key, reason, advice))
            return replace(person, display_name=person.key)
        shown = names.most_common(1)[0][0]
        others = [name for name in names if name != shown]
        if not others:
            return replace(person, display_name=shown)
        listed = ", ".join(f"“{name}”" for name in others[:10]) + (" …" if len(others) > 10 else "")
        self.problems.append(
            problem(
                "doubtful",
                "several_names",
                person.place,
                shown,
                f"the id {person.key} also goes by {listed}; each place keeps the name that it has in the file",
                "nothing, if it is one person; else give each an id",
            )
        )
        return replace(person, display_name=shown, metadata={**person.metadata, "other_names": others})

    def _report_shared_names(self) -> None:
        """Say which names belong to several ids; they stay several people."""
        for shared, keys in self._bearers.items():
            if len(keys) < 2:
                continue
            first, listed = self._people[next(iter(keys))], ", ".join(list(keys)[:10])
            name = next(name for name in self._names[first.key] if folded(name) == shared)
            self.problems.append(
                problem(
                    "doubtful",
                    "several_ids",
                    first.place,
                    name,
                    f"the name stands for {len(keys)} ids: {listed}; they came in as {len(keys)} people",
                    "merge them if they are one person",
                )
            )


def _missing(talk: Talk, room: str) -> str | None:
    """What a talk lacks, in words; None where it lacks nothing."""
    if not name_of(talk.title):
        return "it has no title"
    if not room:
        return "it has no room"
    if talk.start is None:
        return "it has no start that can be read"
    if talk.end is None:
        return "it has no end or duration that can be read"
    if talk.end <= talk.start:
        return "it ends before it begins" if talk.end < talk.start else "it lasts no time at all"
    return None


def with_dates(schedule: Schedule, blocks: Iterable[ImportBlock]) -> Schedule:
    """The schedule with first and last local date, taken from its blocks where the file names none."""
    local = zone(schedule.time_zone)
    starts = [block.start.astimezone(local).date() for block in blocks]
    if not starts:
        return schedule
    return replace(
        schedule,
        first_date=min(starts) if schedule.first_date is None else min(schedule.first_date, min(starts)),
        last_date=max(starts) if schedule.last_date is None else max(schedule.last_date, max(starts)),
    )
