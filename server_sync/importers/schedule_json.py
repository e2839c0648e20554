"""``schedule.json`` as frab, pretalx and others write it: the same facts as frab's XML, as JSON.

Read as it comes: rooms listed or only named by the days, persons with any of the usual name fields, ids as numbers or
texts. Places are paths through the document (``days/0/rooms/Curie/3``), since JSON readers keep no lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from server_sync.importers import times
from server_sync.importers.programme import Defaults, day_moment, programme, report_other_offsets
from server_sync.importers.reading import Source
from server_sync.importers.talks import Speaker, Talk, Talks
from server_sync.importers.text import clean, clean_json, key_of, name_of, problem
from server_sync.protocol.imports import Import, ImportRefused, ImportRoom, Place

DEPTH = 64
_TALK_COLUMNS = {"title", "room", "date", "start", "duration", "track", "type", "abstract", "description", "persons"}
_NAME_FIELDS = ("public_name", "name", "full_public_name", "display_name", "full_name")


def read(source: Source, defaults: Defaults) -> Import | ImportRefused:
    """Read the text of a ``schedule.json``; refused where it is no JSON, or no schedule."""
    try:
        document = json.loads(source.text)
    except json.JSONDecodeError as error:
        place = Place(file=source.file, line=error.lineno, column=error.colno)
        return source.refused("bad_json", error.msg, "get the file again, complete; nothing was imported", place)
    except (RecursionError, ValueError) as error:  # nested without end; a number of thousands of digits
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else "it holds a number beyond all use"
        return source.refused("bad_json", reason, "this is no schedule; get the file again")
    if _deeper_than(document, DEPTH):
        return source.refused("bad_json", f"it is nested deeper than {DEPTH}", "this is no schedule; get it again")
    schedule = _object(_object(document).get("schedule")) or _object(document)
    conference = _object(schedule.get("conference")) or schedule
    if not isinstance(conference.get("days"), list):
        reason = "it has no schedule with conference and days"
        return source.refused("not_a_schedule", reason, "export a schedule.json, a frab schedule.xml or a CSV file")
    return _Reader(source, schedule, conference, defaults).read()


class _Reader:
    """Reads one schedule into talks."""

    def __init__(
        self, source: Source, schedule: dict[str, Any], conference: dict[str, Any], defaults: Defaults
    ) -> None:
        self.file = source.file
        self.conference = conference
        self.talks = Talks(source.file, source.file_hash, "schedule.json")
        self.talks.problems.extend(source.problems)
        found = [talk for _, _, _, talk, _ in self._walk()]
        self.moments = [_text(talk.get("date")) for talk in found]
        self.days_first = times.mixed_parts(_text(talk.get("duration")) for talk in found)
        rest = {key: value for key, value in schedule.items() if key not in ("conference", "days", "$schema")}
        rest |= {key: value for key, value in conference.items() if key not in ("days", "rooms")}
        self.schedule = programme(
            self.talks.problems,
            Place(file=source.file, path="conference"),
            defaults,
            name=_text(conference.get("title")) or _text(conference.get("acronym")),
            time_zone=_text(conference.get("time_zone_name")),
            first=_text(conference.get("start")),
            last=_text(conference.get("end")),
            moments=self.moments,
            metadata=clean_json(rest),
        )
        self.zone = times.zone(self.schedule.time_zone)

    def read(self) -> Import:
        """All rooms, days and talks of the file."""
        self._listed_rooms()
        for index, day in enumerate(self.conference["days"]):
            rooms = _object(day).get("rooms")
            if not isinstance(rooms, dict):
                place = Place(file=self.file, path=f"days/{index}")
                reason, advice = "a day without rooms; it was left out", "list its rooms in the file"
                self.talks.problems.append(problem("doubtful", "empty_day", place, f"day {index + 1}", reason, advice))
        for path, day, room, talk, is_talk in self._walk(report=True):
            if is_talk:
                self._talk(Place(file=self.file, path=path), day, room, talk)
        report_other_offsets(self.talks.problems, Place(file=self.file), self.schedule, self.moments)
        return self.talks.document(self.schedule)

    def _walk(self, *, report: bool = False) -> Iterator[tuple[str, dict[str, Any], str, dict[str, Any], bool]]:
        """Path, day, room name, talk, and whether it is one: what stands in its place is refused if `report` is set."""
        for number, day in enumerate(map(_object, self.conference["days"])):
            for room, talks in _object(day.get("rooms")).items():
                path = f"days/{number}/rooms/{clean(room)}"
                if report and name_of(room):
                    self.talks.add_room(
                        ImportRoom(
                            key=key_of(name_of(room)), name=name_of(room), place=Place(file=self.file, path=path)
                        )
                    )
                elif report and not talks:
                    place, reason = Place(file=self.file, path=path), "a room without a name or talks; it was left out"
                    advice = "give it a name if it is used"
                    self.talks.problems.append(problem("doubtful", "nameless_room", place, "(room)", reason, advice))
                for index, talk in enumerate(talks if isinstance(talks, list) else [talks]):
                    if isinstance(talk, dict):
                        yield f"{path}/{index}", day, room, talk, True
                    elif report and talk is not None:
                        place, advice = Place(file=self.file, path=f"{path}/{index}"), "write the talk as an object"
                        self.talks.problems.append(
                            problem("refused", "not_a_talk", place, str(talk)[:80], "this is no talk", advice)
                        )

    def _listed_rooms(self) -> None:
        """The rooms listed beside the days; a guid that stands for two rooms is doubtful, the name tells them apart."""
        guids: dict[str, str] = {}
        rooms = self.conference.get("rooms")
        for index, room in enumerate(map(_object, rooms if isinstance(rooms, list) else [])):
            place = Place(file=self.file, path=f"rooms/{index}")
            name = name_of(_text(room.get("name")))
            if not name:
                reason, advice = "a room without a name; it was left out", "give it a name if it is used"
                self.talks.problems.append(problem("doubtful", "nameless_room", place, "(room)", reason, advice))
                continue
            guid = _text(room.get("guid"))
            if guid and guids.setdefault(guid, name) != name:
                reason = f"its guid is also that of “{guids[guid]}”; they came in as two rooms, by name"
                self.talks.problems.append(
                    problem("doubtful", "same_guid", place, name, reason, "nothing, if they are two rooms")
                )
            capacity = room.get("capacity")
            usable = isinstance(capacity, int) and not isinstance(capacity, bool) and 0 <= capacity < 1_000_000
            columns = {"name", "description", "capacity"} if usable else {"name", "description"}
            rest = {key: value for key, value in room.items() if key not in columns}
            self.talks.add_room(
                ImportRoom(
                    key=key_of(name),
                    name=name,
                    capacity=capacity if usable else None,
                    notes=_text(room.get("description")),
                    metadata=clean_json(rest),
                    place=place,
                )
            )

    def _talk(self, place: Place, day: dict[str, Any], room: str, talk: dict[str, Any]) -> None:
        """One talk of a room of a day."""
        written = _text(talk.get("duration"))
        start = self._start(day, talk, place)
        length = times.duration(written, days_first=self.days_first)
        if length is not None and self.days_first and written.count(":") == 2:
            reason = f"its duration {written} was read as days, hours and minutes"
            self.talks.problems.append(
                problem("doubtful", "long_duration", place, _text(talk.get("title")), reason, "check when it ends")
            )
        texts = dict.fromkeys(t for t in (_text(talk.get("abstract")), _text(talk.get("description"))) if t)
        tags = dict.fromkeys(t for t in (_text(talk.get("track")), _text(talk.get("type"))) if t)
        self.talks.add(
            Talk(
                key=_text(talk.get("guid")) or _text(talk.get("id")) or _text(talk.get("slug")),
                title=_text(talk.get("title")),
                room=clean(room) or _text(talk.get("room")),
                start=start,
                end=None if start is None or length is None else start + length,
                speakers=self._speakers(talk, place),
                description="\n\n".join(texts),
                tags=tuple(tags),
                metadata=clean_json({key: value for key, value in talk.items() if key not in _TALK_COLUMNS}),
                place=place,
            )
        )

    def _start(self, day: dict[str, Any], talk: dict[str, Any], place: Place) -> datetime | None:
        """When a talk starts, in UTC: its own date and time, else its day's date and its time of day."""
        moment = times.iso_moment(_text(talk.get("date")))
        if moment is None:
            clock = times.clock(_text(talk.get("start")))
            on = _text(talk.get("date")) or _text(day.get("date"))
            moment = None if clock is None else day_moment(on, clock, _text(day.get("day_start")))
        if moment is not None and moment.tzinfo is None and self.zone is not None:
            times.report_skipped_hour(self.talks.problems, moment, self.zone, place, _text(talk.get("title")))
        return None if moment is None else times.to_utc(moment, self.zone)

    def _speakers(self, talk: dict[str, Any], place: Place) -> tuple[Speaker, ...]:
        """The persons of a talk: objects with an id and a name, or bare names."""
        persons = talk.get("persons")
        found = []
        for person in persons if isinstance(persons, list) else []:
            if isinstance(person, dict):
                name = next((text for text in (_text(person.get(field)) for field in _NAME_FIELDS) if text), "")
                id_ = _text(person.get("id")) or _text(person.get("guid")) or _text(person.get("code"))
                rest = {k: v for k, v in person.items() if k != "id" and not (k in _NAME_FIELDS and _text(v) == name)}
                found.append(Speaker(id=id_, name=name, metadata=clean_json(rest)))
            elif person is not None:
                found.append(Speaker(id="", name=_text(person)))
        return tuple(found)


def _object(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    """A text or number as clean text; anything else is empty. The default language of a text in several goes first."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**18 else f"{value:.6g}" if isinstance(value, float) else ""
    if isinstance(value, dict):
        return next((clean(text) for text in value.values() if isinstance(text, str) and text.strip()), "")
    return ""


def _deeper_than(document: Any, limit: int) -> bool:
    """Whether lists and objects are nested deeper than `limit`; without recursion."""
    level = [document]
    for _ in range(limit):
        level = [
            child
            for value in level
            if isinstance(value, list | dict)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True
