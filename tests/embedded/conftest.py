"""What the tests of the embedded Postgres share: folders it can reach, a process to kill, and questions in SQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from server_sync.embedded import tool
from tests.embedded import serve

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for one database; not in pytest's own, which is closed to the user that root runs Postgres as."""
    made = Path(tempfile.mkdtemp(prefix="callboard-embedded-"))
    yield made
    shutil.rmtree(made)


def ask(url: str, statement: str) -> str:
    """What psql answers to a statement, or its error; never another user's settings."""
    run = subprocess.run(
        [tool("psql"), url, "-XAtqc", statement], capture_output=True, text=True, env={"PATH": os.defpath}
    )
    return (run.stdout + run.stderr).strip()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait, at most SECONDS, for something that another process does."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not within {SECONDS:.0f} s: {what}"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for counts as ended."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


class Served:
    """A process with an embedded Postgres of its own."""

    def __init__(self, folder: Path, way: str | None = None) -> None:
        command = [sys.executable, serve.__file__, str(folder), *([way] if way else [])]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()
        self.pid, self.url = 0, ""
        if self.said[:1].isdigit():
            pid, self.url = self.said.split()
            self.pid = int(pid)

    def kill(self) -> None:
        """End the process without any warning, as kill -9 and a crash do."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def serve_process() -> Iterator[Callable[..., Served]]:
    """Start processes with an embedded Postgres; whatever is left of them after the test is killed."""
    started: list[Served] = []

    def start(folder: Path, way: str | None = None) -> Served:
        started.append(Served(folder, way))
        return started[-1]

    yield start
    for served in started:
        served.kill()
        if served.pid:
            wait_until(partial(is_gone, served.pid), "Postgres gone after its parent")
