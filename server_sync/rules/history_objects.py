"""What a command is about, in words: the slot, the reservation, the person; and which of their columns changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

import msgspec

from server_sync.protocol.ids import Id, is_id
from server_sync.rules.clock_words import Clock, listed, short_day
from server_sync.rules.history_records import Called, Entry

ACTORS: Final = {"public": "A visitor", "root": "The organiser", "system": "Callboard", "timer": "Callboard"}
"""Actors that are no names."""

OBJECTS: Final[dict[str, tuple[str, str]]] = {
    "programme": ("programmes", "the programme"),
    "event": ("events", "the event"),
    "location": ("locations", "the room"),
    "room": ("locations", "the room"),
    "room_day": ("locations", "the room"),
    "participant": ("participants", ""),
    "person": ("participants", ""),
    "group": ("groups", "the group"),
    "block": ("event_time_blocks", "the time block"),
    "time_block": ("event_time_blocks", "the time block"),
    "slot": ("event_slots", "the slot"),
    "reservation": ("slot_reservations", "the reservation of"),
    "hold": ("slot_reservations", "the hold of"),
    "waitlist": ("slot_reservations", "the waiting of"),
    "attendance": ("slot_reservations", "the attendance of"),
    "member": ("participants", ""),
    "seat": ("seats", "the seat"),
    "rules": ("event_rules", "the rules"),
    "event_rules": ("event_rules", "the rules"),
    "flag": ("flags", "the flag"),
    "staff": ("staff", "the staff member"),
    "device": ("devices", "the desk"),
    "payment": ("payments", "a payment"),
}
"""By the first part of a kind: the table, and the words before the name."""

_HIDDEN: Final = frozenset({"contact", "reserved_contact", "metadata", "settings", "configuration", "details"})
"""Columns of which a sentence only says that they changed."""
_BOOKKEEPING: Final = frozenset({
    "version", "placement_version", "reserved_count", "overbooked_count", "display_name", "programme_id",
})  # fmt: skip
_LONGEST: Final = 60


class Said:
    """One entry, with what its ids are called and what the clocks show."""

    def __init__(self, entry: Entry, names: Mapping[Id, Called], clock: Clock) -> None:
        self.entry, self.names, self.clock = entry, names, clock

    def text(self, name: str) -> str | None:
        """The argument of that name, if it is a text."""
        value = self.entry.args.get(name)
        return value if isinstance(value, str) and value else None

    def ids(self, *names: str) -> list[Id]:
        """The ids that the arguments of those names hold, alone or in lists."""
        found: list[Id] = []
        for name in names:
            value = self.entry.args.get(name)
            found += [id for id in (value if isinstance(value, list) else [value]) if isinstance(id, str) and is_id(id)]
        return list(dict.fromkeys(found))

    def first(self, *names: str) -> Id | None:
        """The first of those ids."""
        found = self.ids(*names)
        return found[0] if found else None

    def name(self, id: Any, otherwise: str) -> str:
        """What *id* is called."""
        called = self.names.get(id) if isinstance(id, str) else None
        return otherwise if called is None else called.name

    def slot(self, id: Any, otherwise: str = "an unknown slot") -> str:
        """``Piano solo 10:00 (Great Hall)``, of a slot or a block."""
        called = self.names.get(id) if isinstance(id, str) else None
        if called is None:
            return otherwise
        start = "" if called.start_time is None else self.clock.moment(called.start_time, self.entry.received_at)
        room = f"({called.room})" if called.room else ""
        return " ".join(filter(None, [called.name, start, room]))

    def from_to(self, before: Any, after: Any) -> str:
        """``from Piano solo 10:00 (Great Hall) to 10:20 (Small Hall)``: the event once, where it stays the same."""
        if before is None:
            return f"to {self.slot(after)}"
        old, new = self.names.get(before), self.names.get(after)
        there = self.slot(after)
        if old is not None and new is not None and old.name == new.name:
            there = there.removeprefix(new.name).strip() or there
        return f"from {self.slot(before)} to {there}"

    def whose(self, id: Any) -> str:
        """Whose a reservation is."""
        return self.name(id, "an unknown reservation")

    def people(self) -> str:
        """Whom the arguments name: participants, a group, a name alone, or those of the reservation."""
        named = [self.name(id, "somebody unknown") for id in self.ids("participant_ids", "participant_id")]
        group = self.ids("group_id")
        if group and not named:
            return self.name(group[0], "an unknown group")
        if named:
            return listed(named)
        reservations = [self.whose(id) for id in self.ids("reservation_id", "reservation_ids")]
        new = [row.id for row in self.entry.effects if row.table == "slot_reservations" and row.before is None]
        given = " ".join(filter(None, [self.text("first_name"), self.text("last_name")]))
        made = self.whose(new[0]) if new and new[0] in self.names else None
        return (
            listed(reservations) or made or self.text("reserved_name") or self.text("display_name") or given
            or "somebody"
        )  # fmt: skip

    def changed(self, table: str, id: Id | None = None) -> dict[str, Any]:
        """What the row of *table* (that with *id*, else the first) became; empty if the command wrote none."""
        found = (row for row in self.entry.effects if row.table == table and id in (None, row.id))
        return next((row.after for row in found), {})

    def was(self, table: str, id: Id | None, column: str) -> Any:
        """What a column was before, None if it is not known."""
        for row in self.entry.effects:
            if row.table == table and id in (None, row.id) and row.before is not None:
                return row.before.get(column)
        return None

    def moment(self, value: Any) -> datetime | None:
        """*value* as a time, if it is one."""
        try:
            found = msgspec.convert(value, datetime)
        except msgspec.ValidationError:
            return None
        return found if found.tzinfo is not None else None

    def day(self, value: Any) -> str:
        """*value* as a day, ``Sun 14 Mar``."""
        try:
            return short_day(msgspec.convert(value, date))
        except msgspec.ValidationError:
            return "that day"


def object_of(said: Said, noun: str) -> str:
    """``the slot Piano solo 10:00 (Great Hall)`` for a command about slots."""
    table, label = OBJECTS.get(noun, ("", f"the {noun.replace('_', ' ').replace('.', ' ')}".rstrip()))
    called = (_one(said, table, id) for id in _subjects(said, noun, table))
    names = list(dict.fromkeys(name for name in called if name is not None))
    if names:
        return f"{label} {listed(names)}".strip()
    given = said.text("name") or said.text("display_name")
    if given and not said.entry.effects:
        return f"{label} {given}".strip()
    return f"{label.removesuffix(' of')}" if label else "somebody"


def _subjects(said: Said, noun: str, table: str) -> list[Id]:
    """The rows that the command is about: those that it names as such, else those of the table that it wrote."""
    singular = table.removesuffix("s") if table else noun
    keys = [f"{key}_id{many}" for key in (noun, singular, singular.split("_")[-1]) for many in ("", "s")]
    named = said.ids(*dict.fromkeys(keys), "id", "ids")
    if named:
        return named
    wrote = [row.id for row in said.entry.effects if row.table == table]
    return wrote or [
        id for id in _all_ids(said) if (called := said.names.get(id)) is not None and called.table == table
    ]


def _all_ids(said: Said) -> list[Id]:
    return said.ids(*said.entry.args)


def _one(said: Said, table: str, id: Id) -> str | None:
    called = said.names.get(id)
    if called is None:
        return None
    if called.table in ("event_slots", "event_time_blocks"):
        return said.slot(id)
    return called.name if called.table != "flags" else quoted(called.name.replace("_", " "))


def changes_of(said: Said, noun: str) -> str:
    """``age from 11 to 12, contact``: what changed of the row that the command is about."""
    table = OBJECTS.get(noun, (noun, ""))[0]
    row = next((row for row in said.entry.effects if row.table == table and row.before is not None), None)
    if row is None:
        return ""
    parts = []
    for column, after in row.after.items():
        if column in _BOOKKEEPING:
            continue
        words = column.removesuffix("_id").replace("_", " ")
        if column in _HIDDEN:
            parts.append(words)
        else:
            parts.append(f"{words} from {_value(said, (row.before or {}).get(column))} to {_value(said, after)}")
    return ", ".join(parts)


def _value(said: Said, value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return listed([_value(said, part) for part in value]) or "nothing"
    if not isinstance(value, str):
        return "something else"
    if is_id(value):
        return said.name(value, "another")
    at = said.moment(value)
    return said.clock.moment(at) if at is not None else quoted(value)


def quoted(text: str) -> str:
    """A text somebody wrote, cut where it is long."""
    return f"“{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}”"
