"""Which day of the programme a moment belongs to: what begins after midnight still belongs to the evening before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from server_sync.protocol.records import EventSlot

_LATEST = 8
"""The latest hour at which one day of a programme may give way to the next."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a programme. One gives way to the next at ``changeover`` o'clock in ``zone``, 0 to 8."""

    zone: tzinfo
    changeover: int
    dates: tuple[date, ...]

    @classmethod
    def of(cls, slots: Iterable[EventSlot], zone: tzinfo) -> Days:
        """The days on which *slots* begin, told apart at the first hour of the night at which least is going on."""
        spans = [(slot.start_time.astimezone(zone), slot.end_time.astimezone(zone)) for slot in slots]
        busy = [0] * (_LATEST + 1)
        for start, end in spans:
            for hour in range(_LATEST + 1):
                busy[hour] += _covers(start, end, hour)
        quietest = busy.index(min(busy))
        days = cls(zone, quietest, ())
        return cls(zone, quietest, tuple(sorted({days.day_of(start) for start, _ in spans})))

    def day_of(self, moment: datetime) -> date:
        """The day that *moment* (aware) belongs to."""
        return (moment.astimezone(self.zone).replace(tzinfo=None) - timedelta(hours=self.changeover)).date()

    def begin(self, day: date) -> datetime:
        """The moment at which *day* takes over, aware."""
        return datetime.combine(day, time(self.changeover), self.zone)

    def nearest(self, moment: datetime) -> date:
        """The programme's day that *moment* is in, else the next one, else the last; its own date if there is none."""
        today = self.day_of(moment)
        return next((day for day in self.dates if day >= today), self.dates[-1] if self.dates else today)


def _covers(start: datetime, end: datetime, hour: int) -> bool:
    """Whether something from *start* to *end* (local) goes on at *hour* o'clock of any day."""
    at = start.replace(hour=hour, minute=0, second=0, microsecond=0)
    if at < start:
        at += timedelta(days=1)
    return start <= at < end
