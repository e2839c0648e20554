"""Who gets into which batch: a queue, and workers that each take what has gathered while the last one was in flight.

Nobody waits for a batch to fill: a lone command is a batch of one. And nobody waits for a stranger's row: who wants one
that somebody else keeps steps aside, to a lane where all such wait, and the others go on.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import asyncpg

from server_sync.authority.batch import Batch, Held, HeldUp, give_up
from server_sync.authority.connection import Connection, Pool
from server_sync.authority.faults import LOST, TRANSIENT, caught_by_constraint
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


class Overloaded(Exception):
    """More is waiting than will ever be answered in time."""


class Unavailable(Exception):
    """The database can't be reached. Whether the command was carried out is not known: ask again with its id."""


class Lane:
    """One queue, its workers, and a connection for each: *pool* is nobody else's.

    What has to wait for somebody goes to the lane *aside*, or to the end of the own queue.
    """

    def __init__(
        self, pool: Pool, batch: Batch, workers: int, changed: Callable[[set[Id]], None], aside: Lane | None = None
    ) -> None:
        self._pool = pool
        self._batch = batch
        self._changed = changed
        self._aside = aside or self
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
        """Have *runs* wait here: behind all others, or before them where they have waited here already."""
        again = bool(runs) and id(runs[0]) in self._unanswered
        for run in runs:
            run.queued = True
            self._unanswered[id(run)] = run
        if again:
            self._queue.extendleft(reversed(runs))
        else:
            self._queue.extend(runs)
        self._arrived.set()

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
            runs, count = [], 0
            while self._queue and count < MOST_COMMANDS:
                runs.append(self._queue.popleft())
                runs[-1].queued = False
                count += len(runs[-1].items)
            try:
                await self._carry_out(runs)
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.exception("a batch failed in a way that nobody thought of")
                for run in self._in_hand(runs):
                    self._answer(run, error)

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
            except Held as held:
                self._step_aside(held.held)
            except Exception as error:
                if len(pending) > 1:
                    middle = len(pending) // 2
                    await self._settle(connection, pending[:middle])
                    await self._settle(connection, pending[middle:])
                elif not pending[0].narrow():
                    await self._judge(pending[0], error)

    async def _attempt(self, connection: Connection, runs: Sequence[Run]) -> None:
        """One transaction; whoever is done by it is told at once."""
        aside = () if self._aside is self else self._aside._unanswered.values()
        avoid = frozenset[RowKey]().union(*(run.rows for run in aside))  # who came first has them first
        self._changed(await self._batch.attempt(connection, runs, avoid))
        for run in runs:
            if not run.open:
                self._answer(run)

    def _step_aside(self, held: Sequence[HeldUp]) -> None:
        """Have runs wait where they keep nobody, until their rows are let go or their patience ends."""
        now = asyncio.get_running_loop().time()
        patient = []
        for run, free, rows in held:
            run.suspect(free + 1, most=free)
            run.rows, run.waits_since = rows, now if run.waits_since is None else run.waits_since
            if now - run.waits_since > PATIENCE_SECONDS:
                give_up(run)
                self._answer(run)
            else:
                patient.append(run)
        self._aside._take(patient)
        if self._aside is not self:
            for run in patient:
                del self._unanswered[id(run)]

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
