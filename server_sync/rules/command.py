"""A command as a rule sees it, and what a kind of command consists of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import inspect, structs

from server_sync.protocol.errors import INVALID, NOT_ALLOWED, UNKNOWN_KIND, Refusal
from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import ROLES, Role
from server_sync.rules.state import Changes, Keys, State

A = TypeVar("A", bound=msgspec.Struct)

_TIMES: Final = (inspect.DateTimeType, inspect.DateType)

YEARS: Final = range(1900, 2201)
"""When things may be planned: what lies outside is a slip, and no database or calendar need cope with it."""

_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # the escape itself, not a backslash before the letters "u0000"


LONGEST_AWAY: Final = timedelta(days=31)
"""For how long a desk may be away and still be believed when it says at what time something happened."""


@dataclass(frozen=True, slots=True)
class Command(Generic[A]):
    """One command with its arguments read. ``role`` is what the caller may do, the device's ceiling applied."""

    id: Id
    kind: str
    programme_id: Id
    args: A
    actor: str
    role: Role = "public"
    device_id: Id | None = None
    occurred_at: datetime | None = None
    clock_offset_ms: int | None = None
    seen: dict[str, int] = field(default_factory=dict)

    def derive(self, name: str | int) -> Id:
        """The id of a row that this command brings forth."""
        return derived_id(self.id, name)

    def happened(self, now: datetime) -> datetime:
        """When it happened by the server's clock: the device's time, corrected, and never later than *now*.

        A clock that is far behind says nothing: then it is *now* (see ``clock_was_wrong``).
        """
        said = self._said()
        return now if said is None or self.clock_was_wrong(now) else min(now, said)

    def clock_was_wrong(self, now: datetime) -> bool:
        """Whether the device named a time at which this can't have happened."""
        said = self._said()
        return self.occurred_at is not None and (said is None or said < now - LONGEST_AWAY)

    def _said(self) -> datetime | None:
        """The device's time, corrected; None if it names none, or one that no calendar has."""
        if self.occurred_at is None:
            return None
        try:
            return self.occurred_at.astimezone(UTC) + timedelta(milliseconds=self.clock_offset_ms or 0)
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class Rule(Generic[A]):
    """One kind of command: who may give it, its arguments, what it must see, and what it does.

    ``fact`` marks what happened in the world: recorded whatever it surprises, and never refused for lack of room.
    ``bulk`` work runs on a lane of its own. ``staged`` rules rehearse on a ``Stage`` in ``needs`` (rehearsed.py).
    """

    kind: str
    args: type[A]
    role: Role
    needs: Callable[[Command[A], State], Keys]
    decide: Callable[[State, Command[A], datetime], Changes | Refusal]
    fact: bool = False
    bulk: bool = False
    staged: bool = False


def read_args(rule: Rule[Any], raw: bytes | msgspec.Raw) -> msgspec.Struct | Refusal:
    """The arguments in *raw* JSON, times in UTC, or ``INVALID`` naming the field that is wrong."""
    if b"\\u0000" in bytes(raw) and holds_nul(raw):
        return Refusal(INVALID, {"problem": "a text holds the character NUL, which can't be stored"})
    try:
        args: msgspec.Struct = msgspec.json.decode(raw, type=rule.args)
    except msgspec.ValidationError as error:
        return Refusal(INVALID, {"problem": str(error)})
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refusal(INVALID, {"problem": f"not JSON: {error}"})
    shape: type[msgspec.Struct] = rule.args
    for name in _times_of(shape):
        time = getattr(args, name)
        if not isinstance(time, date):  # left out, or cleared
            continue
        if isinstance(time, datetime) and time.tzinfo is None:
            return Refusal(INVALID, {"field": name, "problem": "a time needs its zone, such as Z or +02:00"})
        if time.year not in YEARS:
            return Refusal(INVALID, {"field": name, "problem": f"the year {time.year} is out of range"})
        if isinstance(time, datetime) and time.tzinfo is not UTC:
            args = structs.replace(args, **{name: time.astimezone(UTC)})
    return args


def holds_nul(raw: bytes | msgspec.Raw) -> bool:
    """Whether a text in *raw* JSON holds the character NUL, which Postgres can't keep."""
    return _NUL.search(bytes(raw)) is not None


@cache
def _times_of(args: type[msgspec.Struct]) -> tuple[str, ...]:
    """The arguments that are times or days."""
    described = inspect.type_info(args)
    assert isinstance(described, inspect.StructType)
    kinds = {field.name: getattr(field.type, "types", (field.type,)) for field in described.fields}
    return tuple(name for name, types in kinds.items() if any(isinstance(kind, _TIMES) for kind in types))


def allowed(rule: Rule[Any], role: Role) -> Refusal | None:
    """``NOT_ALLOWED`` if *role* may not give this command."""
    if ROLES.index(role) < ROLES.index(rule.role):
        return Refusal(NOT_ALLOWED, {"needs": rule.role, "has": role})
    return None


def unknown_kind(kind: str) -> Refusal:
    """The refusal of a kind that no rule knows."""
    return Refusal(UNKNOWN_KIND, {"kind": kind})
