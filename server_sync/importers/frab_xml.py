"""frab's ``schedule.xml`` (also written by pentabarf, pretalx and others): days, rooms, events, persons.

Nothing is asked of the file but `<schedule>` at its root: the official schema fails on most real files. What the
model has no column for is kept in `metadata`. A bare time of day earlier than its day's start belongs to the next
morning. Three-part durations are days first where other durations have two parts (`times.mixed_parts`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from server_sync.importers import times, xml_tree
from server_sync.importers.programme import Defaults, day_moment, programme, report_other_offsets
from server_sync.importers.reading import Source
from server_sync.importers.talks import Speaker, Talk, Talks
from server_sync.importers.text import key_of, name_of, problem
from server_sync.importers.xml_tree import Element
from server_sync.protocol.imports import Import, ImportRefused, ImportRoom, Place

_EVENT_COLUMNS = {"title", "room", "date", "start", "duration", "track", "type", "abstract", "description", "persons"}


def read(source: Source, defaults: Defaults) -> Import | ImportRefused:
    """Read the text of a ``schedule.xml``; refused where it is no well-formed XML, or no schedule."""
    root = xml_tree.parse(source.text)
    if isinstance(root, xml_tree.BadXml):
        place = Place(file=source.file, line=root.line, column=root.column)
        return source.refused("bad_xml", root.reason, "get the file again, complete; nothing was imported", place)
    if root.tag != "schedule":
        place = Place(file=source.file, line=root.line)
        return source.refused("not_a_schedule", f"its root is <{root.tag}>", "export a frab schedule.xml", place)
    return _Reader(source, root, defaults).read()


class _Reader:
    """Reads one schedule into talks."""

    def __init__(self, source: Source, root: Element, defaults: Defaults) -> None:
        self.file = source.file
        self.root = root
        self.talks = Talks(source.file, source.file_hash, "frab")
        self.talks.problems.extend(source.problems)
        events = [event for day in root.all("day") for room in day.all("room") for event in room.all("event")]
        self.moments = [event.text_of("date") for event in events]
        self.days_first = times.mixed_parts(event.text_of("duration") for event in events)
        conference = root.first("conference") or Element("conference", {}, root.line)
        self.schedule = programme(
            self.talks.problems,
            Place(file=self.file, line=conference.line),
            defaults,
            name=conference.text_of("title") or conference.text_of("acronym"),
            time_zone=conference.text_of("time_zone_name"),
            first=conference.text_of("start"),
            last=conference.text_of("end"),
            moments=self.moments + [day.attributes.get("start", "") for day in root.all("day")],
            metadata=self._rest(root, {"day", "persons"}),
        )
        self.zone = times.zone(self.schedule.time_zone)
        listed = root.first("persons")
        self.listed = {} if listed is None else {p.attributes.get("id", ""): p for p in listed.all("person")}

    def read(self) -> Import:
        """All days, rooms and events of the file."""
        for day in self.root.all("day"):
            for room in day.all("room"):
                self._room(day, room)
            for event in day.all("event"):
                self._event(day, None, event)
        report_other_offsets(self.talks.problems, Place(file=self.file), self.schedule, self.moments)
        return self.talks.document(self.schedule)

    def _room(self, day: Element, room: Element) -> None:
        """A room of one day and its events."""
        name = name_of(room.attributes.get("name", "") or room.text_of("name"))
        place = Place(file=self.file, line=room.line)
        if name:
            rest = {key: value for key, value in room.attributes.items() if key != "name" and value}
            self.talks.add_room(ImportRoom(key=key_of(name), name=name, metadata=rest, place=place))
        elif not room.all("event"):
            reason, advice = "a room without a name or events; it was left out", "give it a name if it is used"
            self.talks.problems.append(problem("doubtful", "nameless_room", place, "(room)", reason, advice))
        for event in room.all("event"):
            self._event(day, room, event)

    def _event(self, day: Element | None, room: Element | None, event: Element) -> None:
        """One event of a room of a day, either of which may be missing."""
        place = Place(file=self.file, line=event.line)
        start = self._start(day, event, place)
        length = times.duration(event.text_of("duration"), days_first=self.days_first)
        if length is not None and self.days_first and event.text_of("duration").count(":") == 2:
            reason = f"its duration {event.text_of('duration')} was read as days, hours and minutes"
            advice = "check when it ends"
            self.talks.problems.append(
                problem("doubtful", "long_duration", place, event.text_of("title"), reason, advice)
            )
        texts = dict.fromkeys(text for text in (event.text_of("abstract"), event.text_of("description")) if text)
        self.talks.add(
            Talk(
                key=event.attributes.get("guid", "") or event.attributes.get("id", "") or event.text_of("slug"),
                title=event.text_of("title"),
                room=(room.attributes.get("name", "") if room is not None else "") or event.text_of("room"),
                start=start,
                end=None if start is None or length is None else start + length,
                speakers=self._speakers(event),
                description="\n\n".join(texts),
                tags=tuple(dict.fromkeys(t for t in (event.text_of("track"), event.text_of("type")) if t)),
                metadata=self._rest(event, _EVENT_COLUMNS),
                place=place,
            )
        )

    def _start(self, day: Element | None, event: Element, place: Place) -> datetime | None:
        """When an event starts, in UTC: its own date and time, else its day's date and its time of day."""
        moment = times.iso_moment(event.text_of("date"))
        if moment is None:
            clock = times.clock(event.text_of("start"))
            day_start = "" if day is None else day.attributes.get("start", "")
            day_date = event.text_of("date") or ("" if day is None else day.attributes.get("date", ""))
            moment = None if clock is None else day_moment(day_date, clock, day_start)
        if moment is not None and moment.tzinfo is None and self.zone is not None:
            times.report_skipped_hour(self.talks.problems, moment, self.zone, place, event.text_of("title"))
        return None if moment is None else times.to_utc(moment, self.zone)

    def _speakers(self, event: Element) -> tuple[Speaker, ...]:
        """The persons of an event, with what the file's list of persons adds to them."""
        persons = event.first("persons")
        found = []
        for person in persons.all("person") if persons is not None else []:
            id_ = person.attributes.get("id", "")
            rest = {key: value for key, value in person.attributes.items() if key not in ("id", "name") and value}
            listed = self.listed.get(id_) if id_ else None
            name = person.text or person.attributes.get("name", "") or person.text_of("name")
            if listed is not None:
                rest |= self._rest(listed, {"name"} if listed.text_of("name") == name else set())
                rest.pop("id", None)
                name = name or listed.text_of("name")
            found.append(Speaker(id=id_, name=name, metadata=rest))
        return tuple(found)

    @staticmethod
    def _rest(element: Element, columns: set[str]) -> dict[str, Any]:
        """What an element says beyond the children named `columns`."""
        kept = [child for child in element.children if child.tag not in columns]
        value = Element(element.tag, element.attributes, element.line, kept).value()
        return value if isinstance(value, dict) else {}
