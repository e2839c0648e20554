"""Dates, times, durations and time zones as people and programs write them; all results in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from server_sync.importers.text import problem
from server_sync.protocol.imports import Place, Problem

_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})(?::(\d{2}))?\s*([AaPp])?\.?(?:[Mm]\.?)?")
_DURATION = re.compile(r"(\d{1,4}):(\d{2})(?::(\d{2}))?")
_ISO_DURATION = re.compile(r"P(?:(\d{1,3})W)?(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?")
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, or None."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # unknown; malformed; a folder of the zone database
        return None


def to_utc(moment: datetime, local: ZoneInfo | None) -> datetime | None:
    """A moment in UTC; a naive one is read in `local`. None where it has no zone or lies outside 1900 to 2200."""
    if moment.tzinfo is None:
        if local is None:
            return None
        moment = moment.replace(tzinfo=local)
    try:
        moment = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return moment if _EARLIEST <= moment < _LATEST else None


def exists(moment: datetime, local: ZoneInfo) -> bool:
    """Whether a naive local time exists: clocks that go forward skip an hour."""
    there_and_back = moment.replace(tzinfo=local).astimezone(UTC).astimezone(local)
    return there_and_back.replace(tzinfo=None) == moment


def iso_moment(text: str) -> datetime | None:
    """An ISO 8601 date and time, with or without an offset, else None."""
    text = text.strip()
    if len(text) < 12:
        return None  # a date alone is no moment
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def duration(text: str, *, days_first: bool = False) -> timedelta | None:
    """`0:30`, `16:00`, `00:30:00`, `30` (minutes) or ISO `PT30M`; None for anything else, for zero and for a year on.

    Three parts are hours, minutes, seconds; with `days_first` they are days, hours, minutes (`2:06:00`).
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 5:
        found = timedelta(minutes=int(text))
    elif match := _DURATION.fullmatch(text):
        first, second, third = match.groups()
        if third is None or not days_first:
            found = timedelta(hours=int(first), minutes=int(second), seconds=int(third or 0))
        else:
            found = timedelta(days=int(first), hours=int(second), minutes=int(third))
    elif match := _ISO_DURATION.fullmatch(text):
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        found = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    else:
        return None
    return found if timedelta(0) < found < timedelta(days=366) else None


def mixed_parts(durations: Iterable[str]) -> bool:
    """Whether some of a file's durations have two parts and some three.

    A program that writes seconds writes them always; where it does not, a third part stands in front and means days.
    """
    parts = {text.count(":") for text in durations}
    return 1 in parts and 2 in parts


def clock(text: str) -> timedelta | None:
    """A time of day since midnight: `9:00`, `09:00:30`, `9.00`, `9:00 pm`; `25:30` is half past one the next day."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3])
    half = (match.group(4) or "").lower()
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half == "p" else 0)
    if hours > 47 or minutes > 59 or seconds > 59:
        return None
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def day(text: str) -> tuple[date | None, bool]:
    """A date as `2026-03-14`, `14.3.2026` or `14/03/2026`, and whether day and month could be the other way round."""
    text = text.strip()
    try:
        return date.fromisoformat(text), False
    except ValueError:
        pass
    match = re.fullmatch(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})", text)
    if match is None:
        return None, False
    first, second, year = int(match.group(1)), int(match.group(3)), int(match.group(4))
    if second > 12 and match.group(2) == "/":
        first, second = second, first
    try:
        return date(year, second, first), match.group(2) == "/" and first <= 12 and first != second
    except ValueError:
        return None, False


def at(on: date, since_midnight: timedelta) -> datetime:
    """The naive local moment of a time of day, which may run past midnight."""
    return datetime.combine(on, time()) + since_midnight


def fixed_zone_name(moment: datetime) -> str | None:
    """The IANA name of a fixed whole-hour offset (`Etc/GMT-1` is one hour *ahead* of UTC), or None."""
    offset = moment.utcoffset()
    if offset is None or offset % timedelta(hours=1):
        return None
    hours = int(offset / timedelta(hours=1))
    name = "UTC" if hours == 0 else f"Etc/GMT{-hours:+d}"
    return name if zone(name) is not None else None


def report_skipped_hour(problems: list[Problem], moment: datetime, local: ZoneInfo, place: Place, subject: str) -> None:
    """Say so where a naive local time falls into the hour that clocks skip in spring."""
    if to_utc(moment, local) is not None and not exists(moment, local):
        reason = f"{moment:%H:%M on %d %B %Y} does not exist in {local.key}: clocks go forward then"
        problems.append(problem("doubtful", "skipped_hour", place, subject, reason, "check when it starts"))
