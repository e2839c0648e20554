"""The two generators of load, on one core each: pgbench for the reference, wrk for ours."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
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


def pgbench(url: str, script: str, clients: int, seconds: float, variables: dict[str, int]) -> Measured:
    """Run *script* as prepared statements over *clients* connections."""
    address = urlsplit(url)
    environment = clean_environment() | {"PGPASSWORD": address.password or ""}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "transaction.sql"
        path.write_text(script)
        command = [
            str(tool("pgbench")), "-h", address.hostname or "", "-p", str(address.port), "-U", address.username or "",
            "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(round(seconds)), "-l",
            "--log-prefix", str(Path(folder) / "log"), "-f", str(path),
        ]  # fmt: skip
        for name, value in variables.items():
            command += ["-D", f"{name}={value}"]
        done = subprocess.run(
            [*command, address.path[1:]], env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        rate = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode != 0 or rate is None:
            raise RuntimeError(f"pgbench failed: {done.stderr.strip()[:400]}")
        took = sorted(
            int(line.split()[2]) for log in Path(folder).glob("log*") for line in log.read_text().splitlines()
        )
    return Measured(float(rate[1]), took[len(took) // 2] / 1000, took[int(len(took) * 0.99)] / 1000)


def wrk(base: str, script: Path, connections: int, seconds: float, variables: dict[str, int]) -> Measured:
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
