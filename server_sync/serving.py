"""Server processes: one or several that answer on one socket, and end with the process that started them."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from server_sync.api.app import create_app
from server_sync.api.settings import Settings
from server_sync.importers.detect import read
from server_sync.importers.programme import Defaults
from server_sync.protocol.imports import Import, ImportRefused

PARENT: Final = "CALLBOARD_PARENT"
"""Environment: the process id of whoever started the workers; they end when it is gone."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to answer and how. With a certificate (and its key) it is https."""

    host: str
    port: int
    workers: int
    certificate: Path | None = None
    key: Path | None = None
    access_log: bool = False

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "https" if self.certificate else "http"


def application() -> Callable[..., Any]:
    """The application of one worker, told by its environment."""
    if PARENT in os.environ:
        _end_with(int(os.environ[PARENT]))
    return create_app(Settings.from_environment(os.environ), read_file)


def read_file(name: str, data: bytes, time_zone: str) -> Import | ImportRefused:
    """A file to import, whatever its format."""
    return read(name, data, Defaults(time_zone=time_zone))


def _end_with(parent: int) -> None:
    """Have this process shut down when its parent is gone, however that went (a killed parent can't tell anybody)."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    if sys.platform != "win32":
        threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def serve(listening: Listening, announce: Callable[[str], None]) -> None:
    """Answer until told to stop (SIGINT or SIGTERM); *announce* is told the URL once the port is ours.

    Raises OSError if the port can't be had.
    """
    config = uvicorn.Config(
        "server_sync.serving:application", factory=True, host=listening.host, port=listening.port,
        workers=listening.workers, loop="auto", http="auto", lifespan="on", ws="none", server_header=False,
        proxy_headers=False,
        access_log=listening.access_log, log_level="info" if listening.access_log else "warning",
        ssl_certfile=listening.certificate, ssl_keyfile=listening.key, timeout_graceful_shutdown=5, backlog=2048,
    )  # fmt: skip
    with _bind(listening) as bound:
        host, port = bound.getsockname()[:2]
        announce(f"{listening.scheme}://{f'[{host}]' if ':' in host else host}:{port}")
        if listening.workers > 1:
            os.environ[PARENT] = str(os.getpid())
            Multiprocess(config, sockets=[bound]).run()
        else:
            uvicorn.Server(config).run(sockets=[bound])


def _bind(listening: Listening) -> socket.socket:
    """A socket of ours at the address, not yet listening."""
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((listening.host, listening.port))
    except OSError:
        bound.close()
        raise
    bound.set_inheritable(True)
    return bound
