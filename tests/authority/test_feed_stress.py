"""The feed under load, for a few seconds; ``CALLBOARD_STRESS_SECONDS`` makes it longer. See feed_stress."""

from __future__ import annotations

import os
import random

import pytest

from server_sync.authority.feed import pull, rows
from tests.authority import feed_stress

SECONDS = float(os.environ.get("CALLBOARD_STRESS_SECONDS", "4"))


@pytest.mark.parametrize("long_transaction", [False, True], ids=["", "with a long transaction open"])
async def test_desks_equal_the_database_after_every_pull(database_url: str, long_transaction: bool) -> None:
    seed = int(os.environ.get("CALLBOARD_SEED", random.randrange(10**6)))
    print(f"CALLBOARD_SEED={seed}")
    score = await feed_stress.run(database_url, seed, SECONDS, long_transaction)
    print(score)
    assert score.wrong == 0, score.examples
    assert score.commits > 50
    assert score.rollbacks > 5
    assert score.pulls > 30
    assert score.bootstraps > 1
    assert score.pages > 10


async def test_the_stress_finds_a_cursor_that_is_but_a_high_water_mark(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_newer(sees_all: bool) -> str:
        right = rows.changes(sees_all)
        wrong = right.replace("pg_snapshot_xmin($2", "pg_snapshot_xmax($2")
        assert wrong != right
        return wrong

    monkeypatch.setattr(pull, "changes", only_newer)
    score = await feed_stress.run(database_url, 7, 3)
    assert score.wrong > 0
