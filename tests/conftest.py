"""What every test shares: no unexpected log line, the folder of real files, and a database from one Postgres."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

from server_sync.embedded import EmbeddedPostgres

T = TypeVar("T")

DATA_VARIABLE = "CALLBOARD_DATA"
# A test's database is thrown away, so that nothing needs to survive a power cut.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}


# ------------------------------------------------------------------- logs


class _Collector(logging.Handler):
    """Keeps every record at WARNING or above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def no_unexpected_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that logs at WARNING or above unasked, or that does not log what `expects_log` says.

    `@pytest.mark.expects_log("pattern")`, once for each kind of record, allows and demands records whose text the
    regular expression is found in.
    """
    collector = _Collector()
    logging.getLogger().addHandler(collector)
    yield
    logging.getLogger().removeHandler(collector)
    patterns = [re.compile(mark.args[0]) for mark in request.node.iter_markers("expects_log")]
    texts = [(record, record.getMessage()) for record in collector.records]
    unexpected = [
        f"{record.levelname} {record.name}: {text}"
        for record, text in texts
        if not any(pattern.search(text) for pattern in patterns)
    ]
    if unexpected:
        pytest.fail("logged, and not expected:\n" + "\n".join(unexpected), pytrace=False)
    for pattern in patterns:
        if not any(pattern.search(text) for _, text in texts):
            pytest.fail(f"expected a log record that matches {pattern.pattern!r}, and there was none", pytrace=False)


# -------------------------------------------------------------- real files


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real schedules and people that CALLBOARD_DATA names; without it the test is skipped."""
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        pytest.skip(f"{DATA_VARIABLE} does not name the folder of real files")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"{DATA_VARIABLE} names {folder}, which is no folder")
    return folder


# ---------------------------------------------------------------- database


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread and loop of its own, so that fixtures leave the test's loop alone."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One embedded Postgres for the whole run; fast, not durable."""
    # Not pytest's own folder, which is closed to the user that Postgres runs as when root runs the tests.
    folder = Path(tempfile.mkdtemp(prefix="callboard-tests-"))
    try:
        with EmbeddedPostgres(folder, settings=FAST) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template_database(postgres: EmbeddedPostgres) -> str:
    """The name of a database with the whole schema, to be copied, never to be written to."""
    from server_sync.authority.migrate import migrate

    name = "callboard_template"
    run_apart(_execute(postgres.url_of("postgres"), f"CREATE DATABASE {name}"))
    run_apart(migrate(postgres.url_of(name)))
    return name


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a database without any schema, dropped after the test."""
    yield from _temporary_database(postgres, "template1")


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """The URL of a database of the test's own with the whole schema, dropped after the test."""
    yield from _temporary_database(postgres, template_database)


def _temporary_database(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    admin = postgres.url_of("postgres")
    # FILE_COPY asks for two checkpoints, which cost nothing without fsync, and writes no WAL.
    run_apart(_execute(admin, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
    try:
        yield postgres.url_of(name)
    finally:
        run_apart(_execute(admin, f"DROP DATABASE {name} WITH (FORCE)"))
