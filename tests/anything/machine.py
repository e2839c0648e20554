"""One run of any commands over rules alone, checked after every step."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Final

from server_sync.protocol.errors import WORDS, Refusal
from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import Attendance, EventSlot
from server_sync.rules.state import Changes, State
from tests.anything.choosing import Chooser, Seeded
from tests.anything.commands import Anything, weighted_kinds
from tests.anything.ground import NOBODY, NOON, ground
from tests.anything.invariants import broken
from tests.anything.picture import Picture
from tests.anything.steps import Step, wrong
from tests.unit.day import Day

MORNING: Final = NOON - timedelta(minutes=30)
"""A day's commands begin then; some of its slots are over before they end."""

LENGTH: Final = 200
"""So many commands a day; then a fresh one, or most would be about what was closed and cancelled long ago."""

FORGETS: Final = frozenset({"participant.merge", "participant.erase", "participant.retire", "event.retire"})
"""Kinds that may take rows of facts away with whom they are about."""


class Amiss(AssertionError):
    """Something is not as it must be."""


class Machine:
    """A day, and what was said of it so far. ``applied`` and ``refused`` count by kind and by code."""

    def __init__(self, choose: Chooser) -> None:
        self.day = Day(MORNING)
        self.choose = choose
        self.said: list[Id] = []
        self.applied: Counter[str] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()
        self.promoted = 0  # claims that had their turn in line
        self.opened = 0  # steps after which something takes people
        self.trail: list[str] = []
        self._facts: dict[Id, Attendance] = {}
        self.kinds = weighted_kinds()
        self._number = 0
        self._build()
        self._before = self._picture()

    def _build(self) -> None:
        names: dict[str, Id] = {}
        for name, kind, args in ground("a day"):
            id = self._id()
            said = {key: names[v[1:]] if isinstance(v, str) and v.startswith("@") else v for key, v in args.items()}
            verdict = self.day.do(kind, said, id=id)
            assert isinstance(verdict, Changes), (kind, verdict)
            names[name] = id
        for slot in sorted(self.day.state.rows[EventSlot].values(), key=lambda slot: slot.id):
            if slot.event_id == names["seated"]:
                assert isinstance(self.day.do("slot.open_seats", {"slot_id": slot.id}), Changes)

    def _id(self) -> Id:
        self._number += 1
        return derived_id(NOBODY, f"command {self._number}")

    def _picture(self) -> Picture:
        return Picture(self.day.state.rows, self.day.now)

    def step(self) -> None:
        """One command, and everything that must be true after it."""
        self.day.now += timedelta(seconds=self.choose.number(1, 180) if self.choose.chance(20) else 1)
        self._before.now = self.day.now
        kind, args, role, how = Anything(self.choose, self.day.state, self.day.now, self.said).command(self.kinds)
        id = self._id()
        self.trail.append(f"{kind} {args} {how} as {role}")
        verdict = self.day.do(kind, args, id=id, role=role, **how)
        after = self._picture()
        if isinstance(verdict, Refusal):
            self.refused[kind, verdict.code] += 1
            assert verdict.code in WORDS, verdict
            assert self._before.rows == after.rows, f"refused with {verdict}, and something changed"
        else:
            self.applied[kind] += 1
            self.said.append(id)
            self._check_changes(verdict)
        self._check(kind, args, role, how.get("seen", {}), after, verdict if isinstance(verdict, Refusal) else None)
        self._before = after

    def _check(
        self, kind: str, args: dict[str, Any], role: Any, seen: dict[str, int], after: Picture, refusal: Refusal | None
    ) -> None:
        placements = {name.partition("/")[2]: version for name, version in seen.items()}
        step = Step(kind, args, role, placements, self._before, after, refusal)
        self.promoted += len(step.promoted)
        problems = wrong(step) + broken(self.day.state, self.day.now)
        if problems:
            raise Amiss(problems)
        self.opened += any(after.openness(slot) == "open" and after.to_come(slot) for slot in after.all(EventSlot))
        self._facts_only_appended(kind)

    def _check_changes(self, changes: Changes) -> None:
        assert all(row.programme_id == self.day.programme for row in changes.puts)
        vain = [effect.after for effect in self.day.effects if effect.before == effect.after]
        assert not vain, f"written in vain: {vain}"

    def _facts_only_appended(self, kind: str) -> None:
        now = self.day.state.rows[Attendance]
        if kind not in FORGETS:
            assert self._facts.items() <= now.items(), "a fact changed"
        self._facts = dict(now)

    def check_indexes(self) -> None:
        """The indexes say what the rows say."""
        fresh = State()
        for rows in self.day.state.rows.values():
            for row in rows.values():
                fresh.put(row)
        for index, entries in self.day.state.found.items():
            assert {key: found for key, found in entries.items() if found} == {
                key: found for key, found in fresh.found[index].items() if found
            }


def whole_day(seed: Any, length: int = LENGTH) -> Machine:
    """A day of commands by a seed; its last ones are told with whatever goes wrong."""
    machine = Machine(Seeded(seed))
    try:
        for _ in range(length):
            machine.step()
    except Exception as problem:
        problem.add_note(explained(machine, seed))
        raise
    machine.check_indexes()
    return machine


def explained(machine: Machine, seed: Any) -> str:
    """How to repeat what went wrong, and what led to it."""
    return f"seed {seed}, step {len(machine.trail)} at {machine.day.now}:\n" + "\n".join(machine.trail[-12:])
