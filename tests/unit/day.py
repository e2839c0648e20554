"""A day that commands build, for the tests of rules.

Every command goes the whole way that the authority takes, over a state in memory: its arguments are read from JSON, its
keys discovered in bounded rounds, the rows that it asked for loaded into a ``Loaded`` (which is loud about any other),
and the verdict compared with the one that a desk, which holds everything, predicts.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from server_sync.authority.discover import DISCOVERY_ROUNDS
from server_sync.authority.load import Discovery, Loaded, NotLoaded
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import EventSlot, Record, Role, SlotReservation
from server_sync.rules.command import Command, Rule, allowed, read_args
from server_sync.rules.registry import RULES
from server_sync.rules.state import SLOTS_OF_BLOCK, Changes, Effect, Keys, State

NOON = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
_ROOT = "00000000-0000-4000-8000-000000000000"


def at(hour: int, minute: int = 0) -> datetime:
    """A time of the day, UTC."""
    return NOON.replace(hour=hour, minute=minute)


def applied(verdict: Changes | Refusal) -> Changes:
    """The changes, or a failed test that says why not."""
    assert isinstance(verdict, Changes), verdict
    return verdict


def refused(verdict: Changes | Refusal, code: str) -> dict[str, Any]:
    """The details of a refusal with *code*, or a failed test."""
    assert isinstance(verdict, Refusal), f"expected {code}, was applied"
    assert verdict.code == code, verdict
    return verdict.details


def fill(into: State, keys: Keys, full: State) -> None:
    """Load what *keys* ask for from a state that holds everything."""
    for record, id in keys.lock | keys.read:
        row = full.get(record, id)
        if row is not None:
            into.put(row)
    for index, key in keys.find:
        for row in full.find(index, key):
            into.put(row)


def discover(rule: Rule[Any], command: Command[Any], full: State, now: datetime, thorough: bool = False) -> Keys:
    """What the authority would lock and read for *command*: asked in rounds, each knowing what the last one read."""
    keys, seen = Keys(), Discovery(thorough)
    seen.now = now
    for _ in range(DISCOVERY_ROUNDS):
        keys |= rule.needs(command, seen)
        asked, seen.missing = seen.missing, Keys()
        if not asked.read and not asked.find:
            return keys
        fill(seen, asked, full)
        seen.known_rows |= asked.read
        seen.known_finds |= asked.find
    raise AssertionError(f"{command.kind} asks for more and more")


class Day:
    """A programme in memory. ``now`` stands still unless a test moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.state = State()
        self.now = now
        self._numbers = itertools.count(1)
        self.programme = self._fresh_id()
        self.effects: list[Effect] = []
        applied(self.do("programme.create", {"name": "A day"}, id=self.programme))

    def _fresh_id(self) -> Id:
        return derived_id(_ROOT, next(self._numbers))

    def command(
        self,
        kind: str,
        args: dict[str, Any],
        *,
        id: Id | None = None,
        role: Role = "admin",
        programme: Id | None = None,
        device: Id | None = None,
        occurred_at: datetime | None = None,
        offset_ms: int | None = None,
        seen: dict[str, int] | None = None,
    ) -> Command[Any] | Refusal:
        """A command whose arguments went through JSON, or the refusal of them or of the role."""
        rule = RULES[kind]
        read = allowed(rule, role) or read_args(rule, msgspec.json.encode(args))
        if isinstance(read, Refusal):
            return read
        return Command(
            id=id or self._fresh_id(),
            kind=kind,
            programme_id=programme or self.programme,
            args=read,
            actor="Ada",
            role=role,
            device_id=device,
            occurred_at=occurred_at,
            clock_offset_ms=offset_ms,
            seen=seen or {},
        )

    def readable(self, kind: str, args: dict[str, Any], **how: Any) -> Command[Any]:
        """A command that was read without complaint."""
        command = self.command(kind, args, **how)
        assert isinstance(command, Command), command
        return command

    def do(self, kind: str, args: dict[str, Any], **how: Any) -> Changes | Refusal:
        """Decide one command, and apply it."""
        command = self.command(kind, args, **how)
        if isinstance(command, Refusal):
            return command
        verdict = self.decide(command)
        if isinstance(verdict, Changes):
            self.effects = self.state.apply(verdict.puts)
        return verdict

    def decide(self, command: Command[Any]) -> Changes | Refusal:
        """The verdict on what the authority would load, which must be the one on everything."""
        rule = RULES[command.kind]
        keys, loaded = self._load(rule, command, thorough=False)
        if not _covered(keys, rule, command, loaded):  # a guess was wrong: the next attempt looks everything up
            keys, loaded = self._load(rule, command, thorough=True)
            assert _covered(keys, rule, command, loaded), "under the lock it asks for more than it discovered"
        self.state.now = self.now
        verdict = rule.decide(loaded, command, self.now)
        assert verdict == rule.decide(self.state, command, self.now), "the centre and a desk disagree"
        if isinstance(verdict, Changes):
            mine = {(type(e.after), e.after.id): e for e in _copy(self.state).apply(verdict.puts)}
            theirs = {(type(e.after), e.after.id): e for e in loaded.apply(verdict.puts)}
            assert mine == theirs, "the centre and a desk count differently"
        return verdict

    def _load(self, rule: Rule[Any], command: Command[Any], thorough: bool) -> tuple[Keys, Loaded]:
        keys = discover(rule, command, self.state, self.now, thorough)
        loaded = Loaded(keys)
        loaded.now = self.now
        fill(loaded, keys, self.state)
        return keys, loaded

    def create(self, kind: str, **args: Any) -> Id:
        """The id of a new row."""
        answer = applied(self.do(f"{kind}.create", args)).answer
        id: Id = answer["id"]
        return id

    def person(self, name: str = "Zoë", **args: Any) -> Id:
        """A new participant."""
        return self.create("participant", display_name=name, **args)

    def slots(
        self,
        count: int = 1,
        *,
        capacity: int = 1,
        start: datetime = NOON,
        event: Id | None = None,
        room: Id | None = None,
        **block: Any,
    ) -> list[EventSlot]:
        """A block of *count* slots of ten minutes, in an event and a room of its own unless given."""
        event = event or self.create("event", name="Piano solo")
        room = room or self.create("location", name="Great Hall")
        end = start + timedelta(minutes=10 * count)
        block_id = self.create(
            "block", event_id=event, location_id=room, start_time=start, end_time=end, slot_duration_minutes=10, **block
        )
        applied(self.do("block.generate_slots", {"block_id": block_id, "capacity": capacity}))
        return sorted(self.state.find(SLOTS_OF_BLOCK, block_id), key=lambda slot: slot.start_time)

    def reserve(self, slot: EventSlot, *people: Id, **args: Any) -> Id:
        """The id of a new reservation."""
        return reservation_id(self.do("reservation.reserve", {"slot_id": slot.id, "participant_ids": people, **args}))

    def claim(self, id: Id) -> SlotReservation:
        """The reservation as it is now."""
        claim = self.state.get(SlotReservation, id)
        assert claim is not None
        return claim

    def slot(self, slot: EventSlot) -> EventSlot:
        """The slot as it is now."""
        now = self.state.get(EventSlot, slot.id)
        assert now is not None
        return now

    def put(self, *rows: Record) -> None:
        """Rows as if an earlier command had made them, counts derived."""
        self.state.apply(rows)


def _covered(keys: Keys, rule: Rule[Any], command: Command[Any], loaded: Loaded) -> bool:
    try:
        return keys.covers(rule.needs(command, loaded))
    except NotLoaded:
        return False


def reservation_id(verdict: Changes | Refusal) -> Id:
    """Which reservation was made."""
    id: Id = applied(verdict).answer["reservation_id"]
    return id


def _copy(state: State) -> State:
    copy = State()
    for rows in state.rows.values():
        for row in rows.values():
            copy.put(row)
    return copy
