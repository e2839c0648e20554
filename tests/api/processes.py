"""Real server processes, as ``callboard-server serve`` starts them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx

from tests.api.festival import ROOT_TOKEN

COMMAND = [sys.executable, "-m", "server_sync.cli"]
START_SECONDS = 60.0


def environment(database_url: str, **more: str) -> dict[str, str]:
    """What the processes see: our own environment, the database, and a root token that the test knows."""
    return os.environ | {"DATABASE_URL": database_url, "CALLBOARD_ROOT_TOKEN": ROOT_TOKEN} | more


@contextlib.contextmanager
def serving(
    database_url: str, workers: int = 1, *arguments: str, **more: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running server: its URL, and its (parent) process. It is stopped as Ctrl-C does, and must end by itself."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--workers", str(workers), *arguments],
        env=environment(database_url, **more),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield _wait_until_answering(process), process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0, "the server did not end well"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _wait_until_answering(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(r"answers at (\S+)", line)
        if found is not None:
            break
    else:
        raise AssertionError(f"the server ended with {process.wait()} and never answered")
    url, deadline = found.group(1), time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/healthz", verify=False).status_code == 200:
                return url
        time.sleep(0.1)
    raise AssertionError("the server does not answer")
