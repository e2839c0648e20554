"""One room's day as it goes, for whoever runs it: ``rules.room_times`` over the rows, with names."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from msgspec import structs

from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.tables import metadata
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Attendance, EventSlot, RoomDay, SlotReservation
from server_sync.rules.attendance import Word, word
from server_sync.rules.room_day import room_day_id
from server_sync.rules.room_times import Entry, RoomView, room_view

_ROOMS = metadata.tables["locations"]
_PROGRAMMES = metadata.tables["programmes"]
_DAYS = metadata.tables["room_days"]
_SLOTS = metadata.tables["event_slots"]
_EVENTS = metadata.tables["events"]
_CLAIMS = metadata.tables["slot_reservations"]
_GROUPS = metadata.tables["groups"]
_MEMBERS = metadata.tables["reservation_members"]
_PEOPLE = metadata.tables["participants"]
_FACTS = metadata.tables["attendance"]


class NamedEntry(Entry, frozen=True, kw_only=True, omit_defaults=True):
    """An entry with what people call it; ``status`` is the word of the reservation."""

    name: str
    event_name: str
    status: Word
    ref: str | None = None


class RoomDayView(RoomView, frozen=True, kw_only=True, omit_defaults=True):
    """A room's day. ``at`` is the moment for which it holds; times are predicted, slots never shift."""

    location_id: Id
    location_name: str
    day: date
    time_zone: str
    at: datetime
    entries: list[NamedEntry]  # type: ignore[assignment]


class _Room(msgspec.Struct):
    id: Id
    name: str
    time_zone: str


class _Named(msgspec.Struct):
    id: Id
    event_name: str
    reserved_name: str | None = None
    group_name: str | None = None
    people: str | None = None


class _Member(msgspec.Struct):
    reservation_id: Id
    participant_id: Id


async def room_day(
    reads: Reads, programme_id: Id | None, location_id: Id, day: date | None, now: datetime
) -> RoomDayView | None:
    """The room's day (today, as the programme's time zone has it, where none is named); None if there is no room."""
    select = sa.select(_ROOMS.c.id, _ROOMS.c.name, _PROGRAMMES.c.time_zone).join(
        _PROGRAMMES, _PROGRAMMES.c.id == _ROOMS.c.programme_id
    )
    select = select.where(_ROOMS.c.id == uid(location_id), _ROOMS.c.deleted.isnot(True))
    if programme_id is not None:
        select = select.where(_ROOMS.c.programme_id == uid(programme_id))
    room = await reads.one(select, _Room)
    if room is None:
        return None
    zone = ZoneInfo(room.time_zone)
    on = day or now.astimezone(zone).date()
    said = await reads.one(sa.select(_DAYS).where(_DAYS.c.id == uid(room_day_id(room.id, on))), RoomDay)
    slots = await reads.rows(_slots(room.id, on, zone), EventSlot)
    ids = [uid(slot.id) for slot in slots]
    there = sa.and_(_CLAIMS.c.slot_id.in_(ids), _CLAIMS.c.claim == "reserved", _CLAIMS.c.deleted.isnot(True))
    claims = await reads.rows(sa.select(_CLAIMS).where(there), SlotReservation)
    members: dict[Id, list[Id]] = defaultdict(list)
    for member in await reads.rows(_in_them(there), _Member):
        members[member.reservation_id].append(member.participant_id)
    facts: dict[Id, list[Attendance]] = defaultdict(list)
    recorded = sa.select(_FACTS).where(
        _FACTS.c.reservation_id.in_([uid(claim.id) for claim in claims]), _FACTS.c.deleted.isnot(True)
    )
    for fact in await reads.rows(recorded, Attendance):
        facts[fact.reservation_id].append(fact)
    named = {row.id: row for row in await reads.rows(_names(there), _Named)}
    view = room_view(slots, claims, members, facts, said, now)
    by_id = {claim.id: claim for claim in claims}
    words = {claim.id: word(claim, members[claim.id], facts[claim.id]) for claim in claims}
    entries = [_named(entry, by_id[entry.reservation_id], named, words) for entry in view.entries]
    return RoomDayView(
        **structs.asdict(view) | {"entries": entries},
        location_id=room.id, location_name=room.name, day=on, time_zone=room.time_zone, at=now,
    )  # fmt: skip


def _slots(location_id: Id, on: date, zone: ZoneInfo) -> sa.Select[Any]:
    """The room's slots that start on the local day."""
    begins = datetime.combine(on, time(), zone).astimezone(UTC)
    ends = datetime.combine(on + timedelta(days=1), time(), zone).astimezone(UTC)
    here = (_SLOTS.c.location_id == uid(location_id), _SLOTS.c.deleted.isnot(True))
    return sa.select(_SLOTS).where(*here, _SLOTS.c.start_time >= begins, _SLOTS.c.start_time < ends)


def _in_them(there: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Who is in the claims *there*."""
    who = sa.select(_MEMBERS.c.reservation_id, _MEMBERS.c.participant_id)
    return who.join(_CLAIMS, _CLAIMS.c.id == _MEMBERS.c.reservation_id).where(there, _MEMBERS.c.deleted.isnot(True))


def _names(there: sa.ColumnElement[bool]) -> sa.Select[Any]:
    people = (
        sa.select(sa.func.string_agg(_PEOPLE.c.display_name, sa.text("', ' ORDER BY display_name")))
        .select_from(_MEMBERS.join(_PEOPLE, _PEOPLE.c.id == _MEMBERS.c.participant_id))
        .where(_MEMBERS.c.reservation_id == _CLAIMS.c.id, _MEMBERS.c.deleted.isnot(True))
        .correlate(_CLAIMS)
        .scalar_subquery()
    )
    return (
        sa.select(
            _CLAIMS.c.id,
            _CLAIMS.c.reserved_name,
            _EVENTS.c.name.label("event_name"),
            _GROUPS.c.name.label("group_name"),
            people.label("people"),
        )
        .join(_EVENTS, _EVENTS.c.id == _CLAIMS.c.event_id)
        .outerjoin(_GROUPS, _GROUPS.c.id == _CLAIMS.c.group_id)
        .where(there)
    )


def _named(entry: Entry, claim: SlotReservation, named: dict[Id, _Named], words: dict[Id, Word]) -> NamedEntry:
    said = named.get(claim.id)
    name = (said.reserved_name or said.group_name or said.people or "") if said is not None else ""
    return NamedEntry(
        **structs.asdict(entry),
        name=name,
        event_name=said.event_name if said is not None else "",
        status=words[claim.id],
        ref=claim.ref,
    )
