"""Days and times as people say them, in the time zone of a programme, whatever the locale of the machine."""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def in_zone(at: datetime, zone: tzinfo) -> datetime:
    """*at* as the clocks of *zone* show it; as it stands, where that would be in no year that there is."""
    try:
        return at.astimezone(zone)
    except OverflowError:
        return at


class Clock:
    """What the clocks of one time zone show."""

    def __init__(self, time_zone: str) -> None:
        """*time_zone* is an IANA name; raises what ``ZoneInfo`` raises."""
        self._zone = ZoneInfo(time_zone)

    def date(self, at: datetime) -> date:
        """On which day it is."""
        return in_zone(at, self._zone).date()

    def time(self, at: datetime) -> str:
        """``14:03``."""
        return f"{in_zone(at, self._zone):%H:%M}"

    def day(self, at: datetime) -> str:
        """``Sun 14 Mar``."""
        return short_day(self.date(at))

    def long_day(self, at: datetime) -> str:
        """``Sunday 14 March 2027``."""
        day = self.date(at)
        return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"

    def moment(self, at: datetime, beside: datetime | None = None) -> str:
        """``Sun 14 Mar 10:00``; the time alone if it is on the same day as *beside*."""
        if beside is not None and self.date(at) == self.date(beside):
            return self.time(at)
        return f"{self.day(at)} {self.time(at)}"

    def span(self, start: datetime, end: datetime) -> str:
        """``Sun 14 Mar 10:00–10:10``."""
        return f"{self.moment(start)}–{self.moment(end, start)}"


def short_day(day: date) -> str:
    """``Sun 14 Mar``."""
    return f"{_DAYS[day.weekday()][:3]} {day.day} {_MONTHS[day.month - 1][:3]}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 minute``, ``3 minutes``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(names: list[str], most: int = 3) -> str:
    """``Ada, Ben and Cleo``; of more than *most* the first, and how many there are besides."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {counted(len(names) - most, 'other')}"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
