"""One row a case, printed as a table and written as JSON: the same rows for both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One measured case. ``ratio`` is ``value / reference``; ``holds`` is None where no target was set."""

    bench: str
    case: str
    value: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    target: float | None = None
    holds: bool | None = None


def row(
    bench: str, case: str, value: float, unit: str, *, reference: float | None = None, target: float | None = None
) -> Row:
    """A row whose target, if any, is the least ratio."""
    ratio = None if reference is None else value / reference
    holds = None if target is None or ratio is None else ratio >= target
    return Row(bench, case, value, unit, reference, ratio, target, holds)


def within(bench: str, case: str, value: float, unit: str, most: float) -> Row:
    """A row whose target is the largest value allowed."""
    return Row(bench, case, value, unit, target=most, holds=value <= most)


def table(rows: Sequence[Row]) -> str:
    """The rows as text, in columns."""
    lines = [("bench", "case", "value", "unit", "reference", "ratio", "target", "holds"), *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _cells(entry: Row) -> tuple[str, ...]:
    figures = (entry.reference, entry.ratio, entry.target)
    holds = {None: "", True: "yes", False: "NO"}[entry.holds]
    return (entry.bench, entry.case, _number(entry.value), entry.unit, *map(_number, figures), holds)


def write(rows: Sequence[Row], path: Path) -> None:
    """The rows as a JSON list."""
    path.write_text(json.dumps([asdict(entry) for entry in rows], indent=1) + "\n")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
