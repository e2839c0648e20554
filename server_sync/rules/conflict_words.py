"""What is wrong with a programme, one conflict at a time, and the sentence that says it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from server_sync.protocol.ids import Id
from server_sync.rules.clock_words import Clock, counted

ConflictKind = Literal[
    "person_double_booked", "room_double_booked", "slot_over_full", "block_over_full", "event_over_full",
    "claim_on_closed", "room_gone", "walk_too_short", "hold_expired", "room_not_linked", "room_too_small",
    "person_without_slot", "group_without_slot",
]  # fmt: skip
Severity = Literal["problem", "warning", "noted"]
"""``problem``: the day can't go as it stands. ``warning``: look at it. ``noted``: somebody allowed it, and said why."""

_WARNINGS: Final = frozenset({
    "walk_too_short", "hold_expired", "room_not_linked", "room_too_small", "person_without_slot", "group_without_slot",
})  # fmt: skip


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A row, and what people call it."""

    id: Id
    name: str


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event in a room at a time; a slot or a block of it where that is what it is about."""

    event_id: Id
    event: str
    location_id: Id | None = None
    room: str | None = None
    building: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    slot_id: Id | None = None
    time_block_id: Id | None = None
    reservation_id: Id | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a query found of one conflict. ``state``, ``by`` and ``most`` mean what its kind says."""

    participant: Named | None = None
    group: Named | None = None
    reservation: Named | None = None
    place: Whereabouts | None = None
    other: Whereabouts | None = None
    waived: bool | None = None
    reason: str | None = None
    state: str | None = None
    by: int | None = None
    most: int | None = None


class Conflict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One conflict. ``places`` are the one or two that are at odds; ``by`` is by how much (places or minutes)."""

    kind: ConflictKind
    severity: Severity
    words: str
    participant: Named | None = None
    group: Named | None = None
    reservation: Named | None = None
    places: list[Whereabouts] = []
    waived: bool = False
    reason: str | None = None
    by: int | None = None


def conflict(kind: ConflictKind, found: Found, clock: Clock) -> Conflict:
    """The conflict with its sentence; times on *clock*."""
    return Conflict(
        kind=kind,
        severity=_severity(kind, found),
        words=_WORDS[kind](found, clock) + (f" (allowed: {found.reason})" if found.waived and found.reason else "."),
        participant=found.participant,
        group=found.group,
        reservation=found.reservation,
        places=[place for place in (found.place, found.other) if place is not None],
        waived=bool(found.waived),
        reason=found.reason,
        by=found.by,
    )


def _severity(kind: ConflictKind, found: Found) -> Severity:
    if found.waived:
        return "noted"
    return "warning" if kind in _WARNINGS else "problem"


def _there(place: Whereabouts | None, clock: Clock) -> str:
    """``Piano solo, Sun 14 Mar 10:00–10:10 (Great Hall)``, as much of it as is known."""
    assert place is not None
    words = place.event
    if place.start_time is not None and place.end_time is not None:
        words += f", {clock.span(place.start_time, place.end_time)}"
    return words if place.room is None else f"{words} ({place.room})"


def _name(named: Named | None) -> str:
    return named.name if named is not None else "somebody"


def _person_double_booked(found: Found, clock: Clock) -> str:
    both = f"{_there(found.place, clock)} and {_there(found.other, clock)}"
    return f"{_name(found.participant)} is in two places at once: {both}"


def _room_double_booked(found: Found, clock: Clock) -> str:
    assert found.place is not None
    assert found.other is not None
    assert found.place.start_time is not None
    assert found.place.end_time is not None
    assert found.other.start_time is not None
    assert found.other.end_time is not None
    one, other = (
        f"{place.event}, {clock.span(start, end)}"
        for place, start, end in (
            (found.place, found.place.start_time, found.place.end_time),
            (found.other, found.other.start_time, found.other.end_time),
        )
    )
    return f"{found.place.room} is used twice at once: {one} and {other}"


def _over_full(found: Found, clock: Clock) -> str:
    held = f"holds {found.most} and has {(found.most or 0) + (found.by or 0)}"
    reason = f"; the reason given: {found.reason}" if found.reason else ""
    return f"{_there(found.place, clock)} {held}: {found.by} too many{reason}"


def _claim_on_closed(found: Found, clock: Clock) -> str:
    words = {"cancelled": "that was cancelled", "deleted": "that is no longer there"}
    return f"{_name(found.reservation)} has a place in a slot {words[found.state or '']}: {_there(found.place, clock)}"


def _room_gone(found: Found, clock: Clock) -> str:
    return f"{_there(found.place, clock)} has no room: that room is no longer there"


def _walk_too_short(found: Found, clock: Clock) -> str:
    assert found.place is not None
    assert found.other is not None
    minutes = counted(found.by or 0, "minute")
    way = f"from {_there(found.place, clock)} in {found.place.building or 'another building'}"
    to = f"{_there(found.other, clock)} in {found.other.building or 'another building'}"
    return f"{_name(found.participant)} has {minutes} to walk {way} to {to}"


def _hold_expired(found: Found, clock: Clock) -> str:
    return f"The hold of {_name(found.reservation)} on {_there(found.place, clock)} has expired and is still there"


def _room_not_linked(found: Found, clock: Clock) -> str:
    assert found.place is not None
    return (
        f"{found.place.event} has {counted(found.by or 0, 'slot')} in {found.place.room}, which is not among its rooms"
    )


def _room_too_small(found: Found, clock: Clock) -> str:
    assert found.place is not None
    slots = f"slots of up to {(found.most or 0) + (found.by or 0)} places: {_there(found.place, clock)}"
    return f"{found.place.room} is for {found.most} people and has {slots}"


def _person_without_slot(found: Found, clock: Clock) -> str:
    return f"{_name(found.participant)} has no place and waits for none"


def _group_without_slot(found: Found, clock: Clock) -> str:
    people = f"of its {counted(found.by, 'member')} nobody has one" if found.by else "it has no members either"
    return f"The group {_name(found.group)} has no place; {people}"


_WORDS: Final = {
    "person_double_booked": _person_double_booked,
    "room_double_booked": _room_double_booked,
    "slot_over_full": _over_full,
    "block_over_full": _over_full,
    "event_over_full": _over_full,
    "claim_on_closed": _claim_on_closed,
    "room_gone": _room_gone,
    "walk_too_short": _walk_too_short,
    "hold_expired": _hold_expired,
    "room_not_linked": _room_not_linked,
    "room_too_small": _room_too_small,
    "person_without_slot": _person_without_slot,
    "group_without_slot": _group_without_slot,
}
