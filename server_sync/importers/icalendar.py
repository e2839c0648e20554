"""iCalendar (RFC 5545): each VEVENT is a talk in the room that LOCATION names.

Content lines are read here, since a reader of whole calendars keeps no line numbers and stops at the first broken line.
Neither VTIMEZONE nor DTSTAMP is needed: a TZID is looked up in the zone database, Windows' names too. A repeating
event comes in once, and is reported. Attendees count as speakers; the organiser and all else is kept as metadata.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from server_sync.importers import times
from server_sync.importers.programme import Defaults, programme
from server_sync.importers.reading import Source
from server_sync.importers.talks import Speaker, Talk, Talks
from server_sync.importers.text import clean, folded, problem
from server_sync.protocol.imports import Import, ImportRefused, Place

_CALENDAR_NAMES = ("X-WR-CALNAME", "NAME", "SUMMARY")
_COLUMNS = {"SUMMARY", "DTSTART", "DTEND", "DURATION", "LOCATION", "DESCRIPTION", "CATEGORIES", "ATTENDEE", "DTSTAMP"}
_NAME = re.compile(r"[A-Za-z0-9-]+")
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=("[^"]*"|[^";:]*)')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MOMENT = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?")


@dataclass(frozen=True)
class Line:
    """An unfolded content line: number of its first line, name in capitals, parameters, and the value as written."""

    number: int
    name: str
    parameters: dict[str, str]
    value: str


def read(source: Source, defaults: Defaults) -> Import | ImportRefused:
    """Read the text of a calendar file. What follows a missing END is still read, and reported."""
    return _Reader(source, defaults).read()


class _Reader:
    """Reads one calendar into talks."""

    def __init__(self, source: Source, defaults: Defaults) -> None:
        self.file = source.file
        self.talks = Talks(source.file, source.file_hash, "icalendar")
        self.talks.problems.extend(source.problems)
        self.calendar: list[Line] = []
        self.events: list[list[Line]] = []
        self._split(source.text)
        named = {line.name: line for line in reversed(self.calendar)}
        zones = [named["X-WR-TIMEZONE"].value] if "X-WR-TIMEZONE" in named else []
        zones += [line.parameters["TZID"] for event in self.events for line in event if "TZID" in line.parameters]
        self.schedule = programme(
            self.talks.problems,
            Place(file=source.file),
            defaults,
            name=next((_text(named[name].value) for name in _CALENDAR_NAMES if name in named), ""),
            time_zone=next((found.key for found in map(_zone, zones) if found is not None), zones[0] if zones else ""),
            metadata={line.name.lower(): _text(line.value) for line in self.calendar if line.value.strip()},
        )
        self.zone = times.zone(self.schedule.time_zone) or ZoneInfo("UTC")
        self.unknown_zones: set[str] = set()

    def read(self) -> Import:
        """All events of the file."""
        for event in self.events:
            self._event(event)
        return self.talks.document(self.schedule)

    def _split(self, text: str) -> None:
        """Sort the content lines into those of the calendar and those of each event; nested parts are left out."""
        open_: list[str] = []
        event: list[Line] = []
        for line in _lines(text, self.file, self.talks):
            part = line.value.strip().upper()
            if line.name == "BEGIN":
                if part == "VEVENT":
                    if "VEVENT" in open_:  # its END is missing
                        self._unclosed(event)
                    open_, event = ["VCALENDAR"], [line]
                    self.events.append(event)
                open_.append(part)
            elif line.name == "END":
                if part in open_:
                    del open_[open_.index(part) :]
            elif open_ and open_[-1] == "VEVENT":
                event.append(line)
            elif open_ == ["VCALENDAR"]:
                self.calendar.append(line)
        if "VEVENT" in open_:
            self._unclosed(event)
        elif open_:
            advice = "get the file again if events are missing"
            place = Place(file=self.file, line=text.count("\n") + 1)
            reason = f"it ends within {open_[-1]}: it may have been cut short"
            self.talks.problems.append(problem("doubtful", "cut_short", place, self.file, reason, advice))

    def _unclosed(self, event: list[Line]) -> None:
        """An event without its END may lack any line, its end or its room, so it is refused."""
        self.events.pop()  # the one at hand is always the last
        place, advice = Place(file=self.file, line=event[0].number), "get the file again, complete"
        subject = next((_text(line.value) for line in event if line.name == "SUMMARY"), "(event)")
        reason = "it has no END:VEVENT: the file may have been cut short there"
        self.talks.problems.append(problem("refused", "cut_short", place, subject, reason, advice))

    def _event(self, lines: list[Line]) -> None:
        """One event."""
        place = Place(file=self.file, line=lines[0].number)
        named = {line.name: line for line in reversed(lines)}
        title = _text(named["SUMMARY"].value) if "SUMMARY" in named else ""
        if "STATUS" in named and named["STATUS"].value.strip().upper() == "CANCELLED":
            reason, advice = "the file says that it is cancelled", "nothing, if it does not take place"
            self.talks.problems.append(problem("refused", "cancelled", place, title, reason, advice))
            return
        if "RRULE" in named or "RDATE" in named:
            reason, advice = "it repeats; only its first time was taken", "make the other times by hand"
            self.talks.problems.append(problem("doubtful", "repeats", place, title, reason, advice))
        start = self._moment(named.get("DTSTART"), title)
        categories = (text for line in lines if line.name == "CATEGORIES" for text in _split_list(line.value))
        self.talks.add(
            Talk(
                key=_text(named["UID"].value) if "UID" in named else "",
                title=title,
                room=_text(named["LOCATION"].value) if "LOCATION" in named else "",
                start=start,
                end=self._end(named, start, title),
                speakers=tuple(_speaker(line) for line in lines if line.name == "ATTENDEE"),
                description=_text(named["DESCRIPTION"].value) if "DESCRIPTION" in named else "",
                tags=tuple(dict.fromkeys(categories)),
                metadata=_rest(lines[1:]),
                place=place,
            )
        )

    def _end(self, named: dict[str, Line], start: datetime | None, title: str) -> datetime | None:
        """When an event ends: DTEND, else DURATION, else the end of a whole day."""
        if start is None:
            return None
        if "DTEND" in named:
            return self._moment(named["DTEND"], title)
        if "DURATION" in named:
            length = times.duration(named["DURATION"].value.lstrip("+ "))
            return None if length is None else start + length
        return start + timedelta(days=1) if "T" not in named["DTSTART"].value else None

    def _moment(self, line: Line | None, title: str) -> datetime | None:
        """A DATE or DATE-TIME in UTC: by its Z, its TZID, else the programme's zone."""
        match = _MOMENT.fullmatch(line.value.strip()) if line is not None else None
        if line is None or match is None:
            return None
        day, clock, utc = match.groups()
        try:
            moment = datetime.strptime(day + (clock or "000000"), "%Y%m%d%H%M%S")  # noqa: DTZ007 - zoned below
        except ValueError:
            return None
        if utc:
            return times.to_utc(moment, ZoneInfo("UTC"))
        local = self._zone_of(line)
        times.report_skipped_hour(self.talks.problems, moment, local, Place(file=self.file, line=line.number), title)
        return times.to_utc(moment, local)

    def _zone_of(self, line: Line) -> ZoneInfo:
        """The zone of a line's TZID, or the programme's; an unknown one is reported once."""
        name = line.parameters.get("TZID", "")
        found = _zone(name)
        if found is None and name and name not in self.unknown_zones:
            self.unknown_zones.add(name)
            reason = f"“{name}” is no time zone known here; {self.schedule.time_zone} was taken"
            place, advice = (
                Place(file=self.file, line=line.number),
                "check the times, or name the zone as Europe/London",
            )
            self.talks.problems.append(problem("doubtful", "time_zone", place, name, reason, advice))
        return found or self.zone


def _lines(text: str, file: str, talks: Talks) -> Iterator[Line]:
    """The content lines, unfolded; one that is none is refused, with its place."""
    pending, first = "", 0
    for number, raw in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if raw[:1] in (" ", "\t") and pending:
            pending += raw[1:]
            continue
        if pending:
            yield from _line(pending, first, file, talks)
        pending, first = raw, number
    if pending:
        yield from _line(pending, first, file, talks)


def _line(text: str, number: int, file: str, talks: Talks) -> Iterator[Line]:
    """The content line that a text is, if it is one."""
    if not text.strip():
        return
    name = _NAME.match(text)
    parameters: dict[str, str] = {}
    at = name.end() if name is not None else 0
    while (found := _PARAMETER.match(text, at)) is not None:
        parameters[found.group(1).upper()] = found.group(2).strip('"')
        at = found.end()
    if name is None or text[at : at + 1] != ":":
        place, advice = Place(file=file, line=number), "correct the line, as NAME:value, and read the file again"
        talks.problems.append(problem("refused", "bad_line", place, text, "this is no line of a calendar", advice))
        return
    yield Line(number=number, name=name.group().upper(), parameters=parameters, value=text[at + 1 :])


def _speaker(line: Line) -> Speaker:
    """An attendee: known by a digest of the address, which itself is contact and kept from most devices."""
    address = clean(line.value)
    bare = address[7:] if address[:7].lower() == "mailto:" else address
    name = clean(line.parameters.get("CN", "")) or bare.partition("@")[0]
    id_ = "mail:" + hashlib.sha256(folded(bare).encode()).hexdigest()[:20] if bare else ""
    return Speaker(id=id_, name=name, contact=bare)


def _zone(name: str) -> ZoneInfo | None:
    """The zone that a TZID means: an IANA name, one behind a vendor's prefix, or a name of Windows'."""
    name = name.strip()
    tail = "/".join(name.split("/")[-2:])
    return times.zone(name) or times.zone(WINDOWS_TO_OLSON.get(name, "")) or (times.zone(tail) if "/" in name else None)


def _text(value: str) -> str:
    """A TEXT value without its escapes."""
    return clean(_ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else str(found[1]), value))


def _split_list(value: str) -> list[str]:
    """The texts of a list, which unescaped commas separate."""
    return [text for text in (_text(part) for part in re.split(r"(?<!\\),", value)) if text]


def _rest(lines: list[Line]) -> dict[str, Any]:
    """The properties that have no column, by name in small letters; repeated ones as a list."""
    rest: dict[str, Any] = {}
    for line in lines:
        if line.name in _COLUMNS or not line.value.strip():
            continue
        key, value = line.name.lower(), _text(line.value)
        if key in rest:
            rest[key] = [*(rest[key] if isinstance(rest[key], list) else [rest[key]]), value]
        else:
            rest[key] = value
    return rest
