"""What is printed, worded already, before it is laid out: sections of rows, and how fresh they are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from desktop.screens.paper.measure import INCH, MM


class Kind(StrEnum):
    """Which list."""

    ROOMS = "rooms"
    PEOPLE = "people"


class Size(StrEnum):
    """The sheet of paper."""

    A4 = "A4"
    LETTER = "Letter"


SHEETS = {Size.A4: (210 * MM, 297 * MM), Size.LETTER: (8.5 * INCH, 11 * INCH)}
"""Width and height of each sheet in points."""


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One line of a list: a box to tick (None: no box, True: ticked already), and cells by column.

    ``small`` goes under the main cell: school, members. ``code`` is what a printed code says, "" for none.
    ``quiet`` rows are grey: free, blocked, cancelled. ``blank`` leaves a line to write a name on.
    """

    cells: tuple[str, ...]
    ticked: bool | None = False
    small: str = ""
    code: str = ""
    quiet: bool = False
    blank: bool = False


@dataclass(frozen=True, slots=True)
class PaperSection:
    """A room with its rows, or a letter of the alphabet with its people."""

    title: str
    note: str
    rows: tuple[PaperRow, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, its share of the width, and whether its words are bold or of one figure width."""

    head: str
    share: float
    bold: bool = False


@dataclass(frozen=True, slots=True)
class PaperDocument:
    """A whole list. ``main`` is the column under which ``small`` stands; ``facts`` are the words about freshness."""

    kind: Kind
    programme: str
    title: str
    facts: tuple[str, ...]
    foot: str
    columns: tuple[Column, ...]
    main: int
    sections: tuple[PaperSection, ...]
    empty: str = ""
