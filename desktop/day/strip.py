"""The status strip in words: online or not, how fresh, how many wait, whether the clock is right."""

from __future__ import annotations

from datetime import datetime, timedelta

from desktop.day.day import Day
from desktop.day.status import clock, minutes
from desktop.qt.i18n import tr
from desktop.sync.status import Link, Status
from desktop.widgets.records import Connection, ConnectionState, Freshness, StripState
from server_sync.protocol.commands import Desk

LIVE = timedelta(seconds=45)
"""Twice the time between two pulls: younger than this is as fresh as it gets."""
UNSEEN = timedelta(minutes=5)
CLOCK_RIGHT_MS = 2000

_STATES = {
    Link.ONLINE: ConnectionState.ONLINE,
    Link.OFFLINE: ConnectionState.OFFLINE,
    Link.CONNECTING: ConnectionState.CONNECTING,
    Link.TROUBLE: ConnectionState.TROUBLE,
    Link.STOPPED: ConnectionState.TROUBLE,
    Link.PAUSED: ConnectionState.BLOCKED,
    Link.REVOKED: ConnectionState.BLOCKED,
}


def strip_state(day: Day, status: Status) -> StripState:
    """What the strip says now."""
    others = [desk for desk in status.desks if desk.id != day.identity.device]
    seen = [desk for desk in others if not _unseen(day, desk)]
    since = "" if status.since is None or status.link is not Link.OFFLINE else clock(status.since, day.zone)
    return StripState(
        Connection(_STATES[status.link], since, len(seen) + 1, "" if status.link is Link.OFFLINE else status.detail),
        Freshness(age_words(day.now(), status.fresh_at), is_live(day, status), _who_is_unseen(day, others)),
        day.unsent(),
        clock_note(status.clock_offset_ms),
        desk=day.identity.name,
    )


def is_live(day: Day, status: Status) -> bool:
    """Whether what is shown is as the centre has it, give or take a pull."""
    reached = status.link in (Link.ONLINE, Link.TROUBLE)
    return reached and status.fresh_at is not None and day.now() - status.fresh_at < LIVE


def as_of(day: Day, status: Status) -> str:
    """Such as "As of 3 min ago; Desk 2 unseen for 6 min", or "" while live."""
    if is_live(day, status):
        return ""
    if status.fresh_at is None:
        return tr("Not from the server yet")
    words = tr("As of {age} ago", age=age_words(day.now(), status.fresh_at))
    unseen = _who_is_unseen(day, status.desks)
    return f"{words}; {unseen}" if unseen else words


def age_words(now: datetime, then: datetime | None) -> str:
    """How long ago: "2 s", "7 min", "1 h 05"; "" if it never was."""
    if then is None:
        return ""
    age = max(timedelta(), now - then)
    return tr("{seconds} s", seconds=int(age.total_seconds())) if age < timedelta(minutes=1) else minutes(age)


def clock_note(offset_ms: int) -> str:
    """Such as "clock 2 s behind", or "" where this computer's clock is right."""
    if abs(offset_ms) < CLOCK_RIGHT_MS:
        return ""
    size = _span(abs(offset_ms))
    return tr("clock {size} behind", size=size) if offset_ms > 0 else tr("clock {size} ahead", size=size)


def _span(milliseconds: int) -> str:
    span = timedelta(milliseconds=milliseconds)
    return tr("{seconds} s", seconds=int(span.total_seconds())) if span < timedelta(minutes=1) else minutes(span)


def _unseen(day: Day, desk: Desk) -> bool:
    return desk.last_seen is None or day.now() - desk.last_seen >= UNSEEN


def _who_is_unseen(day: Day, desks: tuple[Desk, ...] | list[Desk]) -> str:
    silent = [desk for desk in desks if desk.last_seen is not None and _unseen(day, desk)]
    if not silent:
        return ""
    longest = min(silent, key=lambda desk: (desk.last_seen, desk.id))
    words = tr("{desk} unseen for {time}", desk=longest.name, time=age_words(day.now(), longest.last_seen))
    return words if len(silent) == 1 else tr("{words} and {more} more", words=words, more=len(silent) - 1)
