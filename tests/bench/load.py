"""The two generators of load that wait for each answer: pgbench for the reference, wrk for ours."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from server_sync.embedded.binaries import clean_environment, tool


@dataclass(frozen=True, slots=True)
class Measured:
    """Requests or transactions a second, and latencies in milliseconds. ``refused`` counts answers that are not 2xx."""

    per_second: float
    p50: float
    p99: float
    refused: int = 0
    broken: int = 0


LEAD: Final = 2
"""Seconds that pgbench runs before it counts: its sessions are new, and first read catalogues and make plans."""


def pgbench(url: str, script: str, clients: int, seconds: float, variables: dict[str, int]) -> Measured:
    """Run *script* as prepared statements over *clients* connections."""
    address = urlsplit(url)
    environment = clean_environment() | {"PGPASSWORD": address.password or ""}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "transaction.sql"
        path.write_text(script)
        command = [
            str(tool("pgbench")), "-h", address.hostname or "", "-p", str(address.port), "-U", address.username or "",
            "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(LEAD + round(seconds)), "-l",
            "--log-prefix", str(Path(folder) / "log"), "-f", str(path),
        ]  # fmt: skip
        for name, value in variables.items():
            command += ["-D", f"{name}={value}"]
        done = subprocess.run(
            [*command, address.path[1:]], env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"pgbench failed: {done.stderr.strip()[:400]}")
        log = [line for file in Path(folder).glob("log*") for line in file.read_text().splitlines()]
    return counted(log, round(seconds))


def counted(log: Sequence[str], seconds: int) -> Measured:
    """What pgbench's log says of its last *seconds*; RuntimeError if nothing was done in them."""
    ended = []
    for line in log:
        _, _, took, _, second, microsecond = line.split()[:6]
        ended.append((int(second) + int(microsecond) / 1e6, int(took)))
    last = max(ended, default=(0.0, 0))[0]
    took_us = sorted(took for at, took in ended if at > last - seconds)
    if not took_us:
        raise RuntimeError("pgbench did nothing at all")
    return Measured(len(took_us) / seconds, took_us[len(took_us) // 2] / 1000, took_us[int(len(took_us) * 0.99)] / 1000)


def wrk(base: str, script: Path, connections: int, seconds: float, variables: dict[str, int | str]) -> Measured:
    """Run wrk with one thread; *script* builds the requests from *variables* in the environment."""
    if shutil.which("wrk") is None:
        raise RuntimeError("wrk is not installed: apt-get install wrk")
    environment = os.environ | {name.upper(): str(value) for name, value in variables.items()}
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--timeout", "10s", "-s", str(script), base],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"RESULT (\S+) (\S+) (\S+) (\d+) (\d+)", done.stdout)
    if found is None:
        raise RuntimeError(f"wrk failed: {done.stdout[-500:]} {done.stderr[-500:]}")
    rate, p50, p99, refused, broken = found.groups()
    return Measured(float(rate), float(p50), float(p99), int(refused), int(broken))
