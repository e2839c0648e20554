"""Units of paper, and what a layout asks of whoever knows the fonts."""

from __future__ import annotations

from typing import Protocol

INCH = 72.0
"""Points in an inch; all lengths of a layout are points."""

MM = INCH / 25.4


class Measure(Protocol):
    """Breaks text into lines."""

    def lines(self, text: str, size: float, bold: bool, width: float) -> list[str]:
        """*text* set at *size* points as lines no wider than *width* points; one empty line for an empty text."""
