"""Any commands in any order: what must never be false is true after each (hypothesis, stateful)."""

from __future__ import annotations

import os
from collections import Counter

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from server_sync.rules.registry import RULES
from tests.anything.choosing import Drawn, Seeded
from tests.anything.commands import LEFT_OUT
from tests.anything.machine import Machine, explained

SEED = int(os.environ.get("CALLBOARD_SEED", "20260502"))
EXAMPLES, STEPS = 25, 40
LONGEST = 3000
RUNS, LONG = 12, int(os.environ.get("CALLBOARD_STEPS", "2400")) // 12

APPLIED: Counter[str] = Counter()


class AnyDay(RuleBasedStateMachine):
    """Every kind of command, on purpose often about the same few people and slots."""

    def __init__(self) -> None:
        super().__init__()
        self.machine: Machine | None = None

    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        """One command."""
        if self.machine is None:
            self.machine = Machine(Drawn(data))
        self.machine.choose = Drawn(data)
        self.machine.step()

    def teardown(self) -> None:
        """Note what was carried out."""
        if self.machine is not None:
            self.machine.check_indexes()
            APPLIED.update(self.machine.applied)


def test_any_commands_in_any_order() -> None:
    print(f"hypothesis seed {SEED}, {EXAMPLES} examples of {STEPS} steps")
    run_state_machine_as_test(
        hypothesis.seed(SEED)(AnyDay),
        settings=hypothesis.settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )


def test_long_days_of_any_commands() -> None:
    """Longer than hypothesis would go, so that every kind finds what it needs; a seed repeats each."""
    for run in range(RUNS):
        seed = f"{SEED}/{run}"
        machine = Machine(Seeded(seed))
        try:
            for _ in range(LONG):
                machine.step()
        except BaseException as problem:
            raise AssertionError(explained(machine, problem, seed)) from problem
        machine.check_indexes()
        APPLIED.update(machine.applied)
    print(f"seed {SEED}, {RUNS} days of {LONG} commands: {dict(sorted(APPLIED.items()))}")
    for kind in sorted(RULES.keys() - LEFT_OUT - APPLIED.keys()):
        _until_carried_out(kind)


def _until_carried_out(kind: str) -> None:
    """A day on which every third command is of a *kind* that chance left out so far."""
    seed = f"{SEED}/{kind}"
    machine = Machine(Seeded(seed))
    machine.kinds += [kind] * (len(machine.kinds) // 2)
    try:
        while not machine.applied[kind]:
            machine.step()
            assert len(machine.trail) < LONGEST, f"{kind} was never carried out: {machine.refused}"
    except BaseException as problem:
        raise AssertionError(explained(machine, problem, seed)) from problem
