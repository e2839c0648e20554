"""Server processes: one or several that answer on one socket, and end with the process that started them."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
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


def check_certificate(certificate: Path, key: Path) -> None:
    """Raise ValueError, in words that name the file, if the two can't be answered with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for file in (certificate, key):
        try:
            file.read_bytes()
        except OSError as error:
            raise ValueError(f"{file} can't be read: {error.strerror}.") from error
    try:
        context.load_verify_locations(certificate)
    except ssl.SSLError as error:
        raise ValueError(f"{certificate} is no certificate in PEM form.") from error
    try:
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"{key} is not the key of {certificate}.") from error
        raise ValueError(f"{key} is no private key in PEM form without a passphrase.") from error


def serve(listening: Listening, announce: Callable[[list[str]], None]) -> None:
    """Answer until told to stop (SIGINT or SIGTERM); *announce* is told the URLs once the port is ours.

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
        hosts = [f"[{host}]" if ":" in host else host for host in reachable_at(host)]
        announce([f"{listening.scheme}://{host}:{port}" for host in hosts])
        if listening.workers > 1:
            os.environ[PARENT] = str(os.getpid())
            Multiprocess(config, sockets=[bound]).run()
        else:
            uvicorn.Server(config).run(sockets=[bound])


def reachable_at(host: str) -> list[str]:
    """The addresses under which others reach what listens at *host*: where that is every one, this machine's own."""
    if not ipaddress.ip_address(host).is_unspecified:
        return [host]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ours = [at.address for found in psutil.net_if_addrs().values() for at in found if at.family == family]
    others = [at for at in ours if not (ipaddress.ip_address(at).is_loopback or ipaddress.ip_address(at).is_link_local)]
    return others or ["::1" if ":" in host else "127.0.0.1"]


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
