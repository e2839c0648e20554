"""One process of several that give any commands to one centre at once, through an authority of its own.

``python -m tests.anything.worker URL TASKS`` reads a ``Turn`` a line and answers each with a ``Report``, both JSON.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence, Set
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import asyncpg
import msgspec

from server_sync.authority.batch import Attempted, Batch
from server_sync.authority.connection import Connection
from server_sync.authority.principal import Principal
from server_sync.authority.runs import Run
from server_sync.authority.session import Authority
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.errors import BUSY, Refusal
from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import Role
from server_sync.rules.state import RowKey, State
from tests.anything.choosing import Seeded
from tests.anything.commands import Anything, weighted_kinds
from tests.anything.ground import NOBODY
from tests.anything.rows import tables
from tests.authority.centre import envelope

AFRESH: Final = 5
"""After so many commands of a process it looks at the tables again."""

RUN_OUT: Final = 1.1
"""So many seconds all rest in the middle of a turn: then what was held before is anybody's."""

MOST_TIMES: Final = 5
"""So often a command is given while there is no verdict: one about a whole room may be overtaken amid a rush."""

START: Final = 0x57A27
"""The advisory lock that everybody waits for, so that all begin at once."""


class Turn(msgspec.Struct):
    """So many commands of a programme by each task. ``both`` are given by all processes, at about the same time."""

    programme: Id
    seed: str
    steps: int
    both: list[Envelope]


class Report(msgspec.Struct):
    """What was answered (a kind, and why it was refused), what went wrong, and the verdicts on what all gave.

    ``busy`` are the kinds of which one was told to come again, and did.
    """

    said: list[tuple[str, str | None]]
    errors: list[str]
    raised: list[str]
    both: dict[Id, Result]
    busy: list[str] = []


class Watched(Batch):
    """A batch that keeps what the database objected to.

    That somebody else has a row for long is no objection, nor that another process gave the very command meanwhile.
    """

    raised: ClassVar[list[str]] = []

    async def attempt(self, connection: Connection, runs: Sequence[Run], avoid: Set[RowKey] = frozenset()) -> Attempted:
        """As ``Batch.attempt``."""
        try:
            return await super().attempt(connection, runs, avoid)
        except asyncpg.LockNotAvailableError:
            raise
        except asyncpg.PostgresError as error:
            if isinstance(error, asyncpg.UniqueViolationError) and error.constraint_name == "pk_commands":
                raise
            kinds = sorted({item.envelope.kind for run in runs for item in run.items})
            self.raised.append(f"{type(error).__name__}: {error} in {kinds[:6]}")
            raise


class Giver:
    """Gives the commands of one turn, by several tasks that look at one picture of the tables."""

    def __init__(self, authority: Authority, sql: Any, turn: Turn) -> None:
        self._authority = authority
        self._sql = sql
        self._turn = turn
        self._state = State()
        self._given = 0
        self._looking = asyncio.Lock()
        self.report = Report([], [], [], {})

    async def run(self, tasks: int) -> Report:
        """Once everybody is ready."""
        await self._look()
        await self._sql.execute("SELECT pg_advisory_lock_shared($1)", START)
        await self._sql.execute("SELECT pg_advisory_unlock_shared($1)", START)
        await asyncio.gather(*(self._task(number, tasks) for number in range(tasks)))
        self.report.raised, Watched.raised = Watched.raised, []
        return self.report

    async def _look(self) -> None:
        async with self._looking:
            self._state = await tables(self._sql, self._turn.programme)

    async def _task(self, number: int, tasks: int) -> None:
        choose, kinds = Seeded(f"{self._turn.seed}/{number}"), weighted_kinds()
        both = self._turn.both[number::tasks]
        for step in range(self._turn.steps):
            if step == self._turn.steps // 2:
                await asyncio.sleep(RUN_OUT)
            if both and step % 5 == 0:
                again = both.pop(0)
                result = await self._submit(Principal("staff:both", "Cyd", "admin", self._turn.programme), again)
                if isinstance(result, Result):
                    self.report.both[again.id] = result
            if self._given % AFRESH == 0:
                await self._look()
            self._given += 1
            given = Anything(choose, self._state, datetime.now(UTC), []).command(kinds)
            id = derived_id(NOBODY, f"{self._turn.seed} {number} {step}")
            result = await self._submit(self._who(given.role), envelope(given.kind, given.args, id=id, **given.how))
            if result is not None:
                self.report.said.append((given.kind, result.code))

    def _who(self, role: Role) -> Principal:
        return Principal(f"staff:{self._turn.seed}", "Ada", role, self._turn.programme)

    async def _submit(self, principal: Principal, asked: Envelope) -> Result | Refusal | None:
        try:
            for _ in range(MOST_TIMES):
                result = await self._authority.submit(principal, asked, self._turn.programme)
                if result.code != BUSY:
                    return result
                self.report.busy.append(asked.kind)
            raise RuntimeError(f"told {MOST_TIMES} times to come again")
        except Exception as error:
            what = f"{asked.kind} {bytes(asked.args).decode()} {asked.seen}"
            self.report.errors.append(f"seed {self._turn.seed}: {what}: {type(error).__name__}: {error}")
            return None


async def main(url: str, tasks: int) -> None:
    """Turn after turn until there is no more."""
    authority = await Authority.open(url, lanes=2)
    for lane in authority._lanes:
        lane._batch.__class__ = Watched
    sql = await asyncpg.connect(url)
    while line := await asyncio.to_thread(sys.stdin.readline):
        report = await Giver(authority, sql, msgspec.json.decode(line, type=Turn)).run(tasks)
        print(msgspec.json.encode(report).decode(), flush=True)
    await sql.close()
    await authority.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
