"""Who gets into which batch: a queue, and workers that each take what has gathered while the last one was in flight.

Nobody waits for a batch to fill: a lone command is a batch of one. And nobody waits for a stranger's row: who wants one
that somebody else keeps steps aside, to a lane where all such wait, and the others go on.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections import deque
from collections.abc import Callable, Sequence, Set
from typing import Final

import asyncpg

from server_sync.authority.batch import Batch, HeldUp, give_up
from server_sync.authority.connection import Connection, Pool
from server_sync.authority.faults import LOST, TRANSIENT, caught_by_constraint
from server_sync.authority.load import kept_by_others
from server_sync.authority.runs import Run
from server_sync.protocol.ids import Id
from server_sync.rules.state import RowKey

log = logging.getLogger(__name__)

MOST_COMMANDS: Final = 256
MOST_FAILURES: Final = 4
MOST_WAITING: Final = 20_000
OUTAGE_SECONDS: Final = 8.0
PATIENCE_SECONDS: Final = 10.0
"""How long a run waits for a row that somebody else keeps before it is told ``BUSY``."""

LONG_PATIENCE_SECONDS: Final = 60.0
"""How long a file or other long work does."""

_NUMBERS: Final = itertools.count(1)


class Overloaded(Exception):
    """More is waiting than will ever be answered in time."""


class Unavailable(Exception):
    """The database can't be reached. Whether the command was carried out is not known: ask again with its id."""


class Lane:
    """One queue, its workers, and a connection for each: *pool* is nobody else's.

    What has to wait for somebody goes to the lane *aside*, or to the end of the own queue.
    """

    def __init__(
        self, pool: Pool, batch: Batch, workers: int, changed: Callable[[set[Id]], None], aside: Aside | None = None
    ) -> None:
        self._pool = pool
        self._batch = batch
        self._changed = changed
        self._aside: Lane = aside or self
        self._queue: deque[Run] = deque()
        self._arrived = asyncio.Event()
        self._unanswered: dict[int, Run] = {}
        self._closed = False
        self._workers = [asyncio.create_task(self._work(), name="authority-lane") for _ in range(workers)]

    async def submit(self, run: Run) -> None:
        """Have *run* carried out; returns once it has verdicts, or says why not.

        Raises ``Overloaded``, ``Unavailable``, or what nobody thought of.
        """
        if self._closed:
            raise Unavailable("the server is stopping")
        if sum(len(lane._queue) for lane in {self, self._aside}) >= MOST_WAITING:
            raise Overloaded
        run.came = next(_NUMBERS)
        self._take([run])
        await run.done

    async def close(self) -> None:
        """Stop the workers; whoever is not answered is told ``Unavailable``."""
        self._closed = True
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for run in list(self._unanswered.values()):
            self._answer(run, Unavailable("the server is stopping"))
        await self._pool.close()

    def _take(self, runs: Sequence[Run]) -> None:
        """Have *runs* wait here."""
        for run in runs:
            run.queued = True
            self._unanswered[id(run)] = run
        self._queue.extend(runs)
        self._arrived.set()

    def _avoided(self) -> Set[RowKey]:
        """What a batch need not wait for: others wait for it already, or it is the turn of an earlier run."""
        return frozenset()

    def _is_kept(self, rows: Set[RowKey]) -> None:
        """Somebody else keeps these."""

    def _patience(self) -> float:
        return LONG_PATIENCE_SECONDS

    def _answer(self, run: Run, error: Exception | None = None) -> None:
        del self._unanswered[id(run)]
        if not run.done.done():  # whoever asked may have gone away
            if run.open and error is not None:
                run.done.set_exception(error)
            else:
                run.done.set_result(None)

    # ------------------------------------------------------------- batches

    async def _work(self) -> None:
        while True:
            while not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
            runs = await self._gather()
            for run in runs:
                run.queued = False
            try:
                await self._carry_out(runs)
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.exception("a batch failed in a way that nobody thought of")
                for run in self._in_hand(runs):
                    self._answer(run, error)

    async def _gather(self) -> list[Run]:
        """Who is next: all that came, as far as one transaction will do."""
        runs: list[Run] = []
        count = 0
        while self._queue and count < MOST_COMMANDS:
            runs.append(self._queue.popleft())
            count += len(runs[-1].items)
        return runs

    def _in_hand(self, runs: Sequence[Run]) -> list[Run]:
        """Those of *runs* that are neither answered nor handed on."""
        return [run for run in runs if id(run) in self._unanswered and not run.queued]

    async def _carry_out(self, runs: Sequence[Run]) -> None:
        """Until every run is done; a lost connection is replaced, since what was committed is in the ledger."""
        deadline = asyncio.get_running_loop().time() + OUTAGE_SECONDS
        while True:
            try:
                async with self._pool.acquire() as connection:
                    await self._settle(connection, runs)
                return
            except LOST as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise Unavailable(str(error)) from error
                await asyncio.sleep(random.uniform(0.05, 0.4))

    async def _settle(self, connection: Connection, runs: Sequence[Run]) -> None:
        """Attempt all together; if that fails, halves, so that one bad command harms no other."""
        while pending := self._in_hand(runs):
            try:
                await self._attempt(connection, pending)
            except LOST:
                raise
            except Exception as error:
                if isinstance(error, asyncpg.LockNotAvailableError) and self._aside is not self:
                    self._step_aside([HeldUp(run, len(run.next), run.queue) for run in pending])
                elif len(pending) > 1:
                    middle = len(pending) // 2
                    await self._settle(connection, pending[:middle])
                    await self._settle(connection, pending[middle:])
                elif not pending[0].narrow():
                    await self._judge(pending[0], error)

    async def _attempt(self, connection: Connection, runs: Sequence[Run]) -> None:
        """One transaction; whoever is done by it is told at once, and who has to wait does so elsewhere."""
        avoid = frozenset[RowKey]() if self._aside is self else self._aside._avoided()
        programmes, held = await self._batch.attempt(connection, runs, avoid)
        self._changed(programmes)
        self._step_aside(held)
        for run in self._in_hand(runs):
            self._had(run)
            if not run.open:
                self._answer(run)

    def _had(self, run: Run) -> None:
        """It did not have to wait any more."""

    def _step_aside(self, held: Sequence[HeldUp]) -> None:
        """Have runs wait where they keep nobody, until their rows are let go or their patience ends."""
        now = asyncio.get_running_loop().time()
        patient = []
        for run, free, rows in held:
            if free < len(run.next):
                run.suspect(free + 1, most=free)
            self._aside._is_kept(rows - run.queue)
            run.rows, run.waits_since = rows | run.queue, now if run.waits_since is None else run.waits_since
            if now - run.waits_since > self._aside._patience():
                give_up(run)
                self._answer(run)
            else:
                patient.append(run)
        if self._aside is not self:
            for run in patient:
                del self._unanswered[id(run)]
        self._aside._take(patient)

    async def _judge(self, run: Run, error: Exception) -> None:
        """One command failed by itself: does it wait, is it tried again, refused, or is it a bug?"""
        if isinstance(error, asyncpg.LockNotAvailableError):  # what it waits for is no row of its own
            self._step_aside([HeldUp(run, 0, run.queue)])
            return
        run.failures += 1
        caught = caught_by_constraint(error)
        if isinstance(error, TRANSIENT) or (caught is not None and run.failures == 1):
            if run.failures >= MOST_FAILURES:
                give_up(run)
            else:
                await asyncio.sleep(random.uniform(0, 0.02 * 2**run.failures))
        elif caught is not None and run.failures < MOST_FAILURES:
            item = run.next[0]
            log.warning("%s %s was stopped by a constraint only: %s", item.envelope.kind, item.envelope.id, error)
            item.refused = caught
        else:
            log.error("%s could not be carried out", run.next[0].envelope.kind, exc_info=error)
            run.error = error
        if not run.open:
            self._answer(run)


class Aside(Lane):
    """Where all wait whose rows somebody else keeps: each goes on once these are free, and keeps none of the others."""

    def __init__(self, pool: Pool, batch: Batch, changed: Callable[[set[Id]], None]) -> None:
        super().__init__(pool, batch, 1, changed)
        self._kept: set[RowKey] = set()

    def _take(self, runs: Sequence[Run]) -> None:
        super()._take(runs)
        self._queue = deque(sorted(self._queue, key=lambda run: run.came))  # who came first has them first

    def _avoided(self) -> Set[RowKey]:
        return self._kept.union(*(run.queue for run in self._unanswered.values()))

    def _is_kept(self, rows: Set[RowKey]) -> None:
        self._kept |= rows

    def _patience(self) -> float:
        return PATIENCE_SECONDS

    def _had(self, run: Run) -> None:
        if not run.suspects:  # else it is what comes before that it has done
            self._kept -= run.rows

    def _answer(self, run: Run, error: Exception | None = None) -> None:
        super()._answer(run, error)
        if not self._unanswered:
            self._kept.clear()

    async def _gather(self) -> list[Run]:
        """All whose rows are free by now; where there are none, those who want what the first in the queue wants.

        Whose patience ends is tried once more with them: others whose rows are always free must not hide it.
        """
        waiting = list(self._queue)
        since = asyncio.get_running_loop().time() - PATIENCE_SECONDS
        kept = await self._kept_among(waiting)
        ready: list[Run] = []
        behind: set[RowKey] = set()  # queues of devices whose earlier run has to wait
        for run in waiting:
            late = run.waits_since is not None and run.waits_since < since
            if (late or (run.rows and not run.rows & kept)) and not run.queue & behind:
                ready.append(run)
            else:  # it waits, or nobody knows for what
                behind |= run.queue
        first = waiting[0]
        chosen = ready or [run for run in waiting if run is first or run.rows & first.rows]
        del chosen[MOST_COMMANDS:]
        names = {id(run) for run in chosen}
        self._queue = deque(run for run in self._queue if id(run) not in names)
        return chosen

    async def _kept_among(self, waiting: Sequence[Run]) -> set[RowKey]:
        rows = frozenset[RowKey]().union(*(run.rows - run.queue for run in waiting))
        try:
            async with self._pool.acquire() as connection:
                return await kept_by_others(connection, rows)
        except (*LOST, asyncpg.PostgresError):  # whoever is next finds out, and says so
            return set(rows)
