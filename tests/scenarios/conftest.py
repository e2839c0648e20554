"""Scenarios: a test for each requirement, which fails when what it is about is turned off.

To add one, write in ``tests/scenarios/test_<area>.py``:

    @pytest.mark.turned_off("command:slot.block")
    async def test_T32_a_blocked_slot_refuses(stage: Stage) -> None:
        slot = await stage.festival.slot(capacity=2)
        await stage.command("slot.block", {"slot_id": slot, "reason": "the piano is out of tune"})
        await stage.refused("reservation.reserve", {"slot_id": slot, "reserved_name": "Ada"}, "SLOT_CLOSED")

The ids of ``requirements.md`` come first in the name, several (``test_H07_H17_…``) where it truly is one thing.
``stage`` has the festival, commands in short, and SQL past the authority. ``turned_off`` names what the test is about:

    command:KIND                     the kind is unknown
    face:METHOD /v1/path             the route is gone, its path as it is declared (``face:WS /v1/…`` for a WebSocket)
    constraint:TABLE.NAME            dropped in the test's own database
    index:NAME, trigger:TABLE.NAME   likewise
    part:package.module:function     answers None; ``part:…:function=LITERAL`` answers that; ``part:…:CONSTANT=LITERAL``
                                     and ``part:…:Class.attribute=LITERAL`` are that; ``part:…:function->module:other``
                                     is that other function, which may stand in the test's own file
    contract:NAME                    an import contract is gone from the copy that the fixture ``contracts`` makes
    migration:v0001                  that step of the migrations runs nothing
    environment:NAME=value           a variable, set before anything starts

Each argument of the marker is turned off in a run of its own; ``"one + other"`` turns both off in one run, where either
alone would hold (a lock, and the constraint beneath it). Each run must fail, in the test itself and not in a fixture,
so commands, faces and parts stay on until the fixtures are made. What is off is off in this process alone.

It must fail by what the test asserts. A part that answers None where its callers count on something only makes the
server break, which any test would notice: such a run, in which something is logged as an error that ``expects_log``
does not name, proves nothing. Have a stand-in (``standins.py``) do the wrong thing cleanly instead. Nor does a row of
``core`` count as proven by whole commands or faces alone: whatever uses them fails without them.

    python3 dev.py requirements --disable tests/scenarios/test_area.py    # both runs, and what they prove

Look at the last column: a test that fails for another reason than what it is about proves nothing.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from types import FrameType
from typing import Any, Final

import asyncpg
import pytest
from fastapi import FastAPI

from server_sync.api.app import create_app
from server_sync.api.settings import Settings
from server_sync.authority import session
from server_sync.serving import read_file
from tests.api.conftest import client, festival
from tests.api.festival import ROOT_TOKEN, Festival
from tests.conftest import run_apart
from tests.scenarios.contracts import Contracts, copy_contracts
from tests.scenarios.off import Off
from tests.scenarios.opera import no_timer
from tests.scenarios.stage import Stage

__all__ = ["client", "festival"]

DISABLE: Final = "CALLBOARD_TEST_DISABLE"
LONGEST: Final = 120
"""Seconds that a test with something turned off may wait for what will never come."""

_OFF: Final = pytest.StashKey[Off]()
_ERRORS: Final = pytest.StashKey["_Errors"]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "turned_off(*things): what the scenario is about; see tests/scenarios/conftest")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With CALLBOARD_TEST_DISABLE=1 run each test once for each argument of its marker; without a marker not at all."""
    if os.environ.get(DISABLE) == "1":
        things = [text for mark in metafunc.definition.iter_markers("turned_off") for text in mark.args]
        metafunc.parametrize("turned_off", things, indirect=True, ids=things)


@pytest.fixture(autouse=True)
def turned_off(request: pytest.FixtureRequest) -> Iterator[Off | None]:
    """What is turned off for this test; None in an ordinary run."""
    text: str | None = getattr(request, "param", None)
    if text is None:
        yield None
        return
    off = Off(text)
    request.node.stash[_OFF] = off
    request.node.user_properties.append(("off", text))
    with pytest.MonkeyPatch.context() as patch:
        off.before_setup(patch)
        yield off


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Turn the rest off round the test itself."""
    off = item.stash.get(_OFF, None)
    if off is None:
        return (yield)
    item.stash[_ERRORS] = errors = _Errors()
    with pytest.MonkeyPatch.context() as patch, _NoLongerThan(LONGEST), errors:
        off.before_call(patch)
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """What was off may have left behind something that nobody can tidy away."""
    if _OFF not in item.stash:
        return (yield)
    with _NoLongerThan(LONGEST // 4):
        return (yield)


class _Errors(logging.Handler):
    """What is logged as an error while something is off."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def __enter__(self) -> None:
        logging.getLogger().addHandler(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what it says, and which exception it is about."""
        raised = record.exc_info[1] if record.exc_info else None
        self.texts.append(record.getMessage() + ("" if raised is None else f" ({type(raised).__name__}: {raised})"))


class StillWaiting(Exception):
    """The test waited for something until it was stopped: it noticed nothing by itself."""


class _NoLongerThan:
    """Ends what hangs, where the system has alarms and this is the main thread."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._can = sys.platform != "win32" and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        if self._can:
            self._before = signal.signal(signal.SIGALRM, self._ring)
            signal.alarm(self._seconds)

    def __exit__(self, *_: object) -> None:
        if self._can:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, self._before)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        raise StillWaiting(f"for {self._seconds} s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[pytest.TestReport]:
    """Say in the report what was raised and what broke, for the tool to tell a failed assertion from anything else."""
    report: pytest.TestReport = yield  # type: ignore[misc, assignment]
    if call.when == "call" and _ERRORS in item.stash:
        expected = [mark.args[0] for mark in item.iter_markers("expects_log")]
        broken = [text for text in item.stash[_ERRORS].texts if not any(re.search(each, text) for each in expected)]
        if broken:
            report.user_properties.append(("broken", broken[0].splitlines()[0][:200]))
    if call.excinfo is not None:
        report.user_properties.append((f"raised in {call.when}", call.excinfo.typename))
        report.user_properties.append((f"why in {call.when}", _first_line(call.excinfo)))
    return report  # type: ignore[return-value]


def _first_line(raised: pytest.ExceptionInfo[BaseException]) -> str:
    lines = str(raised.value).strip().splitlines()
    return f"{raised.typename}: {lines[0] if lines else ''}"[:200]


# ---------------------------------------------------------------- fixtures


@pytest.fixture
def database_url(database_url: str, turned_off: Off | None) -> str:
    """The test's own database, without what is turned off in it."""
    statements = list(turned_off.in_database()) if turned_off is not None else []
    if statements:
        run_apart(_execute(database_url, statements))
    return database_url


async def _execute(url: str, statements: list[str]) -> None:
    own = await asyncpg.connect(url)
    try:
        for statement in statements:
            await own.execute(statement)
    finally:
        await own.close()


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator[Any]:
    """A connection to the test's database, past the authority."""
    own = await asyncpg.connect(database_url)
    try:
        yield own
    finally:
        await own.close()


@pytest.fixture
def lock_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch waits for a lock for as long as it takes to line others up beside it, or to find a deadlock."""
    monkeypatch.setitem(session.BRIEF, "lock_timeout", "3s")


@pytest.fixture
async def app(database_url: str, lock_wait: None) -> AsyncIterator[FastAPI]:
    """The server: two batches in flight at once, so that what is asked for together meets in the database."""
    app = create_app(Settings(database_url, ROOT_TOKEN, lanes=2), read_file)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def without_timer(database_url: str) -> AsyncIterator[None]:
    """Holds that run out stay as they are until somebody is in their way. It comes before ``stage``."""
    async with no_timer(database_url):
        yield


@pytest.fixture
async def stage(festival: Festival, sql: Any, database_url: str, app: FastAPI) -> Stage:
    """A small festival, and everything that is done to it in short."""
    return Stage(festival, sql, database_url, app)


@pytest.fixture
def contracts(tmp_path_factory: pytest.TempPathFactory, turned_off: Off | None) -> Contracts:
    """The import contracts, in a copy where violations may be planted."""
    return copy_contracts(tmp_path_factory.mktemp("contracts"), turned_off.of("contract") if turned_off else [])
