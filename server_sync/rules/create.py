"""``programme``, ``event``, ``location``, ``participant`` and ``group`` ``.create``: one new row with checked fields.

The row takes the command's id. Each locks the programme, so that two creations of the same external id queue and the
second is told of the first.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from server_sync.protocol.errors import INVALID, NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import (
    Category,
    Event,
    EventLocation,
    EventRules,
    EventType,
    Group,
    Location,
    Participant,
    Programme,
    Record,
)
from server_sync.rules.changing import name_taken
from server_sync.rules.command import A, Command, Rule
from server_sync.rules.state import (
    EVENT_NAMED,
    GROUP_NAMED,
    LOCATION_NAMED,
    PERSON_NAMED,
    Changes,
    Index,
    Keys,
    State,
    named_key,
)

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
Text = Annotated[str, msgspec.Meta(max_length=20_000)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Points = Annotated[int, msgspec.Meta(ge=-1_000_000, le=1_000_000)]
Money = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
SeatTypePrices = Annotated[
    dict[Annotated[str, msgspec.Meta(min_length=1, max_length=50)], Money], msgspec.Meta(max_length=100)
]
Position = Annotated[int, msgspec.Meta(ge=-1_000_000, le=1_000_000)]
RoomIds = Annotated[list[GivenId], msgspec.Meta(max_length=1000)]


class CreateProgramme(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Name, IANA time zone, and the days; ``practice`` can never be changed later."""

    name: Name
    time_zone: Name = "UTC"
    starts_on: date | None = None
    ends_on: date | None = None
    practice: bool = False
    settings: dict[str, Any] | None = None


class CreateEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event and the rooms it uses. Money is in the smallest unit of ``currency``, for each type of seat too."""

    name: Name
    category: Category = "other"
    type: EventType = "individual"
    description: Text | None = None
    points_first: Points = 0
    points_second: Points = 0
    points_third: Points = 0
    is_active: bool = True
    capacity: Count | None = None
    waitlist_enabled: bool = False
    waitlist_order: Literal["strict", "best_fit"] = "strict"
    rules_id: GivenId | None = None
    artists: list[Name] | None = None
    tags: list[Name] | None = None
    master_start: datetime | None = None
    master_end: datetime | None = None
    price: Money | None = None
    fee: Money | None = None
    currency: Currency | None = None
    seat_type_prices: SeatTypePrices | None = None
    location_ids: RoomIds = []
    external_id: Name | None = None
    metadata: dict[str, Any] | None = None


class CreateLocation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room."""

    name: Name
    building: Name | None = None
    city: Name | None = None
    description: Text | None = None
    capacity: Count | None = None
    notes: Text | None = None
    external_id: Name | None = None
    position: Position | None = None
    metadata: dict[str, Any] | None = None


class CreateParticipant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person: a display name, or first and last names from which it is computed."""

    first_name: Name | None = None
    last_name: Name | None = None
    display_name: Name | None = None
    external_id: Name | None = None
    school: Name | None = None
    grade: Name | None = None
    age: Annotated[int, msgspec.Meta(ge=0, le=150)] | None = None
    group_id: GivenId | None = None
    contact: Annotated[str, msgspec.Meta(max_length=320)] | None = None
    metadata: dict[str, Any] | None = None


class CreateGroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An ensemble or team."""

    name: Name
    school: Name | None = None
    external_id: Name | None = None
    metadata: dict[str, Any] | None = None


def display_name(first: str | None, last: str | None, display: str | None) -> str | None:
    """What people read: the display name if given, else the parts that are there, else None."""
    return display or " ".join(part for part in (first, last) if part) or None


def needs_programme(command: Command[Any], loaded: State) -> Keys:
    """The programme that the row will belong to: only looked at, or a long import would keep everybody waiting."""
    return Keys(read={(Programme, command.programme_id)})


def needs_named(index: Index) -> Any:
    """The programme (locked where two might want one external id), who has that, and the rows that it names."""

    def needs(command: Command[Any], loaded: State) -> Keys:
        keys = needs_programme(command, loaded)
        if command.args.external_id is not None:
            keys.lock.add((Programme, command.programme_id))
            keys.find.add((index, named_key(command.programme_id, command.args.external_id)))
        for location_id in getattr(command.args, "location_ids", ()):
            keys.lock.add((Location, location_id))
        if getattr(command.args, "group_id", None) is not None:
            keys.lock.add((Group, command.args.group_id))  # or it were retired meanwhile
        if getattr(command.args, "rules_id", None) is not None:
            keys.lock.add((EventRules, command.args.rules_id))
        return keys

    return needs


def _created(state: State, command: Command[Any], index: Index | None, row: Record, *more: Record) -> Changes | Refusal:
    """The new row, unless its programme is unknown or another row has its external id."""
    programme = state.get(Programme, command.programme_id)
    if programme is None and not isinstance(row, Programme):
        return Refusal(NOT_FOUND, {"programme_id": command.programme_id})
    if index is not None:
        taken = name_taken(state, command.programme_id, index, command.args.external_id)
        if taken is not None:
            return taken
    return Changes([row, *more], {"id": row.id})


def _fields(args: msgspec.Struct, *leave: str) -> dict[str, Any]:
    return {name: getattr(args, name) for name in args.__struct_fields__ if name not in leave}


def create_programme(state: State, command: Command[CreateProgramme], now: datetime) -> Changes | Refusal:
    """A draft programme; its id is the command's."""
    args = command.args
    try:
        ZoneInfo(args.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones, as "America"
        return Refusal(INVALID, {"field": "time_zone", "problem": f"no IANA time zone is called {args.time_zone!r}"})
    if args.starts_on is not None and args.ends_on is not None and args.ends_on < args.starts_on:
        return Refusal(INVALID, {"field": "ends_on", "problem": "it ends before it starts"})
    programme = Programme(id=command.id, programme_id=command.id, status="draft", **_fields(args))
    return _created(state, command, None, programme)


def create_event(state: State, command: Command[CreateEvent], now: datetime) -> Changes | Refusal:
    """An event, with the rooms that it uses."""
    args = command.args
    if args.master_start is not None and args.master_end is not None and args.master_end <= args.master_start:
        return Refusal(INVALID, {"field": "master_end", "problem": "it ends before it starts"})
    for location_id in args.location_ids:
        room = state.get(Location, location_id)
        if room is None or room.deleted or room.programme_id != command.programme_id:
            return Refusal(NOT_FOUND, {"location_id": location_id})
    rules = state.get(EventRules, args.rules_id)
    if args.rules_id is not None and (rules is None or rules.deleted or rules.programme_id != command.programme_id):
        return Refusal(NOT_FOUND, {"rules_id": args.rules_id})
    event = Event(
        id=command.id,
        programme_id=command.programme_id,
        reserved_count=0,
        overbooked_count=0,
        **_fields(args, "location_ids"),
    )
    uses = [
        EventLocation(
            id=command.derive(location_id),
            programme_id=command.programme_id,
            event_id=event.id,
            location_id=location_id,
        )
        for location_id in dict.fromkeys(args.location_ids)
    ]
    return _created(state, command, EVENT_NAMED, event, *uses)


def create_location(state: State, command: Command[CreateLocation], now: datetime) -> Changes | Refusal:
    """A room."""
    room = Location(id=command.id, programme_id=command.programme_id, **_fields(command.args))
    return _created(state, command, LOCATION_NAMED, room)


def create_participant(state: State, command: Command[CreateParticipant], now: datetime) -> Changes | Refusal:
    """A person."""
    args = command.args
    name = display_name(args.first_name, args.last_name, args.display_name)
    if name is None:
        return Refusal(INVALID, {"field": "display_name", "problem": "a person needs a name"})
    if args.group_id is not None:
        group = state.get(Group, args.group_id)
        if group is None or group.deleted or group.programme_id != command.programme_id:
            return Refusal(NOT_FOUND, {"group_id": args.group_id})
    fields = _fields(args, "display_name")
    person = Participant(id=command.id, programme_id=command.programme_id, display_name=name, **fields)
    return _created(state, command, PERSON_NAMED, person)


def create_group(state: State, command: Command[CreateGroup], now: datetime) -> Changes | Refusal:
    """An ensemble or team, empty until people name it."""
    group = Group(id=command.id, programme_id=command.programme_id, **_fields(command.args))
    return _created(state, command, GROUP_NAMED, group)


def _rule(kind: str, args: type[A], needs: Any, decide: Any) -> Rule[A]:
    return Rule(kind, args, "admin", needs, decide)


RULES: list[Rule[Any]] = [
    _rule("programme.create", CreateProgramme, needs_programme, create_programme),
    _rule("event.create", CreateEvent, needs_named(EVENT_NAMED), create_event),
    _rule("location.create", CreateLocation, needs_named(LOCATION_NAMED), create_location),
    _rule("participant.create", CreateParticipant, needs_named(PERSON_NAMED), create_participant),
    _rule("group.create", CreateGroup, needs_named(GROUP_NAMED), create_group),
]
