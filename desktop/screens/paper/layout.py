"""From rows to pages: what stands where, in points from the sheet's top left. Free of Qt, and tested as numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from desktop.screens.paper.measure import MM, Measure
from desktop.screens.paper.records import PaperDocument, PaperRow, PaperSection

MARGIN = 14 * MM
_TITLE, _SECTION, _BODY, _SMALL = 15.0, 12.0, 9.5, 7.5
_LEADING = 1.32
_TICK = 9.5
_TICK_COLUMN = 18.0
_CODE = 13 * MM
_GAP = 9.0
_PAD = 3.2
_HEAD = 40.0
_FOOT = 18.0


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text, its top left (or top right) at x, y. ``tone`` is "ink" or "quiet"."""

    x: float
    y: float
    text: str
    size: float
    bold: bool = False
    right: bool = False
    tone: str = "ink"


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal line, ``weight`` points thick."""

    x: float
    y: float
    width: float
    weight: float = 0.4


@dataclass(frozen=True, slots=True)
class Tick:
    """A box to tick."""

    x: float
    y: float
    side: float
    ticked: bool


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code of ``text``."""

    x: float
    y: float
    side: float
    text: str


Item = Text | Rule | Tick | Code


@dataclass(slots=True)
class Page:
    """One sheet: its items, and which rows of which section it holds (for whoever checks)."""

    items: list[Item] = field(default_factory=list)
    rows: list[PaperRow] = field(default_factory=list)


def lay_out(document: PaperDocument, width: float, height: float, measure: Measure, codes: bool = False) -> list[Page]:
    """Lay *document* out on sheets of *width* × *height* points; at least one page. Page numbers are on each."""
    pages = _Pages(document, width, height, measure, codes)
    if not document.sections:
        pages.say(document.empty)
    for section in document.sections:
        pages.add_section(section)
    return pages.finish()


@dataclass(frozen=True, slots=True)
class _SetRow:
    """A row broken into lines: by cell, the small ones, and the height of all."""

    row: PaperRow
    cells: list[list[str]]
    small: list[str]
    height: float


class _Pages:
    """The pages while they fill up."""

    def __init__(self, document: PaperDocument, width: float, height: float, measure: Measure, codes: bool) -> None:
        self._document = document
        self._width, self._height = width, height
        self._measure = measure
        self._codes = codes and any(row.code for section in document.sections for row in section.rows)
        self._left, self._right = MARGIN, width - MARGIN
        self._bottom = height - MARGIN - _FOOT
        self._pages: list[Page] = []
        self._y = 0.0
        self._turn()

    # ---- filling

    def add_section(self, section: PaperSection) -> None:
        """Add one section; its title comes again on each page that goes on with it."""
        rows = [self._set(row) for row in section.rows]
        first = rows[0].height if rows else 0.0
        if self._y + self._title_height() + first > self._bottom and self._page.rows:
            self._turn()
        self._title(section, again=False)
        for row in rows:
            if self._y + row.height > self._bottom and self._page.rows:
                self._turn()
                self._title(section, again=True)
            self._put(row)
        self._y += 10.0

    def say(self, words: str) -> None:
        """A sentence instead of rows."""
        self._page.items.append(Text(self._left, self._y + 12, words, _BODY, tone="quiet"))

    def finish(self) -> list[Page]:
        """Number the pages and return them."""
        for at, page in enumerate(self._pages, 1):
            y = self._height - MARGIN - _SMALL * _LEADING
            page.items.append(Rule(self._left, y - 5, self._right - self._left))
            page.items.append(Text(self._left, y, self._document.foot, _SMALL, tone="quiet"))
            page.items.append(Text(self._right, y, f"{at} / {len(self._pages)}", _SMALL, True, right=True))
        return self._pages

    # ---- parts

    @property
    def _page(self) -> Page:
        return self._pages[-1]

    def _turn(self) -> None:
        """A new page with its head."""
        document, page = self._document, Page()
        self._pages.append(page)
        page.items.append(Text(self._left, MARGIN, document.programme, _TITLE, True))
        page.items.append(Text(self._left, MARGIN + _TITLE * _LEADING, document.title, _BODY))
        y = MARGIN + 2
        for fact in document.facts:
            page.items.append(Text(self._right, y, fact, _SMALL, right=True, tone="quiet"))
            y += _SMALL * _LEADING
        self._y = MARGIN + _HEAD
        page.items.append(Rule(self._left, self._y, self._right - self._left, 1.0))
        self._y += 6

    def _title_height(self) -> float:
        return _SECTION * _LEADING + _SMALL * _LEADING + 10

    def _title(self, section: PaperSection, again: bool) -> None:
        """The section's title and the heads of the columns."""
        title = f"{section.title} …" if again else section.title
        self._page.items.append(Text(self._left, self._y, title, _SECTION, True))
        self._page.items.append(Text(self._right, self._y + 3, section.note, _SMALL, right=True, tone="quiet"))
        self._y += _SECTION * _LEADING + 2
        for column, (x, _width) in zip(self._document.columns, self._columns(), strict=True):
            self._page.items.append(Text(x, self._y, column.head, _SMALL, tone="quiet"))
        self._y += _SMALL * _LEADING + 2
        self._page.items.append(Rule(self._left, self._y, self._right - self._left, 0.8))

    def _columns(self) -> list[tuple[float, float]]:
        """x and width of each column, after that of the boxes and before that of the codes."""
        columns = self._document.columns
        room = self._right - self._left - _TICK_COLUMN - (_CODE + _GAP if self._codes else 0)
        room -= _GAP * (len(columns) - 1)
        whole = sum(column.share for column in columns)
        found, x = [], self._left + _TICK_COLUMN
        for column in columns:
            width = room * column.share / whole
            found.append((x, width))
            x += width + _GAP
        return found

    def _set(self, row: PaperRow) -> _SetRow:
        """The lines and the height of a row."""
        places = zip(row.cells, self._document.columns, self._columns(), strict=True)
        cells = [self._measure.lines(text, _BODY, column.bold, width) for text, column, (_x, width) in places]
        small: list[str] = []
        if row.small:
            small = self._measure.lines(row.small, _SMALL, False, self._columns()[self._document.main][1])
        heights = [len(lines) * _BODY * _LEADING for lines in cells]
        heights[self._document.main] += len(small) * _SMALL * _LEADING
        least = max(_TICK, _CODE if self._codes and row.code else 0.0, 20.0 if row.blank else 0.0)
        return _SetRow(row, cells, small, max(*heights, least) + 2 * _PAD)

    def _put(self, placed: _SetRow) -> None:
        """One row with its box, cells and code, and the line below it."""
        row, items, top = placed.row, self._page.items, self._y + _PAD
        tone = "quiet" if row.quiet else "ink"
        if row.ticked is not None:
            items.append(Tick(self._left + 1, top + 1, _TICK, row.ticked))
        for at, (lines, (x, width)) in enumerate(zip(placed.cells, self._columns(), strict=True)):
            y = top
            for line in lines:
                items.append(Text(x, y, line, _BODY, self._document.columns[at].bold and not row.quiet, tone=tone))
                y += _BODY * _LEADING
            if at == self._document.main:
                if row.blank:
                    start = min(width * 0.5, 60.0)
                    items.append(Rule(x + start, top + 15, width - start, 0.4))
                for line in placed.small:
                    items.append(Text(x, y, line, _SMALL, tone="quiet"))
                    y += _SMALL * _LEADING
        if self._codes and row.code:
            items.append(Code(self._right - _CODE, top, _CODE, row.code))
        self._y += placed.height
        items.append(Rule(self._left, self._y, self._right - self._left))
        self._page.rows.append(row)
