"""The one event loop: asyncio run by Qt's, with an orderly stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import qasync
from PySide6.QtCore import QLoggingCategory
from PySide6.QtWidgets import QApplication

T = TypeVar("T")


def run(app: QApplication, main: Callable[[asyncio.Event], Awaitable[T]]) -> T:
    """Run `main(stop)` on Qt's event loop until it returns, and return its result.

    `stop` is set when the application is asked to quit (last window closed, session end); `main` then closes what it
    opened and returns. Tasks that it left behind are cancelled and waited for. An exception of `main` is raised here.
    """
    app.setQuitOnLastWindowClosed(False)
    # a font without a script is what the system's fonts are for, and no news for a log
    QLoggingCategory.setFilterRules("qt.text.font.db.warning=false")
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    stop = asyncio.Event()
    app.lastWindowClosed.connect(stop.set)
    app.commitDataRequest.connect(lambda _manager: stop.set())

    async def whole() -> T:
        try:
            return await main(stop)
        finally:
            await _end_tasks()

    try:
        result: T = loop.run_until_complete(whole())
        return result
    finally:
        app.lastWindowClosed.disconnect(stop.set)
        loop.close()
        asyncio.set_event_loop(None)


async def _end_tasks() -> None:
    """Cancel what still runs, so that the loop closes on nothing half done."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
