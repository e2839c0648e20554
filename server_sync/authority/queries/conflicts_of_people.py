"""Conflicts of people: in two places at once, too far to walk, or without any place."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from server_sync.authority.queries.conflict_parts import LIVE, name_of, place_of
from server_sync.authority.queries.engine import uid
from server_sync.authority.tables import metadata
from server_sync.protocol.ids import Id

_CLAIMS = metadata.tables["slot_reservations"]
_MEMBERS = metadata.tables["reservation_members"]
_PEOPLE = metadata.tables["participants"]
_GROUPS = metadata.tables["groups"]
_SLOTS = metadata.tables["event_slots"]
_BLOCKS = metadata.tables["event_time_blocks"]
_EVENTS = metadata.tables["events"]
_ROOMS = metadata.tables["locations"]
_USES = metadata.tables["event_locations"]

_ONE, _OTHER = _MEMBERS.alias("one"), _MEMBERS.alias("other")
_HERE, _THERE = _ROOMS.alias("here"), _ROOMS.alias("there")
"""Two places of one person, and the rooms that they are in."""


def person_double_booked(programme_id: Id, walk: int) -> sa.Select[Any]:
    """People whose live places overlap; one that was allowed is marked with its reason."""
    overlap = sa.and_(
        sa.tuple_(_OTHER.c.start_time, _OTHER.c.id) > sa.tuple_(_ONE.c.start_time, _ONE.c.id),
        _OTHER.c.start_time < _ONE.c.end_time,
    )
    waived = sa.or_(_ONE.c.waived, _OTHER.c.waived)
    reason = sa.func.coalesce(_ONE.c.waived_reason, _OTHER.c.waived_reason)
    found = _two_places(programme_id, overlap, waived.label("waived"), reason.label("reason"))
    return found.order_by(waived, _ONE.c.start_time, _PEOPLE.c.display_name, _ONE.c.id, _OTHER.c.id)


def walk_too_short(programme_id: Id, walk: int) -> sa.Select[Any]:
    """People with fewer than *walk* minutes from one building (or city) to where they are next."""
    between = _OTHER.c.start_time - _ONE.c.end_time
    close = sa.and_(
        _OTHER.c.start_time >= _ONE.c.end_time,
        _OTHER.c.start_time < _ONE.c.end_time + sa.func.make_interval(0, 0, 0, 0, 0, walk),
        sa.or_(*(_said(_HERE.c[name]) != _said(_THERE.c[name]) for name in ("building", "city"))),
        ~_somewhere_between(),
    )
    minutes = sa.cast(sa.func.floor(sa.extract("epoch", between) / 60), sa.Integer)
    found = _two_places(programme_id, close, minutes.label("by"))
    return found.order_by(between, _ONE.c.start_time, _PEOPLE.c.display_name, _ONE.c.id, _OTHER.c.id)


def _somewhere_between() -> sa.ColumnElement[bool]:
    """Whether they have another place after the one and before the other: then they come from there."""
    place = _MEMBERS.alias("between")
    at = sa.tuple_(place.c.start_time, place.c.id)
    return sa.exists().where(
        place.c.participant_id == _ONE.c.participant_id,
        place.c.live,
        place.c.deleted.isnot(True),
        at > sa.tuple_(_ONE.c.start_time, _ONE.c.id),
        at < sa.tuple_(_OTHER.c.start_time, _OTHER.c.id),
    )


def _two_places(programme_id: Id, at_odds: sa.ColumnElement[bool], *more: Any) -> sa.Select[Any]:
    """Pairs of live places of one person that are *at_odds*."""
    tables = sa.join(_ONE, _OTHER, _OTHER.c.participant_id == _ONE.c.participant_id)
    places = []
    for member, room, name in ((_ONE, _HERE, "one"), (_OTHER, _THERE, "other")):
        slot, event = _SLOTS.alias(f"{name}_slot"), _EVENTS.alias(f"{name}_event")
        tables = tables.join(slot, slot.c.id == member.c.slot_id)
        tables = tables.join(event, event.c.id == slot.c.event_id).join(room, room.c.id == slot.c.location_id)
        ids = {"slot_id": slot.c.id, "reservation_id": member.c.reservation_id}
        places.append(place_of(event, room, member.c.start_time, member.c.end_time, **ids))
    live = [sa.and_(member.c.live, member.c.deleted.isnot(True)) for member in (_ONE, _OTHER)]
    return (
        sa.select(_person(), places[0].label("place"), places[1].label("other"), *more)
        .select_from(tables.join(_PEOPLE, _PEOPLE.c.id == _ONE.c.participant_id))
        .where(_ONE.c.programme_id == uid(programme_id), _OTHER.c.programme_id == uid(programme_id), *live, at_odds)
    )


def person_without_slot(programme_id: Id, walk: int) -> sa.Select[Any]:
    """People who neither have a place nor wait for one."""
    return (
        sa.select(_person())
        .where(*_there_still(programme_id), ~_placed())
        .order_by(_PEOPLE.c.display_name, _PEOPLE.c.id)
    )


def group_without_slot(programme_id: Id, walk: int) -> sa.Select[Any]:
    """Groups that have no place and wait for none, and neither does any of their members."""
    members = sa.and_(*_there_still(programme_id), _PEOPLE.c.group_id == _GROUPS.c.id)
    size = sa.select(sa.func.count()).select_from(_PEOPLE).where(members).correlate(_GROUPS).scalar_subquery()
    claimed = sa.exists().where(_CLAIMS.c.group_id == _GROUPS.c.id, _holds_or_waits())
    placed = sa.exists().select_from(_PEOPLE).where(members, _placed()).correlate(_GROUPS)
    return (
        sa.select(name_of(_GROUPS.c.id, _GROUPS.c.name).label("group"), size.label("by"))
        .where(_GROUPS.c.programme_id == uid(programme_id), _GROUPS.c.deleted.isnot(True), ~claimed, ~placed)
        .order_by(_GROUPS.c.name, _GROUPS.c.id)
    )


def _person() -> sa.Label[Any]:
    return name_of(_PEOPLE.c.id, _PEOPLE.c.display_name).label("participant")


def _said(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A building as it is meant, whatever spaces and capitals it was typed with; NULL where none is said."""
    return sa.func.nullif(sa.func.lower(sa.func.trim(column)), "")


def _there_still(programme_id: Id) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _PEOPLE.c.programme_id == uid(programme_id),
        _PEOPLE.c.deleted.isnot(True),
        _PEOPLE.c.erased.isnot(True),
        _PEOPLE.c.merged_into.is_(None),
    )


def _holds_or_waits() -> sa.ColumnElement[bool]:
    return sa.and_(_CLAIMS.c.claim.in_((*LIVE, "waitlisted")), _CLAIMS.c.deleted.isnot(True))


def _placed() -> sa.ColumnElement[bool]:
    """Whether a participant is in a claim that holds places or waits for them."""
    return (
        sa.exists()
        .where(
            _MEMBERS.c.participant_id == _PEOPLE.c.id,
            _MEMBERS.c.deleted.isnot(True),
            _CLAIMS.c.id == _MEMBERS.c.reservation_id,
            _holds_or_waits(),
        )
        .correlate(_PEOPLE)
    )
