"""What an import did, small enough for an answer: counts a table, what the file no longer names, the first problems."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Final

import msgspec

from server_sync.protocol.imports import Place, Problem, Severity
from server_sync.protocol.records import Record
from server_sync.rules.state import Changes

MOST_PROBLEMS: Final = 100
MOST_NAMED: Final = 10


class TableCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Of one table: rows added, changed and found as the file says; problems met while applying the file to it."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    notes: int = 0
    doubtful: int = 0
    refused: int = 0


class Report:
    """Collects what an import does; ``problems`` keeps the first hundred, the counts count all."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._absent: dict[str, list[str]] = {}
        self.problems: list[Problem] = []

    def wrote(self, before: Record | None, after: Record) -> None:
        """Count one row that the file speaks of."""
        step = "added" if before is None else "changed" if after != before else "unchanged"
        self._counts[after.TABLE][step] += 1

    def say(
        self, record: type[Record], severity: Severity, code: str, place: Place, subject: str, reason: str, advice: str
    ) -> None:
        """Note something that a person should know about a row of *record*."""
        self._counts[record.TABLE]["notes" if severity == "note" else severity] += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(
                Problem(severity=severity, code=code, place=place, subject=subject[:120], reason=reason, advice=advice)
            )

    def absent(self, record: type[Record], names: list[str]) -> None:
        """Rows that an earlier import may have brought, and that this file does not name. They stay."""
        if names:
            self._absent[record.TABLE] = names

    def answer(self) -> dict[str, Any]:
        """The answer of the command, as JSON."""
        tables = {table: dict(counts) for table, counts in sorted(self._counts.items())}
        return {
            "changed": sum(counts["added"] + counts["changed"] for counts in self._counts.values()),
            "tables": tables,
            "not_in_file": {
                table: {"count": len(names), "first": names[:MOST_NAMED]} for table, names in self._absent.items()
            },
            "problems": [msgspec.to_builtins(problem) | {"place": str(problem.place)} for problem in self.problems],
            "problem_counts": {
                severity: sum(counts[severity] for counts in self._counts.values())
                for severity in ("notes", "doubtful", "refused")
            },
        }


def preview(changes: Changes) -> dict[str, TableCounts]:
    """What an import did, or would do, by table: for a summary of a dry run as of a real one."""
    return msgspec.convert(changes.answer["tables"], dict[str, TableCounts])
