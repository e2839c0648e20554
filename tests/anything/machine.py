"""One run of any commands over rules alone, checked after every step."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from server_sync.protocol.errors import WORDS, Refusal
from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import Attendance, EventSlot
from server_sync.rules.state import Changes, State
from tests.anything.choosing import Chooser
from tests.anything.commands import NOBODY, ROLES, Anything, weighted_kinds
from tests.anything.ground import ground
from tests.anything.invariants import broken
from tests.unit.day import Day


class Machine:
    """A day, and what was said of it so far. ``applied`` and ``refused`` count by kind and by code."""

    def __init__(self, choose: Chooser) -> None:
        self.day = Day()
        self.choose = choose
        self.said: list[Id] = []
        self.applied: Counter[str] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()
        self.trail: list[str] = []
        self._facts: dict[Id, Attendance] = {}
        self.kinds = weighted_kinds()
        self._number = 0
        self._build()

    def _build(self) -> None:
        names: dict[str, Id] = {}
        for name, kind, args in ground():
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

    def step(self) -> None:
        """One command, and everything that must be true after it."""
        self.day.now += timedelta(seconds=self.choose.number(1, 120) if self.choose.chance(20) else 1)
        kind, args, how = Anything(self.choose, self.day.state, self.day.now, self.said).command(self.kinds)
        id, role = self._id(), self.choose.pick(ROLES)
        before = {record: dict(rows) for record, rows in self.day.state.rows.items() if rows}
        self.trail.append(f"{kind} {args} as {role}")
        verdict = self.day.do(kind, args, id=id, role=role, **how)
        if isinstance(verdict, Refusal):
            self.refused[kind, verdict.code] += 1
            assert verdict.code in WORDS, verdict
            assert before == {record: rows for record, rows in self.day.state.rows.items() if rows}
        else:
            self.applied[kind] += 1
            self.said.append(id)
            self._check_changes(verdict)
        problems = broken(self.day.state)
        assert not problems, problems
        self._facts_only_appended(kind)

    def _check_changes(self, changes: Changes) -> None:
        assert all(row.programme_id == self.day.programme for row in changes.puts)
        vain = [effect.after for effect in self.day.effects if effect.before == effect.after]
        assert not vain, f"written in vain: {vain}"

    def _facts_only_appended(self, kind: str) -> None:
        now = self.day.state.rows[Attendance]
        if kind not in ("participant.merge", "participant.erase", "participant.retire", "event.retire"):
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


def explained(machine: Machine, problem: BaseException, seed: Any) -> str:
    """How to repeat what went wrong, and what led to it."""
    return f"seed {seed}: {problem}\n" + "\n".join(machine.trail[-12:])
