"""What stands in for a part that is turned off: each does the wrong thing, and does it without breaking anything.

They are named by markers, as ``part:package.module:function->tests.scenarios.standins:other``. An original that a
stand-in still needs is kept in a closure: a name in this module would be replaced with all the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import structs

from server_sync.authority import store
from server_sync.authority.principal import Principal
from server_sync.authority.queries import audit, events, reservations, waitlists
from server_sync.authority.queries import seats as seats_read
from server_sync.importers import csv_people, frab_xml, icalendar, schedule_json
from server_sync.importers.reading import Source
from server_sync.protocol.errors import INVALID, Refusal
from server_sync.protocol.imports import Import
from server_sync.protocol.records import (
    Attendance,
    EventLocation,
    EventSlot,
    EventTimeBlock,
    Record,
    Seat,
    SlotReservation,
    SlotSeat,
)
from server_sync.rules import blocks, changing, create, line, reserve, seats
from server_sync.rules.command import Command
from server_sync.rules.state import Changes, State

# ------------------------------------------------------------- what is stored


def required_only(args: msgspec.Struct, *leave: str) -> dict[str, Any]:
    """The fields of a new row, but those that somebody need not give."""
    needed = (field for field in structs.fields(args) if field.required or field.default is not None)
    return {field.name: getattr(args, field.name) for field in needed if field.name not in leave}


def _leaving_out(fields: Callable[..., dict[str, Any]], *names: str) -> Callable[..., dict[str, Any]]:
    def some(args: msgspec.Struct, *leave: str) -> dict[str, Any]:
        return {name: value for name, value in fields(args, *leave).items() if name not in names}

    return some


without_configuration = _leaving_out(changing.given, "configuration")


def _without(decide: Callable[..., Changes | Refusal], record: type[Record]) -> Callable[..., Changes | Refusal]:
    def decide_less(state: State, command: Command[Any], now: datetime) -> Changes | Refusal:
        changes = decide(state, command, now)
        if isinstance(changes, Changes):
            changes.puts = [row for row in changes.puts if not isinstance(row, record)]
        return changes

    return decide_less


event_without_rooms = _without(create.create_event, EventLocation)


def _half(new_slot: Callable[..., EventSlot]) -> Callable[..., EventSlot]:
    def half(
        id: str, block: EventTimeBlock, number: int, span: tuple[datetime, datetime], *more: Any, **named: Any
    ) -> EventSlot:
        return new_slot(id, block, number, (span[0], span[0] + (span[1] - span[0]) / 2), *more, **named)

    return half


half_the_time = _half(blocks.new_slot)


def all_in_one(start: datetime, end: datetime, minutes: int) -> Iterator[tuple[datetime, datetime]]:
    """A block that is not split."""
    yield start, end


def _seat_without_price(opened: Callable[..., SlotSeat]) -> Callable[..., SlotSeat]:
    return lambda *args: structs.replace(opened(*args), price=None)


unpriced = _seat_without_price(seats._opened)
_POSITIONS: Final = itertools.count(1)


def nowhere(seat: Seat) -> str:
    """A position that no other seat has."""
    return f"nowhere-{next(_POSITIONS)}"


def nameless(refs: Any, row: Record) -> Record:
    """A row that gets no ref."""
    return row


def long_ref(prefix: str, number: int) -> str:
    """A ref that nobody can remember."""
    return f"{prefix}-{number:020}"


def _row_by_row(write: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def slowly(connection: Any, updates: dict[Any, list[bytes]], inserts: Any, log: Any) -> None:
        for record, rows in updates.items():
            for row in rows:
                await write(connection, {record: [row]}, {}, [])
        await write(connection, {}, inserts, log)

    return slowly


row_by_row = _row_by_row(store._write)


def no_effects(*_: object) -> msgspec.Raw:
    """A ledger that does not say what was changed."""
    return msgspec.Raw(b"[]")


SOMEBODY: Final = Principal("timer", "Grace", "admin")
"""The timer under the name of a person."""


# ------------------------------------------------------------ what is decided


def _for_people_alone(missing: Callable[..., Refusal | None]) -> Callable[..., Refusal | None]:
    def refuse(state: State, command: Command[Any], wanted: Any, people: list[str]) -> Refusal | None:
        return missing(state, command, wanted, people) or (None if people else Refusal(INVALID, {"problem": "who?"}))

    return refuse


people_alone = _for_people_alone(reserve.what_is_missing)


def _said_otherwise(each: Callable[..., Any], change: Callable[[Any], dict[str, Any]]) -> Callable[..., Any]:
    def other(draft: Any, command: Command[Any], *rest: Any) -> Any:
        return each(draft, replace(command, args=structs.replace(command.args, **change(command.args))), *rest)

    return other


whoever_can = _said_otherwise(line._each, lambda args: {"mode": "best"})
the_first_alone = _said_otherwise(line._each, lambda args: {"reservation_ids": args.reservation_ids[:1]})


# --------------------------------------------------------------- what is read


def claims_own_word(claim: SlotReservation, members: Iterable[str], facts: Iterable[Attendance]) -> str:
    """The claim's state, whatever happened since."""
    return claim.claim


def _as_first_told(places: Callable[..., Awaitable[dict[str, Any]]]) -> Callable[..., Awaitable[dict[str, Any]]]:
    told: dict[str, Any] = {}

    async def remembered(reads: Any, event_ids: Iterable[str]) -> dict[str, Any]:
        return {id: told.setdefault(id, place) for id, place in (await places(reads, event_ids)).items()}

    return remembered


places_as_first_told = _as_first_told(waitlists.places)
LAST_COME_FIRST: Final = -sa.extract("epoch", waitlists.CAME)


def _with(read: Callable[..., Awaitable[Any]], **fixed: Any) -> Callable[..., Awaitable[Any]]:
    async def other(*args: Any, **named: Any) -> Any:
        return await read(*args, **(named | fixed))

    return other


by_start_alone = _with(reservations.page, by_time_made=False)


def _whatever(page: Callable[..., Awaitable[Any]], place: int) -> Callable[..., Awaitable[Any]]:
    async def other(*args: Any) -> Any:
        return await page(*args[:place], None, *args[place + 1 :])

    return other


of_any_category, active_or_not = _whatever(events.page, 2), _whatever(events.page, 3)


def _as_first_read(read: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    kept: dict[Any, Any] = {}

    async def remembered(reads: Any, programme_id: str | None, id: str, **more: Any) -> Any:
        if id not in kept:
            kept[id] = await read(reads, programme_id, id, **more)
        return kept[id]

    return remembered


seats_as_first_read = _as_first_read(seats_read.of_slot)


def _unsaid(change: Callable[..., audit.RowChange]) -> Callable[..., audit.RowChange]:
    return lambda *args: structs.replace(change(*args), columns=[])


without_values = _unsaid(audit._change)


# -------------------------------------------------------------- what comes in


NOTHING: Final[dict[str, Any]] = dict.fromkeys(("rooms", "events", "blocks", "people", "groups", "claims"), ())


def _empty(read: Callable[..., Any]) -> Callable[..., Any]:
    def nothing(source: Source, *defaults: Any) -> Any:
        document = read(source, *defaults)
        return structs.replace(document, **NOTHING) if isinstance(document, Import) else document

    return nothing


nobody_in_the_list = _empty(csv_people.read)
nothing_in_frab, nothing_in_json = _empty(frab_xml.read), _empty(schedule_json.read)
nothing_in_the_calendar = _empty(icalendar.read)
