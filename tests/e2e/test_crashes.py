"""What a desk's screen confirmed survives SIGKILL: real processes, a real line, a real Postgres."""

from __future__ import annotations

import random

from tests.e2e import crashes


def test_confirmed_check_ins_survive_a_crash() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # `python -m tests.e2e.crashes --rounds 2 --seed …` repeats it
    done = crashes.run(rounds=2, seed=seed)
    assert sum(entry.confirmed for entry in done) > 0
    assert [entry.lost for entry in done] == [0, 0]
    assert [entry.doubled for entry in done] == [0, 0]
