"""From when to when: the date, start, end and duration of a schedule's CSV row."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from server_sync.importers import times
from server_sync.importers.csv_table import Row
from server_sync.importers.text import problem
from server_sync.protocol.imports import Place, Problem, Severity


class Spans:
    """Reads rows' times in a local zone; rows without a date are of `day`."""

    def __init__(self, zone: ZoneInfo | None, day: date | None, problems: list[Problem]) -> None:
        self.zone = zone
        self.day = day
        self.problems = problems

    def read(self, row: Row, place: Place, subject: str) -> tuple[datetime, datetime] | None:
        """Start and end in UTC; None where they can't be read, which is reported."""
        start = self._moment(row, "start", place, subject)
        if start is None:
            return None
        begin = times.to_utc(start, self.zone)
        if row.get("end"):
            end = self._moment(row, "end", place, subject, after=start)
            if end is None:
                return None
            finish = times.to_utc(end, self.zone)
        else:
            length = times.duration(row.get("duration"))
            if length is None:
                reason = f"it has no end, and “{row.get('duration')[:40]}” is no duration"
                self._say("refused", "incomplete", place, subject, reason, "give it an end, or a duration as 0:30")
                return None
            finish = None if begin is None else begin + length  # in UTC: a clock change makes no event shorter
        if begin is None or finish is None or not begin < finish:
            reason = f"from {row.get('start')} to {row.get('end')} is no stretch of time"
            self._say("refused", "incomplete", place, subject, reason, "correct its date, start and end")
            return None
        if self.zone is not None and start.tzinfo is None:
            times.report_skipped_hour(self.problems, start, self.zone, place, subject)
        return begin, finish

    def _moment(
        self, row: Row, column: str, place: Place, subject: str, after: datetime | None = None
    ) -> datetime | None:
        """A start or end, local and naive unless it is written with an offset; None is reported."""
        written = row.get(column)
        whole = times.iso_moment(written)
        if whole is not None:
            return whole
        clock = times.clock(written)
        on, unsure = times.day(row.get("date")) if row.get("date") else (self.day, False)
        if on is None and after is not None:
            on = after.date()
        if clock is None or on is None:
            what = f"“{written[:40]}” is no time" if clock is None else f"“{row.get('date')[:40]}” is no date"
            if clock is not None and not row.get("date"):
                what = "it has no date"
            advice = "write times as 09:00 and dates as 2026-03-14, or name the day when you import"
            self._say("refused", "incomplete", place, subject, f"{what}, so its {column} is unknown", advice)
            return None
        if unsure and after is None:
            reason, advice = f"“{row.get('date')}” was read as {on:%d %B %Y}", "write dates as 2026-03-14"
            self._say("doubtful", "date", place, subject, reason, advice)
        moment = times.at(on, clock)
        if after is not None and after.tzinfo is None and moment <= after and clock < timedelta(days=1):
            moment += timedelta(days=1)
        return moment if after is None or after.tzinfo is None else moment.replace(tzinfo=after.tzinfo)

    def _say(self, severity: Severity, code: str, place: Place, subject: str, reason: str, advice: str) -> None:
        """Report a problem."""
        self.problems.append(problem(severity, code, place, subject, reason, advice))
