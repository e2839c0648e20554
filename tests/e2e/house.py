"""The centre of a run: Postgres, the API in processes of its own, and the people who ask it things by HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from resources import demo_day
from server_sync.embedded import EmbeddedPostgres
from server_sync.embedded.binaries import clean_environment, tool


@dataclass(slots=True)
class House:
    """A running authority. ``port`` is the API's."""

    url: str
    port: int
    token: str
    process: subprocess.Popen[bytes]
    programme: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request as the organiser; raises RuntimeError with the server's words if it says no."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            | ({"programme": self.programme} if self.programme else {}),
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def sql(self, query: str) -> list[dict[str, Any]]:
        """The rows of *query*, by psql."""
        done = subprocess.run(
            [*self.psql(), "-Atc", f"SELECT coalesce(json_agg(x), '[]') FROM ({query}) x"],
            capture_output=True, text=True, check=True, env=self.psql_environment(),
        )  # fmt: skip
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    def psql(self) -> list[str]:
        """The command line that reaches the database."""
        address = urlsplit(self.url)
        return [
            str(tool("psql")), "-X", "-q", "-h", address.hostname or "", "-p", str(address.port), "-U",
            address.username or "", "-d", address.path[1:],
        ]  # fmt: skip

    def psql_environment(self) -> dict[str, str]:
        """Its environment, with the password."""
        return clean_environment() | {"PGPASSWORD": urlsplit(self.url).password or ""}

    def invite(self, name: str, ceiling: str = "admin") -> str:
        """A one-time code for a desk."""
        code: str = self.ask("POST", "/v1/devices/invite", {"name": name, "ceiling": ceiling})["code"]
        return code

    def command_line(self, *arguments: str) -> None:
        """Run ``callboard-server`` with *arguments* on this database; raises CalledProcessError."""
        subprocess.run(
            [sys.executable, "-m", "server_sync.cli", *arguments],
            env=self.environment,
            check=True,
            stdin=subprocess.DEVNULL,
        )


def load_demo_day(house: House, on: date) -> None:
    """The demo day as the programme of *house*, placed on a day, with the rooms that run late."""
    facts = demo_day.day()
    house.programme = ""
    programme = {"name": facts.name, "timeZone": facts.time_zone, "startsOn": on.isoformat(), "endsOn": on.isoformat()}
    house.programme = house.ask("POST", "/v1/programmes", programme)["id"]
    files = [str(demo_day.FOLDER / name) for name in demo_day.FILES]
    house.command_line("import", "--programme", house.programme, "--date", on.isoformat(), *files)
    found = house.sql(f"SELECT id, name FROM locations WHERE programme_id = '{house.programme}'")
    rooms = {row["name"]: row["id"] for row in found}
    for room, minutes in facts.delays.items():
        house.ask("POST", f"/v1/locations/{rooms[room]}/delay", {"day": on.isoformat(), "delayMinutes": minutes})


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(folder: Path, workers: int = 2, settings: dict[str, str] | None = None) -> Iterator[House]:
    """A fresh authority in *folder*, migrated, with its API answering; gone at the end."""
    with EmbeddedPostgres(folder / "postgres", settings=settings) as postgres:
        port, token = free_port(), secrets.token_urlsafe(24)
        environment = os.environ | {"DATABASE_URL": postgres.dsn, "CALLBOARD_ROOT_TOKEN": token}
        process = subprocess.Popen(
            [sys.executable, "-m", "server_sync.cli", "serve", "--port", str(port), "--workers", str(workers)],
            env=environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        house = House(postgres.dsn, port, token, process, environment=dict(environment))
        try:
            _wait(house)
            yield house
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(house: House) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if house.process.poll() is not None:
            raise RuntimeError(f"the API stopped with {house.process.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{house.port}/healthz", timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError("the API did not answer within a minute")
