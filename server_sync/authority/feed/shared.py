"""One read for all who ask the same at the same time.

Whoever asks joins the next read that has not begun, never one that has: that might miss what they know is committed.
While a read is under way the next one waits for it, so that a burst of equal questions costs two reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Shared(Generic[K, V]):
    """``read`` gets the question and a function that it calls when it begins to look."""

    def __init__(self, read: Callable[[K, Callable[[], None]], Awaitable[V]]) -> None:
        self._read = read
        self._next: dict[K, asyncio.Task[V]] = {}
        self._latest: dict[K, asyncio.Task[V]] = {}

    async def ask(self, question: K) -> V:
        """The answer as of a moment after this call; raises what the read raised."""
        task = self._next.get(question)
        if task is None:
            task = asyncio.create_task(self._answer(question, self._latest.get(question)), name="feed-read")
            self._next[question] = self._latest[question] = task
            task.add_done_callback(lambda done: self._forget(question, done))
        return await asyncio.shield(task)  # others may wait for it too

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._latest.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, question: K, before: asyncio.Task[V] | None) -> V:
        if before is not None:
            await asyncio.wait([before])
        return await self._read(question, lambda: self._begin(question))

    def _begin(self, question: K) -> None:
        self._next.pop(question, None)

    def _forget(self, question: K, task: asyncio.Task[V]) -> None:
        for tasks in (self._next, self._latest):
            if tasks.get(question) is task:
                del tasks[question]
        if not task.cancelled():
            task.exception()  # whoever asked may have left meanwhile
