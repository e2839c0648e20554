"""Who gets into which batch: a queue, and workers that each take what has gathered while the last one was in flight.

Nobody waits for a batch to fill: a lone command is a batch of one.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from typing import Final

from server_sync.authority.batch import Batch, give_up
from server_sync.authority.connection import Connection, Pool
from server_sync.authority.faults import LOST, TRANSIENT, caught_by_constraint
from server_sync.authority.runs import Run
from server_sync.protocol.ids import Id

log = logging.getLogger(__name__)

MOST_COMMANDS: Final = 256
MOST_FAILURES: Final = 4
MOST_WAITING: Final = 20_000
OUTAGE_SECONDS: Final = 8.0


class Overloaded(Exception):
    """More is waiting than will ever be answered in time."""


class Unavailable(Exception):
    """The database can't be reached. Whether the command was carried out is not known: ask again with its id."""


class Lane:
    """One queue and its workers."""

    def __init__(self, pool: Pool, batch: Batch, workers: int, changed: Callable[[set[Id]], None]) -> None:
        self._pool = pool
        self._batch = batch
        self._changed = changed
        self._queue: asyncio.Queue[tuple[Run, asyncio.Future[None]]] = asyncio.Queue(MOST_WAITING)
        self._closed = False
        self._workers = [asyncio.create_task(self._work(), name="authority-lane") for _ in range(workers)]

    async def submit(self, run: Run) -> None:
        """Have *run* carried out; returns once it has verdicts, or says why not.

        Raises ``Overloaded``, ``Unavailable``, or what nobody thought of.
        """
        if self._closed:
            raise Unavailable("the server is stopping")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((run, done))
        except asyncio.QueueFull:
            raise Overloaded from None
        await done

    async def close(self) -> None:
        """Stop the workers; what is waiting is told ``Unavailable``."""
        self._closed = True
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        while not self._queue.empty():
            _, done = self._queue.get_nowait()
            if not done.done():
                done.set_exception(Unavailable("the server is stopping"))

    async def _work(self) -> None:
        while True:
            waiting = [await self._queue.get()]
            count = len(waiting[0][0].items)
            while not self._queue.empty() and count < MOST_COMMANDS:
                waiting.append(self._queue.get_nowait())
                count += len(waiting[-1][0].items)
            try:
                await self._carry_out([run for run, _ in waiting])
            except asyncio.CancelledError:
                _answer(waiting, Unavailable("the server is stopping"))
                raise
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.exception("a batch failed in a way that nobody thought of")
                _answer(waiting, error)
            else:
                _answer(waiting, None)

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
        while pending := [run for run in runs if run.open]:
            try:
                self._changed(await self._batch.attempt(connection, pending))
            except LOST:
                raise
            except Exception as error:
                if len(pending) == 1:
                    await self._settle_alone(connection, pending[0], error)
                    continue
                middle = len(pending) // 2
                await self._settle(connection, pending[:middle])
                await self._settle(connection, pending[middle:])

    async def _settle_alone(self, connection: Connection, run: Run, error: Exception) -> None:
        """One run failed by itself: command by command, until the one at fault is found and judged."""
        if len(run.items) - len(run.results) > 1:
            try:
                self._changed(await self._batch.attempt(connection, [run], most=1))
                return
            except LOST:
                raise
            except Exception as first:
                error = first
        run.failures += 1
        caught = caught_by_constraint(error)
        if isinstance(error, TRANSIENT) or (caught is not None and run.failures == 1):
            if run.failures >= MOST_FAILURES:
                give_up(run)
                return
            await asyncio.sleep(random.uniform(0, 0.02 * 2**run.failures))
        elif caught is not None and run.failures < MOST_FAILURES:
            item = run.items[len(run.results)]
            log.warning("%s %s was stopped by a constraint only: %s", item.envelope.kind, item.envelope.id, error)
            item.refused = caught
        else:
            log.error("%s could not be carried out", run.items[len(run.results)].envelope.kind, exc_info=error)
            run.error = error


def _answer(waiting: Sequence[tuple[Run, asyncio.Future[None]]], error: Exception | None) -> None:
    for run, done in waiting:
        if not done.done():
            if error is None or not run.open:
                done.set_result(None)
            else:
                done.set_exception(error)
