"""Start Postgres on a folder, keep it running, and take it along when this process ends, however it ends."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from server_sync.embedded import leash
from server_sync.embedded.binaries import CannotStart, clean_environment
from server_sync.embedded.folder import DATABASE, USER, DataFolder

log = logging.getLogger(__name__)

START_SECONDS = 120.0  # recovery after a crash may have much to read
STOP_SECONDS = 20.0
LOG_BYTES = 10_000_000
RESTARTS = 5  # within RESTART_SECONDS, after which something is wrong that a restart does not mend
RESTART_SECONDS = 60.0

# Each can be overridden. fsync stays on: what the authority has answered must survive a power cut.
SETTINGS: Mapping[str, str] = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "cluster_name": "callboard",
}


class EmbeddedPostgres:
    """A running Postgres on loopback, and its supervisor.

    One thread starts the process and waits for it, since the kernel's leash (see leash.py) is tied to the thread.
    When Postgres dies unasked it is started again on the same port. `dsn` is a postgresql:// URL with the password.
    """

    failed: str | None = None  # why Postgres is gone for good, if it is

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        way: str | None = None,
    ) -> None:
        """Start Postgres on a folder, made if need be, and return when it accepts connections.

        port: None takes a free one. settings: Postgres parameters over SETTINGS. way: how leash.py holds it,
        None being the system's best. Raises CannotStart.
        """
        self.settings = {**SETTINGS, **(settings or {})}
        self._way = way or ("exec" if sys.platform == "linux" else "watch")
        self._folder = DataFolder(folder, durable=self.settings.get("fsync") != "off")
        self.port = port or _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="embedded-postgres", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self.failed is not None:
            self._thread.join()
            self._folder.release()
            raise CannotStart(self.failed)

    @property
    def dsn(self) -> str:
        """The URL of our database."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The URL of a database by name, as our user, who owns the server."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def password(self) -> str:
        """The generated password of our user."""
        return self._folder.password

    @property
    def pid(self) -> int:
        """The process id of the server itself (its watchdog is another process where there is one)."""
        return int(_first_line(self._folder.data / "postmaster.pid"))

    def stop(self) -> None:
        """Shut Postgres down (open transactions are rolled back) and let go of the folder. May be called twice."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            self._ask_to_stop(process)
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive() and process is not None:
            log.warning("Postgres does not stop; it is killed, and recovers at the next start")
            process.kill()
            self._thread.join()
        self._folder.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ------------------------------------------------- the supervising thread

    def _supervise(self) -> None:
        """Start, wait, and start again, until asked to stop or until it makes no sense any more."""
        deaths: list[float] = []
        try:
            while not self._stopping.is_set():
                with self._open_log() as output:
                    self._process = self._spawn(output)
                    if not self._wait_until_ready(self._process):
                        self.failed = self._last_words()
                        break
                    self._ready.set()
                    if self._stopping.is_set():  # stop() may have seen the one before
                        self._ask_to_stop(self._process)
                    code = self._process.wait()
                if self._stopping.is_set():
                    break
                deaths = [*(at for at in deaths if at > time.monotonic() - RESTART_SECONDS), time.monotonic()]
                if len(deaths) > RESTARTS:
                    self.failed = f"Postgres died {len(deaths)} times in {RESTART_SECONDS:.0f} s.\n{self._last_words()}"
                    break
                log.warning("Postgres ended with code %s; starting it again", code)
                self._folder.see_leftovers_off()
        except Exception as error:
            self.failed = str(error)
            log.debug("the supervisor of Postgres ends", exc_info=True)
        finally:
            if self._ready.is_set() and self.failed is not None:
                log.error("Postgres is gone and not started again: %s", self.failed)
            self._ready.set()

    def _spawn(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the server on its leash, in a session of its own so that the terminal's Ctrl-C is ours to handle."""
        data, account = self._folder.data, self._folder.account
        own = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        parameters = [part for name, value in {**self.settings, **own}.items() for part in ("-c", f"{name}={value}")]
        server = [str(self._folder.installation / "bin" / "postgres"), "-D", str(data), *parameters]
        who = f"{account.uid}:{account.gid}" if account else "-"
        # -I and -S: a bare interpreter starts in some ten milliseconds and is not led astray by where it stands.
        command = [sys.executable, "-I", "-S", str(Path(leash.__file__)), self._way, str(os.getpid()), who, *server]
        self._stale = _identity(data / "postmaster.pid")
        return subprocess.Popen(
            command,
            cwd="/" if account else None,
            env=clean_environment(),
            stdin=subprocess.PIPE if self._way == "watch" else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait until the server writes `ready` into postmaster.pid; False if it died or took too long."""
        file = self._folder.data / "postmaster.pid"
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if self._stopping.is_set():
                return True
            with contextlib.suppress(OSError):
                lines = file.read_text().splitlines()
                if len(lines) >= 8 and lines[7].strip() == "ready" and _identity(file) != self._stale:
                    return True
            self._stopping.wait(0.01)
        if process.poll() is None:
            process.kill()
            process.wait()
        return False

    def _ask_to_stop(self, process: subprocess.Popen[bytes]) -> None:
        """Ask for a fast shutdown: by a signal, or by closing what the watchdog reads."""
        if process.stdin is not None:
            process.stdin.close()
        else:
            process.send_signal(signal.SIGINT)

    def _open_log(self) -> IO[bytes]:
        """The server's log, whose predecessor is kept when it grows large."""
        file = self._folder.log
        if file.exists() and file.stat().st_size > LOG_BYTES:
            file.replace(file.with_suffix(".log.1"))
        return file.open("ab")

    def _last_words(self) -> str:
        """The end of the server's log, for a person."""
        words = self._folder.log.read_bytes()[-1500:].decode(errors="replace").strip()
        return f"Postgres did not start on {self._folder.path}. The end of {self._folder.log}:\n{words}"


def _free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _first_line(file: Path) -> str:
    with file.open() as opened:
        return opened.readline().strip()


def _identity(file: Path) -> list[str]:
    """Which server wrote a postmaster.pid: its process id, folder and start time; empty when there is none."""
    try:
        return file.read_text().splitlines()[:3]
    except OSError:
        return []
