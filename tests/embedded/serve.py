"""A process that runs an embedded Postgres on a folder until it is killed; tests start it as a script.

Usage: serve.py FOLDER [exec|watch]. It prints the server's process id and URL, or why it cannot start.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from server_sync.embedded import CannotStart, EmbeddedPostgres


def main(folder: str, way: str | None = None) -> int:
    """Start, say so, and wait for the end."""
    try:
        server = EmbeddedPostgres(Path(folder), way=way)
    except CannotStart as error:
        print(f"CANNOT START: {error}", flush=True)
        return 1
    print(server.pid, server.dsn, flush=True)
    signal.sigwait({signal.SIGTERM})
    server.stop()
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    sys.exit(main(*sys.argv[1:]))
