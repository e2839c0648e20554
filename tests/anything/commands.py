"""Commands of every kind, with arguments made from their own types and from the rows there are.

An argument that names a row names one that exists (mostly), times lie on the day, texts and numbers are small: so that
commands often concern the same few people and slots, which is where rules meet. ``SPECIAL`` holds what types can't say.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import inspect

from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import (
    Attendance,
    Device,
    Enrolment,
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
from server_sync.rules.state import SEATS_OF_SLOT, State
from tests.anything.choosing import Chooser

NOON: Final = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
NOBODY: Final = "00000000-0000-4000-8000-0000000000ff"

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
    "reservation.reserve": 30, "reservation.hold": 12, "reservation.cancel": 10, "reservation.move": 12,
    "reservation.swap": 8, "reservation.update": 8, "reservation.confirm": 8, "reservation.reinstate": 5,
    "reservation.override": 5, "reservation.assign": 6, "reservation.walk_in": 4, "waitlist.promote": 5,
    "waitlist.remove": 2, "hold.expire": 4, "attendance.arrive": 6, "attendance.perform": 3, "attendance.no_show": 3,
    "attendance.undo": 4, "participant.create": 3, "slot.update": 5, "block.update": 4, "event.update": 5,
    "slot.block": 2, "slot.unblock": 3, "event.reopen": 2, "block.reopen": 2, "location.reopen": 2,
}  # fmt: skip
RARE: Final = frozenset({"cancel", "retire", "close", "erase", "merge", "postpone", "create", "revoke", "open_seats"})
"""Kinds (by the word after the dot) that would soon leave an empty day, or too full a one."""

PREFERRED: Final[dict[str, tuple[str, ...]]] = {
    "reservation.confirm": ("held", "reserved"), "reservation.reinstate": ("cancelled", "expired"),
    "waitlist.promote": ("waitlisted",), "waitlist.remove": ("waitlisted",), "hold.expire": ("held",),
    "reservation.move": ("reserved", "waitlisted"), "reservation.swap": ("reserved",),
}  # fmt: skip
"""The claims that a kind is mostly about; other kinds are mostly about live ones and those in line."""

Given = tuple[str, dict[str, Any], dict[str, Any]]


class Anything:
    """Makes commands for a programme as *state* shows it."""

    def __init__(self, choose: Chooser, state: State, now: datetime, said: list[Id]) -> None:
        self.choose = choose
        self.state = state
        self.now = now
        self.said = said  # commands given before, to be undone
        self.kind = ""

    def command(self, kinds: list[str]) -> Given:
        """A kind, its arguments, and the fields of its envelope (``occurred_at``, ``seen``)."""
        kind = self.kind = self.choose.pick(kinds)
        rule = RULES[kind]
        special = SPECIAL.get(kind)
        args = special(self) if special is not None else self.struct(rule.args)
        how: dict[str, Any] = {}
        if rule.fact:
            how["occurred_at"] = self.now - timedelta(seconds=self.choose.number(0, 5400))
        claim = args.get("reservation_id")
        if claim is not None and self.choose.chance(25):
            how["seen"] = {f"slot_reservations/{claim}": self.choose.number(1, 3)}
        return kind, args, how

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
            return row.claim in PREFERRED.get(self.kind, ("held", "waitlisted", "reserved"))
        if isinstance(row, EventSlot | EventTimeBlock):
            wanted = "closed" if self.kind.endswith((".unblock", ".reopen")) else "open"
            return bool(row.status == wanted)
        if isinstance(row, Event):
            return row.is_active or self.kind == "event.reopen"
        if isinstance(row, Participant):
            return not row.erased and row.merged_into is None
        return not isinstance(row, Flag) or row.resolved_at is None

    def party(self, args: dict[str, Any]) -> dict[str, Any]:
        """*args* with people, a group or a name in it, and one place to be; seats only where there are some."""
        for name in ("participant_ids", "group_id", "reserved_name"):
            args.pop(name, None)
        how = self.choose.number(0, 9)
        if how < 5:
            args["participant_ids"] = [self.one(Participant) for _ in range(self.choose.number(1, 2))]
        elif how < 6:
            args["group_id"] = self.one(Group)
        else:
            args["reserved_name"] = "Ada"
        if args.get("event_id") is not None:
            args.pop("slot_id", None)
        else:
            args["slot_id"] = args.get("slot_id") or self.one(EventSlot)
        args.pop("seat_ids", None)
        slot = self.row(EventSlot, args.get("slot_id", ""))
        if slot is not None and slot.seated and self.choose.chance(50):
            seats = sorted(seat.seat_id for seat in self.state.find(SEATS_OF_SLOT, slot.id))
            args["seat_ids"] = [self.choose.pick(seats) for _ in range(self.choose.number(1, 2) if seats else 0)]
            args["guests"] = max(0, len(args["seat_ids"]) - len(args.get("participant_ids", [1])))
        return args

    def moment(self) -> datetime:
        """A time on the day, on five minutes."""
        return NOON + timedelta(minutes=5 * self.choose.number(0, 30))

    def row(self, record: type[Any], id: Id) -> Any:
        """The row with that id, or None."""
        return self.state.rows[record].get(id)


LIKELY: Final[dict[str, int]] = {
    "slot_id": 95, "participant_ids": 80, "reserved_name": 50, "on_full": 60, "assignments": 100, "slot_ids": 90,
    "reservation_ids": 100, "participant_id": 80, "display_name": 90, "seat_ids": 30, "event_id": 4, "group_id": 8,
    "override_reason": 10, "waive_reason": 10, "version": 5, "cancel_people": 60, "cancel_claims": 60, "reason": 70,
    "max_capacity": 30, "capacity": 50, "seat_type_prices": 30, "guests": 30, "waitlist_enabled": 70,
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
    return min(high, low + any.choose.number(0, 3 if name in ("guests", "capacity", "max_capacity", "version") else 20))


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
    (inspect.DateType, lambda any, name, kind: date(2026, 5, 2)),
    (inspect.LiteralType, lambda any, name, kind: any.choose.pick(kind.values)),
    ((inspect.ListType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType), _list),
    (inspect.DictType, _dict),
    (inspect.StructType, lambda any, name, kind: any.struct(kind.cls)),
    (inspect.AnyType, lambda any, name, kind: {"note": 1}),
)


# -------------------------------------------- what the types alone can't say


def _fresh(any: Anything, name: str) -> Id:
    return derived_id(NOBODY, f"{name}/{any.choose.number(0, 10**9)}")


def _block(any: Anything) -> dict[str, Any]:
    start = any.moment()
    args = any.struct(RULES["block.create"].args)
    args |= {"start_time": start, "end_time": start + timedelta(minutes=5 * any.choose.number(1, 6))}
    if args.get("slot_duration_minutes"):
        args["slot_duration_minutes"] = any.choose.pick([5, 10])
    return args


def _slot(any: Anything) -> dict[str, Any]:
    args = any.struct(RULES["slot.create"].args)
    block = any.row(EventTimeBlock, args["block_id"])
    begin = block.start_time if block is not None else NOON
    start = begin + timedelta(minutes=5 * any.choose.number(0, 5))
    return args | {"start_time": start, "end_time": start + timedelta(minutes=5)}


def _invite(any: Anything) -> dict[str, Any]:
    until = any.now + timedelta(seconds=any.choose.number(1, 600))
    return {"name": "Desk", "ceiling": "volunteer", "code_id": _fresh(any, "code"), "expires_at": until}


def _enrol(any: Anything) -> dict[str, Any]:
    ids = {f"{name}_id": _fresh(any, name) for name in ("device", "token", "proof")}
    return ids | {"code_id": any.one(Enrolment)}


def _staff(any: Anything) -> dict[str, Any]:
    return {"name": "Bea", "role": "volunteer", "token_id": _fresh(any, "token")}


def _undo(any: Anything) -> dict[str, Any]:
    facts = sorted({fact.command_id for fact in any.state.rows[Attendance].values()})
    return {"command_id": any.choose.pick(facts) if facts else NOBODY}


def _party(kind: str) -> Callable[[Anything], dict[str, Any]]:
    """Arguments by their types, of a party that can be."""

    def make(any: Anything) -> dict[str, Any]:
        args = any.party(any.struct(RULES[kind].args))
        if kind == "reservation.override":
            args["override_reason"] = "the mayor"
        return args

    return make


def _assign(any: Anything) -> dict[str, Any]:
    args = any.struct(RULES["reservation.assign"].args)
    args.pop("spread", None)
    args["assignments"] = [
        any.party({"guests": any.choose.number(0, 1), "on_full": any.choose.pick(["refuse", "waitlist"])})
        for _ in range(any.choose.number(1, 3))
    ]
    return args


def _walk_in(any: Anything) -> dict[str, Any]:
    args = any.struct(RULES["reservation.walk_in"].args)
    for name in ("participant_id", "display_name", "first_name", "last_name", "seat_ids"):
        args.pop(name, None)
    who = {"participant_id": any.one(Participant)} if any.choose.chance(40) else {"display_name": "Gus"}
    return args | who | {"slot_id": any.one(EventSlot)}


def _postpone(kind: str) -> Callable[[Anything], dict[str, Any]]:
    """Later by some minutes."""

    def make(any: Anything) -> dict[str, Any]:
        args = any.struct(RULES[kind].args)
        return {name: value for name, value in args.items() if name.endswith("_id") or "reason" in name} | {
            "minutes": 5 * any.choose.number(1, 6)
        }

    return make


def _on_the_claims_day(kind: str) -> Callable[[Anything], dict[str, Any]]:
    """Arguments about a claim, and mostly about the room and the day that it has."""

    def make(any: Anything) -> dict[str, Any]:
        args = any.struct(RULES[kind].args)
        named = args.get("reservation_id") or next(iter(args.get("reservation_ids") or ()), None)
        claim = any.row(SlotReservation, named) if named else None
        if claim is not None and any.choose.chance(90):
            args["location_id"] = claim.location_id
        return args

    return make


SPECIAL: Final[dict[str, Callable[[Anything], dict[str, Any]]]] = {
    "block.create": _block,
    "slot.create": _slot,
    "device.invite": _invite,
    "device.enrol": _enrol,
    "staff.create": _staff,
    "attendance.undo": _undo,
    "reservation.assign": _assign,
    "reservation.walk_in": _walk_in,
    **{kind: _party(kind) for kind in ("reservation.reserve", "reservation.override", "reservation.hold")},
    **{kind: _postpone(kind) for kind in ("event.postpone", "block.postpone", "location.postpone")},
    **{f"room_day.{word}": _on_the_claims_day(f"room_day.{word}") for word in ("on_stage", "call", "skip", "unskip")},
}

LEFT_OUT: Final = frozenset({"programme.create", "import.apply"})
"""Kinds that make a whole programme; they have tests of their own."""


def weighted_kinds() -> list[str]:
    """Every kind, as often as it weighs."""
    kinds: list[str] = []
    for kind in sorted(RULES.keys() - LEFT_OUT):
        word = kind.partition(".")[2]
        kinds += [kind] * (1 if word in RARE and kind not in WEIGHTS else 5 * WEIGHTS.get(kind, 2))
    return kinds


ROLES: Final[tuple[Role, ...]] = ("public", "volunteer", "room_manager", "admin", "admin", "admin", "admin", "admin")
