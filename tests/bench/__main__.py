"""Runs the benchmarks that are named, or all but the long ones: ``dev.py bench [NAME…] [--json FILE] [--seconds N]``.

A benchmark is a module of this package with ``run(seconds) -> list[Row]``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
from pathlib import Path
from typing import Final

from tests.bench import report

BENCHES: Final = ("reserve", "checkin", "push", "rsvp", "search")
LONG: Final = ("flat",)
"""These take many minutes, and run only if they are named."""


def there(name: str) -> bool:
    """Whether there is such a module."""
    return importlib.util.find_spec(f"tests.bench.{name}") is not None


def load() -> str:
    """How busy the machine is, where it can say so: beside other work, whoever has more processes gets more of it."""
    return f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"


def main() -> int:
    """Exit code 0 if every target holds."""
    known = [name for name in (*BENCHES, *LONG) if there(name)]
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each case runs in each round")
    options = parser.parse_args()
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"there is no benchmark called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    rows: list[report.Row] = []
    before = load()
    for name in options.names or [name for name in known if name not in LONG]:
        rows += importlib.import_module(f"tests.bench.{name}").run(options.seconds)
    print(report.table(rows))
    print(f"{os.cpu_count()} cores; as much else to do for them when this began: {before}")
    if options.json is not None:
        report.write(rows, options.json)
    return 0 if all(row.holds is not False for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
