"""One row a case, printed as a table and written as JSON: the same rows for both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """One measured case: medians over the rounds, and between which values (``low``, ``high``) the rounds lay.

    With a ``reference`` the figure is ``ratio`` (ours to the reference, round by round), else it is ``value``.
    ``holds`` is None where no target was set; ``bound`` says whether the target is the least or the most
    allowed, or the one right value.
    """

    bench: str
    case: str
    value: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    bound: Literal["least", "most", "exact"] = "least"
    target: float | None = None
    holds: bool | None = None


def row(
    bench: str, case: str, value: float, unit: str, *, reference: float | None = None, target: float | None = None
) -> Row:
    """A row of one measurement whose target, if any, is the least ratio."""
    return compared(bench, case, [value], unit, [] if reference is None else [reference], target=target)


def compared(
    bench: str, case: str, ours: Sequence[float], unit: str, reference: Sequence[float], *, target: float | None = None
) -> Row:
    """A row whose target, if any, is the least ratio of *ours* to the *reference* measured in the same round.

    What disturbs a round disturbs both, so the median of the ratios says more than the ratio of the medians.
    """
    if not reference:
        return Row(bench, case, median(ours), unit, low=min(ours), high=max(ours))
    ratios = [mine / theirs for mine, theirs in zip(ours, reference, strict=True)]
    ratio = median(ratios)
    return Row(
        bench, case, median(ours), unit, median(reference), ratio, min(ratios), max(ratios),
        target=target, holds=None if target is None else ratio >= target,
    )  # fmt: skip


def within(bench: str, case: str, value: float | Sequence[float], unit: str, most: float) -> Row:
    """A row whose target is the largest value allowed, for the median of the rounds."""
    values = [value] if isinstance(value, (int, float)) else value
    middle = median(values)
    return Row(
        bench, case, middle, unit, low=min(values), high=max(values), bound="most", target=most, holds=middle <= most
    )


def steady(bench: str, case: str, before: Sequence[float], after: Sequence[float], most: float) -> Row:
    """A row about a ratio that should stay what it was: by which part it changed, at most *most*, round by round."""
    changes = [now / then - 1 for now, then in zip(after, before, strict=True)]
    middle = median(changes)
    return Row(
        bench, case, middle, "change", low=min(changes), high=max(changes), bound="most", target=most,
        holds=abs(middle) <= most,
    )  # fmt: skip


def exactly(bench: str, case: str, value: float, unit: str, wanted: float) -> Row:
    """A row about a count that must be right: it holds if *value* is what is *wanted*."""
    return Row(bench, case, value, unit, bound="exact", target=wanted, holds=value == wanted)


HEAD = ("bench", "case", "value", "unit", "reference", "ratio", "spread", "target", "verdict")


def table(rows: Sequence[Row]) -> str:
    """The rows as text, in columns."""
    lines = [HEAD, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(entry: Row) -> tuple[str, ...]:
    spread = "" if entry.low is None or entry.low == entry.high else f"{_number(entry.low)}–{_number(entry.high)}"
    sign = {"least": "≥", "most": "≤", "exact": "="}[entry.bound]
    target = "" if entry.target is None else f"{sign} {_number(entry.target)}"
    verdict = {None: "", True: "holds", False: "FAILS"}[entry.holds]
    figures = (_number(entry.reference), _number(entry.ratio), spread, target, verdict)
    return (entry.bench, entry.case, _number(entry.value), entry.unit, *figures)


def write(rows: Sequence[Row], path: Path) -> None:
    """The rows as a JSON list."""
    path.write_text(json.dumps([asdict(entry) for entry in rows], indent=1) + "\n")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
