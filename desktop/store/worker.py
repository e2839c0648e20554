"""Where the store does its work: on one thread of its own, or inline where a simulation or test owns the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")


class Worker(Protocol):
    """Runs the store's work, one piece at a time, in the order in which it was asked."""

    async def run(self, work: Callable[[], T]) -> T:
        """Do *work* and return what it returns. Work that was begun is finished even if the caller is cancelled."""
        ...

    def tell(self, message: Callable[[], None]) -> None:
        """From within work: have *message* called on the main thread, before ``run`` returns there."""
        ...

    def close(self) -> None:
        """Let what was asked for finish, then stop."""
        ...


class ThreadWorker:
    """One thread. Made on the main thread, whose running loop receives the messages."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="store")

    async def run(self, work: Callable[[], T]) -> T:
        """As ``Worker.run``."""
        return await asyncio.shield(self._loop.run_in_executor(self._executor, work))

    def tell(self, message: Callable[[], None]) -> None:
        """As ``Worker.tell``: the loop takes it up before the result that follows."""
        self._loop.call_soon_threadsafe(message)

    def close(self) -> None:
        """As ``Worker.close``."""
        self._executor.shutdown(wait=True)


class InlineWorker:
    """No thread: everything happens at once."""

    async def run(self, work: Callable[[], T]) -> T:
        """As ``Worker.run``."""
        return work()

    def tell(self, message: Callable[[], None]) -> None:
        """As ``Worker.tell``."""
        message()

    def close(self) -> None:
        """Nothing to stop."""
