"""Which requirements are proven: ``python3 dev.py requirements [ROUND] [--disable] [PATH…]``.

The requirements are the rows of ``tests/scenarios/requirements.md``. A row is proven by tests that bear its id and
pass; with ``--disable`` also by their failing, each time that something named by their marker is turned off (see
``tests/scenarios/conftest.py``): by what they assert, while the server does not break, and for a row of ``core`` not
for want of whole commands or faces alone. A test that was skipped leaves its row open, and the state says so. With
paths only those tests run, and only the rows that they bear are shown.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
SCENARIOS: Final = ROOT / "tests" / "scenarios"
ROUNDS: Final = ("core", "serve", "desk", "sync", "surge", "ship", "no")

ELSEWHERE: Final = {"C16": "by the run on a fresh machine"}
"""Rows that no test can prove from within, and what does."""

PROOF: Final = frozenset({"AssertionError", "Failed", "TimeoutError"})
"""What a test that noticed raises: what it asserts does not hold, nothing was raised where something must be, or what
it gave some seconds never came. Anything else, a KeyError say, is something that broke on the way."""

WHOLE: Final = ("command:", "face:")
"""What may be off without showing more than that the test uses it."""

_ROW: Final = re.compile(r"^\| ([A-Z]\d\d) \| (.*) \| (\w+)(?: — [^|]*)? \|$")
_TEST: Final = re.compile(r"::test_((?:[A-Z]\d\d_)+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement."""

    id: str
    words: str
    round: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test ended; ``off`` is what was turned off, ``phase`` where it went wrong, ``raised`` the exception.

    ``broken`` is what the server logged as an error, of what the test does not provoke itself.
    """

    test: str
    outcome: str
    off: str | None = None
    phase: str = ""
    raised: str = ""
    why: str = ""
    broken: str = ""

    @property
    def name(self) -> str:
        """The test without its folder and parameters."""
        return self.test.partition("[")[0].rpartition("/")[2]

    @property
    def ids(self) -> list[str]:
        """The requirements that it bears."""
        found = _TEST.search(self.test)
        return found.group(1).rstrip("_").split("_") if found else []

    @property
    def noticed(self) -> bool:
        """Whether the test itself failed by what it asserts, and not what is round it or beneath it."""
        return self.outcome == "failed" and self.phase == "call" and self.raised in PROOF and not self.broken

    @property
    def unnoticed(self) -> str:
        """What happened instead."""
        if self.outcome == "passed":
            return "passes"
        return f"the server broke: {self.broken}" if self.broken else f"{self.outcome} in {self.phase}: {self.why}"


@dataclass(slots=True)
class Verdict:
    """What is known of one row."""

    row: Row
    state: str
    good: bool
    tests: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_rows(text: str) -> list[Row]:
    """The rows of the tables in *text*, in order. Raises ValueError for one that is broken or repeated."""
    rows: dict[str, Row] = {}
    for line in text.splitlines():
        if not line.startswith("|") or line.startswith(("| id |", "|---")):
            continue
        found = _ROW.match(line)
        if found is None or found.group(3) not in ROUNDS:
            raise ValueError(f"this is no row of requirements: {line}")
        row = Row(*found.groups())
        if row.id in rows:
            raise ValueError(f"{row.id} is there twice")
        rows[row.id] = row
    return list(rows.values())


# ---------------------------------------------------------------- judging


def judge(
    rows: Iterable[Row], wanted: str, ordinary: Sequence[Outcome], off: Sequence[Outcome] | None = None
) -> list[Verdict]:
    """A verdict for each row; those of other rounds than *wanted* are asked for nothing. *off* is None if not run."""
    return [_judge(row, row.round == wanted, ordinary, off) for row in rows]


def _judge(row: Row, wanted: bool, ordinary: Sequence[Outcome], off: Sequence[Outcome] | None) -> Verdict:
    tests = [outcome for outcome in ordinary if row.id in outcome.ids]
    names = list(dict.fromkeys(outcome.name for outcome in tests))
    if not tests:
        if row.id in ELSEWHERE:
            return Verdict(row, ELSEWHERE[row.id], True)
        if row.round == "no":
            return Verdict(row, "no", True)
        return Verdict(row, "no test", False) if wanted else Verdict(row, "other round", True)
    wrong = [outcome for outcome in tests if outcome.outcome != "passed"]
    if wrong:
        notes = [f"{outcome.name}: {outcome.outcome} in {outcome.phase}: {outcome.why}" for outcome in wrong]
        failed = any(outcome.outcome != "skipped" for outcome in wrong)
        return Verdict(row, "failed" if failed else "skipped in part", not wanted, names, notes)
    if off is None:
        return Verdict(row, "passes", True, names)
    return _judge_off(row, wanted, names, [outcome for outcome in off if row.id in outcome.ids])


def _judge_off(row: Row, wanted: bool, names: list[str], off: Sequence[Outcome]) -> Verdict:
    """A row whose tests pass: do they fail without what they are about?"""
    runs = [outcome for outcome in off if outcome.off is not None]
    blind = [outcome for outcome in runs if not outcome.noticed]
    idle = [name for name in names if all(outcome.name != name for outcome in runs)]
    notes = [f"without {run.off}: {run.why}" for run in runs if run.noticed]
    if idle:
        return Verdict(row, "nothing turned off", not wanted, names, [f"no marker: {name}" for name in idle])
    if blind:
        notes = [f"without {run.off}: {run.unnoticed}" for run in blind]
        return Verdict(row, "not seen to fail", not wanted, names, notes)
    things = [thing for run in runs if run.off for thing in run.off.split(" + ")]
    if row.round == "core" and all(thing.startswith(WHOLE) for thing in things):
        return Verdict(row, "only whole things off", not wanted, names, notes)
    return Verdict(row, "proven", True, names, notes)


# ---------------------------------------------------------------- running


def run(paths: Sequence[str], workers: int, disable: bool, folder: Path) -> list[Outcome]:
    """Run the scenarios once and read how they ended. Stops the tool if pytest could not run them at all."""
    written = folder / ("off.jsonl" if disable else "on.jsonl")
    env = dict(os.environ, CALLBOARD_TEST_OUTCOMES=str(written), CALLBOARD_TEST_DISABLE="1" if disable else "0")
    argv = [sys.executable, "-m", "pytest", "-p", "tests.scenarios.outcomes", "-p", "no:cacheprovider", *paths]
    argv += ["--tb=no", "-q", "-r", "N"]
    if workers > 1 and importlib.util.find_spec("xdist") is not None:
        argv += ["-n", str(workers)]
    print("with things turned off:" if disable else "as they are:", flush=True)
    done = subprocess.run(argv, cwd=ROOT, env=env)
    if done.returncode not in (0, 1, 5) or not written.exists():
        sys.exit(f"pytest could not run the scenarios (exit code {done.returncode}); run it by itself to see why:\n"
                 f"  python3 dev.py test {' '.join(paths)}")  # fmt: skip
    return read_outcomes(written.read_text())


def read_outcomes(text: str) -> list[Outcome]:
    """What the plugin wrote."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    return [Outcome(**line) for line in lines]


# --------------------------------------------------------------- printing


def table(verdicts: Iterable[Verdict]) -> str:
    """Id, state, tests and what was seen, a row each."""
    lines = []
    for verdict in verdicts:
        row, tests = verdict.row, ", ".join(verdict.tests)
        lines.append(f"{row.id}  {row.round:<5}  {verdict.state:<21}  {tests}".rstrip())
        lines += [f"{'':36}{note}" for note in verdict.notes]
    return "\n".join(lines)


def totals(verdicts: Iterable[Verdict]) -> str:
    """How many rows are in which state."""
    counts: dict[str, int] = {}
    for verdict in verdicts:
        counts[verdict.state] = counts.get(verdict.state, 0) + 1
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items(), key=lambda item: -item[1]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if every row that was asked for is proven."""
    parser = argparse.ArgumentParser(prog="dev.py requirements", description=__doc__)
    parser.add_argument("asked", nargs="*", metavar="ROUND or PATH", help=f"a round ({', '.join(ROUNDS)}; core), tests")
    parser.add_argument("--disable", action="store_true", help="run each test with its thing turned off, too")
    parser.add_argument("-n", type=int, default=2, dest="workers", help="how many processes, given pytest-xdist")
    parser.add_argument("--all", action="store_true", help="show the rows of other rounds as well")
    options = parser.parse_intermixed_args(arguments)
    paths = [word for word in options.asked if word not in ROUNDS]
    rounds = [word for word in options.asked if word in ROUNDS]
    if len(rounds) > 1:
        parser.error("one round at a time")
    wanted = rounds[0] if rounds else "core"
    rows = read_rows((SCENARIOS / "requirements.md").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        ordinary = run(paths or ["tests/scenarios"], options.workers, False, Path(folder))
        off = run(paths or ["tests/scenarios"], options.workers, True, Path(folder)) if options.disable else None
    return show(rows, wanted, ordinary, off, only_tested=bool(paths), everything=options.all)


def show(
    rows: Sequence[Row], wanted: str, ordinary: Sequence[Outcome], off: Sequence[Outcome] | None, *,
    only_tested: bool = False, everything: bool = False,
) -> int:  # fmt: skip
    """Print the table and the totals; the exit code."""
    known = {row.id for row in rows}
    strangers = sorted({f"{outcome.name} bears {id}" for outcome in ordinary for id in outcome.ids if id not in known})
    verdicts = judge(rows, wanted, ordinary, off)
    shown = [verdict for verdict in verdicts if everything or verdict.tests or verdict.row.round == wanted]
    if only_tested:
        shown = [verdict for verdict in shown if verdict.tests]
    print(table(shown))
    print(f"{wanted}: {totals(verdict for verdict in shown if verdict.row.round == wanted)}")
    for stranger in strangers:
        print(f"{stranger}, which is no requirement")
    return 0 if shown and not strangers and all(verdict.good for verdict in shown) else 1


if __name__ == "__main__":
    raise SystemExit(main())
