"""A CSV file as rows under known column names, each with its line; what no column knows is kept apart.

Comma, semicolon and tab are told apart by the header; Excel's ``sep=;`` line is honoured. Header names count without
regard to case, blanks and punctuation. A cell is text, whatever it looks like: nothing is ever computed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from server_sync.importers.text import name_of, problem
from server_sync.protocol.imports import Place, Problem

# The library's limit of 128 KB a cell is one for the whole process; a cell may be as long as a file that we accept.
csv.field_size_limit(1 << 30)

_SEPARATOR_LINE = re.compile(r"\s*sep=(.)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One row: the line where it begins, its cells by known column (blank ones left out), and the others by header."""

    line: int
    cells: Mapping[str, str]
    others: Mapping[str, str]

    def get(self, column: str) -> str:
        """The cell of a known column, stripped; empty where there is none."""
        return self.cells.get(column, "")


@dataclass(frozen=True)
class Table:
    """A CSV file's header and rows; `rows` may be walked once. Problems are added to the list given to `open_table`."""

    known: tuple[str, ...]
    unknown: tuple[str, ...]
    rows: Iterator[Row]


def header_of(text: str) -> list[str]:
    """The cells of the first row that is not empty; an empty list where there is none."""
    _, records = _records(text, [], Place(file=""))
    return next((record for _, record in records if any(cell.strip() for cell in record)), [])


def column_name(header: str) -> str:
    """How headers are compared: ``First Name`` is ``first_name``."""
    return re.sub(r"[^\w]+|_+", "_", header.strip().casefold()).strip("_")


def open_table(file: str, text: str, aliases: Mapping[str, str], problems: list[Problem]) -> Table:
    """Open a table whose columns are named by `aliases` (compared name to column). Of two headers that mean the same
    column the first counts, the other is kept under its own name."""
    delimiter, records = _records(text, problems, Place(file=file))
    header: list[str] = []
    for _, record in records:
        if any(cell.strip() for cell in record):
            header = record
            break
    columns: list[tuple[str, bool]] = []
    used: set[str] = set()
    for index, cell in enumerate(header):
        name = aliases.get(column_name(cell), "")
        known = bool(name) and name not in used
        if not known:
            name = name_of(cell) or f"column {index + 1}"
            name = name if name not in used else f"{name} {index + 1}"
        used.add(name)
        columns.append((name, known))
    rows = _rows(file, delimiter, columns, records, problems)
    return Table(
        known=tuple(name for name, known in columns if known),
        unknown=tuple(name for name, known in columns if not known),
        rows=rows,
    )


def _rows(
    file: str,
    delimiter: str,
    columns: list[tuple[str, bool]],
    records: Iterator[tuple[int, list[str]]],
    problems: list[Problem],
) -> Iterator[Row]:
    """The rows under the header. Empty ones are passed over; short ones may have dropped their last blank cells."""
    width = len(columns)
    for line, record in records:
        cells: dict[str, str] = {}
        others: dict[str, str] = {}
        for (name, known), cell in zip(columns, record, strict=False):
            if cell and (value := cell.strip()):
                (cells if known else others)[name] = value
        extra = [cell.strip() for cell in record[width:] if cell.strip()]
        if extra:
            others["more cells"] = delimiter.join(extra)
            reason = f"it has {len(record)} cells under {width} headers; the rest is kept as “more cells”"
            advice = "look for a stray comma or quote in the row"
            place = Place(file=file, line=line)
            problems.append(problem("doubtful", "long_row", place, ", ".join(record)[:80], reason, advice))
        elif len(record) < width and (cells or others):
            reason = f"it has {len(record)} of {width} cells; the missing ones are taken as blank"
            advice = "look for a missing comma or a cut-off line"
            place = Place(file=file, line=line)
            problems.append(problem("doubtful", "short_row", place, ", ".join(record)[:80], reason, advice))
        if cells or others:
            yield Row(line=line, cells=cells, others=others)


def _records(text: str, problems: list[Problem], place: Place) -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """The delimiter, and each record with the line where it begins."""
    lines = list(io.StringIO(text, newline=""))
    skipped = 0
    delimiter = ""
    if lines and (told := _SEPARATOR_LINE.fullmatch(lines[0])) is not None:
        delimiter, skipped = told.group(1), 1
    if not delimiter or delimiter not in ",;\t|":
        head = next((line for line in lines[skipped:] if line.strip()), "")
        bare = re.sub(r'"[^"]*"', "", head)
        delimiter = max(",;\t|", key=bare.count)
    return delimiter, _parse(lines, skipped, delimiter, problems, place)


def _parse(
    lines: list[str], start: int, delimiter: str, problems: list[Problem], place: Place
) -> Iterator[tuple[int, list[str]]]:
    """Parse lines from `start`. A quote that is never closed would swallow the rest of the file: its line is then
    taken without quotes, and reading goes on after it."""
    while start < len(lines):
        reader = csv.reader(lines[start:], delimiter=delimiter)
        read = 0
        again = False
        for record in reader:
            first, read = start + read, reader.line_num
            swallowed = start + read == len(lines) and start + read - first > 1
            if swallowed and "".join(lines[first:]).count('"') % 2:
                reason = "a quote is opened here and never closed; the line was read without quotes"
                advice = "close the quote in this line"
                where = Place(file=place.file, line=first + 1)
                problems.append(problem("doubtful", "open_quote", where, lines[first].strip()[:80], reason, advice))
                yield first + 1, next(csv.reader([lines[first]], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
                start, again = first + 1, True
                break
            yield first + 1, record
        if not again:
            return
