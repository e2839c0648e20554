"""Runs the benchmarks that are named, or all: ``python -m tests.bench [NAME…] [--json FILE] [--seconds N]``."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Final

from tests.bench import report

BENCHES: Final = ("reserve",)


def main() -> int:
    """Exit code 0 if every target holds."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all if none is named")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each case runs")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHES)
    if unknown:
        parser.error(f"there is no benchmark called {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    rows: list[report.Row] = []
    for name in options.names or BENCHES:
        rows += importlib.import_module(f"tests.bench.{name}").run(options.seconds)
    print(report.table(rows))
    if options.json is not None:
        report.write(rows, options.json)
    return 0 if all(row.holds is not False for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
