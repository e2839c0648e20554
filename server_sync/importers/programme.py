"""The programme's own facts from what a file says, and from what the caller adds: name, time zone, dates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from server_sync.importers import times
from server_sync.importers.text import name_of, problem
from server_sync.protocol.imports import Place, Problem, Schedule


@dataclass(frozen=True)
class Defaults:
    """What the caller knows where a file is silent: the programme's name, its IANA time zone, and the day of bare
    times of day. What the file says goes first."""

    name: str = ""
    time_zone: str = ""
    date: date | None = None


def programme(
    problems: list[Problem],
    place: Place,
    defaults: Defaults,
    *,
    name: str,
    time_zone: str,
    first: str = "",
    last: str = "",
    moments: Iterable[str] = (),
    metadata: dict[str, Any] | None = None,
) -> Schedule:
    """Make the schedule's own facts; `moments` are times as written, to guess an unnamed zone from."""
    return Schedule(
        name=name_of(name) or defaults.name or place.file,
        time_zone=_zone_name(problems, place, defaults, time_zone, moments),
        first_date=_date(first),
        last_date=_date(last),
        metadata=metadata or {},
    )


def _zone_name(problems: list[Problem], place: Place, defaults: Defaults, written: str, moments: Iterable[str]) -> str:
    """The zone that the file names, else the caller's, else the fixed offset of its times, else UTC."""
    if times.zone(written) is not None:
        return written
    if defaults.time_zone:
        guess, source = defaults.time_zone, "the one given for the import was taken"
    else:
        parsed = (times.iso_moment(moment) for moment in moments)
        names = {times.fixed_zone_name(moment) for moment in parsed if moment is not None and moment.tzinfo}
        fixed = next(iter(names)) if len(names) == 1 else None
        guess = fixed or "UTC"
        source = f"{guess} was taken" + (", which is the offset of all its times" if fixed else "")
    reason = f"“{written}” is no time zone known here; {source}" if written else f"it names no time zone; {source}"
    if not (defaults.time_zone and not written):
        advice = "name the programme's time zone, as Europe/London, when you import"
        problems.append(problem("doubtful", "time_zone", place, place.file, reason, advice))
    return guess


def report_other_offsets(problems: list[Problem], place: Place, schedule: Schedule, moments: Iterable[str]) -> None:
    """Say once where times are written with another offset than the programme's zone has; the offset counts."""
    local = times.zone(schedule.time_zone)
    for written in moments:
        moment = times.iso_moment(written)
        if moment is None or moment.tzinfo is None or times.to_utc(moment, local) is None:
            continue
        if moment.astimezone(local).utcoffset() != moment.utcoffset():
            reason = f"its time zone is {schedule.time_zone}, but times are written as {written}; the offset counts"
            advice = "check the programme's time zone"
            problems.append(problem("doubtful", "other_offset", place, schedule.name, reason, advice))
            return


def day_moment(day: str, clock: timedelta, day_start: str) -> datetime | None:
    """A time of day on a day of the programme. Before `day_start` (an ISO moment, whose offset is taken) it belongs to
    the next morning."""
    on = _date(day)
    start = times.iso_moment(day_start)
    if on is None and start is not None:
        on = start.date()
    if on is None:
        return None
    moment = times.at(on, clock)
    if start is None:
        return moment
    if moment < start.replace(tzinfo=None) and start.date() == on:
        moment += timedelta(days=1)
    return moment.replace(tzinfo=start.tzinfo)


def _date(text: str) -> date | None:
    """The date of an ISO date or moment; None for anything else."""
    moment = times.iso_moment(text)
    return moment.date() if moment is not None else times.day(text)[0]
