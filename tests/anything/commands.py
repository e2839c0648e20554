"""Commands of every kind, with arguments made from their own types and from the rows there are.

An argument that names a row names one that exists (mostly), times lie on the day, texts and numbers are small: so that
commands often concern the same few people and slots, which is where rules meet. ``SPECIAL`` holds what types can't say.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import inspect

from server_sync.protocol.ids import Id
from server_sync.protocol.records import ROLES as RANKS
from server_sync.protocol.records import (
    Device,
    Event,
    EventRules,
    EventSlot,
    EventTimeBlock,
    Flag,
    Group,
    Location,
    Participant,
    Record,
    Role,
    Seat,
    SlotReservation,
    Staff,
)
from server_sync.rules.registry import RULES
from server_sync.rules.state import State
from tests.anything.choosing import Chooser
from tests.anything.ground import NOBODY, NOON
from tests.anything.picture import Picture
from tests.anything.special import SPECIAL, THERE

NAMES: Final[dict[str, type[Record]]] = {
    "slot_id": EventSlot, "slot_ids": EventSlot,
    "reservation_id": SlotReservation, "reservation_ids": SlotReservation, "with_reservation_id": SlotReservation,
    "participant_id": Participant, "participant_ids": Participant, "duplicate_id": Participant,
    "add_participant_ids": Participant, "remove_participant_ids": Participant,
    "group_id": Group, "group_ids": Group, "event_id": Event, "location_id": Location, "location_ids": Location,
    "block_id": EventTimeBlock, "rules_id": EventRules, "seat_ids": Seat, "flag_id": Flag, "staff_id": Staff,
    "device_id": Device,
}  # fmt: skip
"""Which row an argument of this name means."""

WEIGHTS: Final[dict[str, int]] = {
    "reservation.reserve": 46, "reservation.hold": 14, "reservation.cancel": 32, "reservation.move": 14,
    "reservation.swap": 6, "reservation.update": 12, "reservation.confirm": 6, "reservation.reinstate": 5,
    "reservation.override": 5, "reservation.assign": 6, "reservation.walk_in": 6, "waitlist.promote": 4,
    "hold.expire": 5, "attendance.arrive": 6, "attendance.perform": 3, "attendance.no_show": 3, "attendance.undo": 4,
    "participant.create": 3, "slot.update": 6, "block.update": 4, "event.update": 5, "slot.unblock": 3,
    "event.reopen": 3, "block.reopen": 3, "location.reopen": 3,
}  # fmt: skip
"""How often a kind is tried, beside 2 for one that isn't here. What opens is tried more often than what closes."""

RARE: Final = frozenset(
    {"cancel", "retire", "close", "erase", "merge", "postpone", "create", "revoke", "open_seats", "apply"}
)
"""Kinds (by the word after the dot) that would soon leave an empty day, or too full a one."""

PREFERRED: Final[dict[str, tuple[str, ...]]] = {
    "reservation.confirm": ("held", "reserved"), "reservation.reinstate": ("cancelled", "expired"),
    "waitlist.promote": ("waitlisted",), "waitlist.remove": ("waitlisted",), "hold.expire": ("held",),
    "reservation.move": ("reserved", "waitlisted"), "reservation.swap": ("reserved",),
    **dict.fromkeys(("room_day.call", "room_day.on_stage", "room_day.skip", "room_day.unskip"), ("reserved",)),
}  # fmt: skip
"""The claims that a kind is mostly about; other kinds are mostly about live ones and those in line."""

ROLES: Final[tuple[Role, ...]] = ("public", "volunteer", "volunteer", "room_manager", "room_manager", "admin", "admin")

_MAKE_ADMIN: Final = ("override_reason", "waive_reason", "ttl_seconds")
"""Arguments that only an admin may give."""


class Given(NamedTuple):
    """A command: its arguments, who gives it, and the fields of its envelope (``occurred_at``, ``seen``)."""

    kind: str
    args: dict[str, Any]
    role: Role
    how: dict[str, Any]


class Anything:
    """Makes commands for a programme as *state* shows it."""

    def __init__(self, choose: Chooser, state: State, now: datetime, said: list[Id]) -> None:
        self.choose = choose
        self.state = state
        self.now = now
        self.said = said  # commands given before, to be undone
        self.kind = ""

    @cached_property
    def picture(self) -> Picture:
        """The same as anybody would see it."""
        return Picture(self.state.rows, self.now)

    def command(self, kinds: list[str]) -> Given:
        """A command of one of *kinds*, mostly one that there is something for."""
        for _ in range(4):
            self.kind = self.choose.pick(kinds)
            if self._has_subject() or self.choose.chance(10):
                break
        rule = RULES[self.kind]
        special = SPECIAL.get(self.kind)
        args = special(self) if special is not None else self.struct(rule.args)
        how: dict[str, Any] = {}
        if rule.fact:
            how["occurred_at"] = self.now - timedelta(seconds=self.choose.number(0, 5400))
        claim = self.row(SlotReservation, args.get("reservation_id") or next(iter(args.get("reservation_ids", ())), ""))
        if claim is not None and self.choose.chance(25):
            how["seen"] = {f"slot_reservations/{claim.id}": self._seen(claim.placement_version)}
        if claim is not None and args.get("version") is not None:
            args["version"] = self._seen(claim.version)
        return Given(self.kind, args, self._role(args), how)

    def _seen(self, version: int) -> int:
        """What a person saw of a row: mostly the last of it."""
        return version if self.choose.chance(80) else max(1, version + self.choose.pick([-1, 1]))

    def _role(self, args: dict[str, Any]) -> Role:
        """Whoever gives it, mostly somebody who may."""
        role = self.choose.pick(ROLES)
        needed = "admin" if any(args.get(name) for name in _MAKE_ADMIN) else RULES[self.kind].role
        enough = [role for role in ROLES if RANKS.index(role) >= RANKS.index(needed)]
        return role if role in enough or self.choose.chance(12) else self.choose.pick(enough)

    def _has_subject(self) -> bool:
        """Whether there is anything that a command of this kind could be about."""
        there = THERE.get(self.kind)
        if there is not None:
            return there(self.picture)
        described = inspect.type_info(RULES[self.kind].args)
        assert isinstance(described, inspect.StructType)
        needed = (NAMES[field.name] for field in described.fields if field.required and field.name in NAMES)
        return all(any(self._useful(row) for row in self.state.rows[record].values()) for record in needed)

    # ------------------------------------------------------- by their types

    def struct(self, shape: type[msgspec.Struct]) -> dict[str, Any]:
        """Arguments of *shape*; what may be left out mostly is."""
        described = inspect.type_info(shape)
        assert isinstance(described, inspect.StructType)
        args: dict[str, Any] = {}
        for field in described.fields:
            if not field.required and not self.choose.chance(LIKELY.get(field.name, 20)):
                continue
            value = self.value(field.name, field.type)
            if value is not msgspec.UNSET:
                args[field.encode_name] = value
        return args

    def value(self, name: str, kind: inspect.Type) -> Any:
        """A value for the argument *name* of a type, ``UNSET`` to leave it out."""
        if isinstance(kind, inspect.UnionType):
            some = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
            if any(isinstance(one, inspect.NoneType) for one in kind.types) and self.choose.chance(15):
                return None
            return self.value(name, self.choose.pick(some))
        for known, make in _MAKERS:
            if isinstance(kind, known):
                return make(self, name, kind)
        raise AssertionError(f"nothing is known of {kind} for {name}")

    def one(self, record: type[Record]) -> Id:
        """The id of a row, one that can be used mostly, now and then of nobody's."""
        rows = self.state.rows[record]
        if not rows or self.choose.chance(1):
            return NOBODY
        useful = sorted(id for id, row in rows.items() if self._useful(row))
        return self.choose.pick(useful if useful and self.choose.chance(93) else sorted(rows))

    def _useful(self, row: Any) -> bool:
        if row.deleted:
            return False
        if isinstance(row, SlotReservation):
            if self.kind == "reservation.confirm" and row.confirmed_at is not None:
                return False
            return row.claim in PREFERRED.get(self.kind, ("held", "waitlisted", "reserved"))
        if isinstance(row, EventSlot | EventTimeBlock):
            wanted = "closed" if self.kind.endswith((".unblock", ".reopen")) else "open"
            return bool(row.status == wanted)
        if isinstance(row, Event):
            return bool(row.is_active) != (self.kind == "event.reopen")
        if isinstance(row, Device):
            return row.revoked_at is None
        if isinstance(row, Participant):
            return not row.erased and row.merged_into is None
        return not isinstance(row, Flag) or row.resolved_at is None

    def moment(self) -> datetime:
        """A time on the day, on five minutes."""
        return NOON + timedelta(minutes=5 * self.choose.number(0, 30))

    def row(self, record: type[Any], id: Id) -> Any:
        """The row with that id, or None."""
        return self.state.rows[record].get(id)


LIKELY: Final[dict[str, int]] = {
    "slot_id": 95, "participant_ids": 80, "reserved_name": 50, "on_full": 60, "assignments": 100, "slot_ids": 90,
    "reservation_ids": 100, "participant_id": 80, "display_name": 90, "seat_ids": 30, "event_id": 10, "group_id": 8,
    "override_reason": 10, "waive_reason": 8, "version": 5, "cancel_people": 60, "cancel_claims": 60, "reason": 70,
    "max_capacity": 30, "capacity": 40, "seat_type_prices": 30, "guests": 30, "waitlist_enabled": 70,
    "waitlist_order": 60, "metadata": 3, "external_id": 15, "ttl_seconds": 10, "undo": 0,
}  # fmt: skip
"""In how many of a hundred an optional argument is given; 20 for one that isn't here."""


def _text(any: Anything, name: str, kind: Any) -> Any:
    if name.endswith("_id") or name in ("ids", "id"):
        return any.choose.pick(any.said) if name == "command_id" and any.said else any.one(NAMES.get(name, Participant))
    if name.endswith("_ids"):
        return any.one(NAMES[name])
    if name == "external_id":
        return any.choose.pick(["a", "b", "c"])
    if name == "time_zone":
        return "Europe/London"
    if name == "currency":
        return "EUR"
    if name.endswith("contact"):
        return f"{any.choose.number(0, 10**6)}@example.org"
    named = name in ("display_name", "first_name", "last_name", "reserved_name")  # no other text is a person's name
    return any.choose.pick([f"Zoë {any.choose.number(0, 10**6)}", "Bo"] if named else ["one", "another", "a third"])


def _number(any: Anything, name: str, kind: Any) -> int:
    low = kind.ge if kind.ge is not None else (kind.gt + 1 if kind.gt is not None else 0)
    high = kind.le if kind.le is not None else 10**6
    if name in ("capacity", "max_capacity"):
        return any.choose.number(max(low, 1), 5)
    return min(high, low + any.choose.number(0, 3 if name in ("guests", "version") else 20))


def _list(any: Anything, name: str, kind: Any) -> list[Any]:
    many = 3 if isinstance(kind.item_type, inspect.StructType) else 2
    found = [any.value(name, kind.item_type) for _ in range(any.choose.number(1, many))]
    return [*dict.fromkeys(found)] if all(isinstance(item, str) for item in found) else found


def _dict(any: Anything, name: str, kind: Any) -> dict[str, Any]:
    return {"standard": any.choose.number(1, 9)} if any.choose.chance(80) else {}


_MAKERS: Final[tuple[tuple[Any, Callable[[Anything, str, Any], Any]], ...]] = (
    (inspect.StrType, _text),
    (inspect.BoolType, lambda any, name, kind: any.choose.chance(60)),
    (inspect.IntType, _number),
    (inspect.FloatType, lambda any, name, kind: 1.5),
    (inspect.DateTimeType, lambda any, name, kind: any.moment()),
    (inspect.DateType, lambda any, name, kind: date(2082, 5, 2)),
    (inspect.LiteralType, lambda any, name, kind: any.choose.pick(kind.values)),
    ((inspect.ListType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType), _list),
    (inspect.DictType, _dict),
    (inspect.StructType, lambda any, name, kind: any.struct(kind.cls)),
    (inspect.AnyType, lambda any, name, kind: {"note": 1}),
)


LEFT_OUT: Final = frozenset({"programme.create"})
"""Kinds that make a whole programme; they have tests of their own."""


def weighted_kinds(rare: int = 3) -> list[str]:
    """Every kind, as often as it weighs; a *rare* one so often where others stand ten times and more."""
    kinds: list[str] = []
    for kind in sorted(RULES.keys() - LEFT_OUT):
        word = kind.partition(".")[2]
        kinds += [kind] * (rare if word in RARE and kind not in WEIGHTS else 5 * WEIGHTS.get(kind, 2))
    return kinds
