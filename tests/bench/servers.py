"""A durable Postgres and our API with some workers, for as long as a benchmark runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from server_sync.authority.migrate import migrate
from server_sync.embedded import EmbeddedPostgres


@contextlib.contextmanager
def postgres() -> Iterator[EmbeddedPostgres]:
    """A fresh, migrated database with fsync on, as in earnest."""
    with tempfile.TemporaryDirectory(prefix="callboard-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder) / "pg", settings={"max_wal_size": "4GB"}) as server:
            asyncio.run(migrate(server.dsn))
            yield server


@contextlib.contextmanager
def api(url: str, workers: int = 2, environment: dict[str, str] | None = None) -> Iterator[str]:
    """Our API on a free port; gives its base URL once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "server_sync.cli", "serve", "--port", str(port), "--workers", str(workers)],
        env=os.environ | {"DATABASE_URL": url} | (environment or {}),
    )
    base = f"http://127.0.0.1:{port}"
    try:
        _wait(base, process)
        yield base
    finally:
        process.terminate()
        process.wait(20)


def _wait(base: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server stopped with {process.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(base + "/healthz", timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not answer within a minute")
