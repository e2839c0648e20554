"""That the machine can fail: each rule with a fault in it is found out within some days of any commands."""

from __future__ import annotations

import pytest

from tests.anything.machine import Amiss, whole_day
from tests.anything.mutants import MUTANTS
from tests.scenarios.off import Off

MOST_DAYS = 80


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_in_a_rule_shows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Off(f"part:{MUTANTS[name]}").before_call(monkeypatch)
    for day in range(MOST_DAYS):
        try:
            whole_day(f"{name}/{day}")
        except Amiss as problem:
            print(f"day {day}: {problem}")
            return
        except AssertionError as problem:  # what a desk would see differs, say: another fault than the one looked for
            print(f"day {day}: {problem}")
    pytest.fail(f"nobody noticed in {MOST_DAYS} days")
