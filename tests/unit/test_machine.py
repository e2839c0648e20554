"""Any commands in any order: what must never be false is true after each (hypothesis, stateful)."""

from __future__ import annotations

import os

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.anything.choosing import Drawn, Seeded
from tests.anything.machine import LENGTH, Machine, explained, whole_day
from tests.anything.shares import LONG, Shares

SEED = int(os.environ.get("CALLBOARD_SEED", "20260502"))
EXAMPLES, STEPS = 25, 40
DAYS = max(1, int(os.environ.get("CALLBOARD_STEPS", "2400")) // LENGTH)
LONGEST = 3000


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
        """The indexes are right too."""
        if self.machine is not None:
            self.machine.check_indexes()


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
    """Longer than hypothesis would go, so that every kind finds what it needs; a seed repeats each day."""
    shares, promoted = Shares(), 0
    for day in range(DAYS):
        machine = whole_day(f"{SEED}/{day}")
        shares.applied += machine.applied
        shares.refused += machine.refused
        promoted += machine.promoted
        claimed = sum(n for kind, n in machine.applied.items() if kind.startswith(("reservation.", "waitlist.")))
        assert machine.opened > LENGTH // 4, f"day {day} was closed but for {machine.opened} steps"
        assert claimed > LENGTH // 10, f"day {day} saw but {claimed} claims change"
    print(f"seed {SEED}, {DAYS} days of {LENGTH} commands, {promoted} promoted\n{shares}")
    assert 100 * promoted > 2 * DAYS * LENGTH, "hardly anybody who waited was served"
    if DAYS * LENGTH >= LONG:
        assert shares.scarce(least=20, percent=25) == {}
    for kind in shares.never():
        _until_carried_out(kind)


def _until_carried_out(kind: str) -> None:
    """A day on which every third command is of a *kind* that chance left out so far."""
    machine = Machine(Seeded(f"{SEED}/{kind}"))
    machine.kinds += [kind] * (len(machine.kinds) // 2)
    try:
        while not machine.applied[kind]:
            machine.step()
            assert len(machine.trail) < LONGEST, f"{kind} was never carried out: {machine.refused}"
    except Exception as problem:
        problem.add_note(explained(machine, f"{SEED}/{kind}"))
        raise
