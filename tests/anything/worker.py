"""One process of several that give any commands to one centre at once, through an authority of its own.

``python -m tests.anything.worker URL PROGRAMME SEED STEPS TASKS`` prints, as JSON, what was answered how often and
every error that the database raised.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import asyncpg
import msgspec

from server_sync.authority.batch import Batch
from server_sync.authority.connection import Connection
from server_sync.authority.principal import Principal
from server_sync.authority.runs import Run
from server_sync.authority.session import Authority
from server_sync.protocol.commands import Result
from server_sync.protocol.ids import Id
from tests.anything.choosing import Seeded
from tests.anything.commands import ROLES, Anything, weighted_kinds
from tests.anything.rows import tables
from tests.authority.centre import envelope

AFRESH = 40
"""After so many commands a task looks at the tables again."""


class Watched(Batch):
    """A batch that keeps what the database objected to."""

    raised: ClassVar[list[str]] = []

    async def attempt(self, connection: Connection, runs: Sequence[Run], most: int | None = None) -> set[Id]:
        """As ``Batch.attempt``."""
        try:
            return await super().attempt(connection, runs, most)
        except asyncpg.PostgresError as error:
            kinds = sorted({item.envelope.kind for run in runs for item in run.items})
            self.raised.append(f"{type(error).__name__}: {error} in {kinds[:6]}")
            raise


async def main(url: str, programme: Id, seed: str, steps: int, tasks: int) -> None:
    """Give *steps* commands by each of *tasks*."""
    authority = await Authority.open(url, lanes=2)
    for lane in (authority._lane, authority._bulk):
        lane._batch.__class__ = Watched
    said: Counter[str] = Counter()
    errors: list[str] = []
    pool = await asyncpg.create_pool(url, min_size=1, max_size=2)
    await asyncio.gather(*(_give(authority, pool, programme, f"{seed}/{n}", steps, said, errors) for n in range(tasks)))
    await pool.close()
    await authority.close()
    print(msgspec.json.encode({"said": said, "errors": errors, "raised": Watched.raised}).decode())


async def _give(
    authority: Authority, pool: Any, programme: Id, seed: str, steps: int, said: Counter[str], errors: list[str]
) -> None:
    choose, kinds, given = Seeded(seed), weighted_kinds(), list[Id]()
    state = None
    for step in range(steps):
        if state is None or step % AFRESH == 0:
            async with pool.acquire() as connection:
                state = await tables(connection, programme)
        kind, args, how = Anything(choose, state, datetime.now(UTC), given).command(kinds)
        role = choose.pick(ROLES)
        principal = Principal(f"staff:{seed}", "Ada", role, programme)
        asked = envelope(kind, args, **how)
        try:
            result = await authority.submit(principal, asked, programme)
        except Exception as error:
            errors.append(f"seed {seed} step {step}: {kind} {args}: {type(error).__name__}: {error}")
            continue
        code = result.status if isinstance(result, Result) and result.status == "applied" else result.code
        said[f"{kind} {code}"] += 1
        if code == "applied":
            given.append(asked.id)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
