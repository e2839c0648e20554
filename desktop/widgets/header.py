"""The top line of a page: title, what it is about, a figure or a chip, and the programme's clock."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.qt.theme import Theme
from desktop.widgets.chip import StatusChip
from desktop.widgets.records import Span, StatusWord
from desktop.widgets.surface import Surface
from desktop.widgets.text import BODY, CLOCK, TITLE, TextBlock


class PageHeader(Surface):
    """One line, 36 px high: title and subtitle at the left, figures, chip and clock at the right."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        """Make an empty header."""
        super().__init__(theme, None, parent)
        self._title = TextBlock(theme, TITLE, elide=True)
        self._subtitle = TextBlock(theme, BODY, "text.secondary", elide=True)
        self._figures = TextBlock(theme, BODY, "text.secondary", elide=True)
        self._chip = StatusChip(theme)
        self._clock = TextBlock(theme, CLOCK, elide=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self._title)
        row.addWidget(self._subtitle, 1)
        row.addWidget(self._figures)
        row.addWidget(self._chip)
        row.addSpacing(8)
        row.addWidget(self._clock)

    def show_words(self, title: str, subtitle: str, clock: str) -> None:
        """Show the words; the clock is "09:38"."""
        self._title.set_text(title)
        self._subtitle.set_text(subtitle)
        self._clock.set_text(clock)

    def show_figures(self, spans: Sequence[Span]) -> None:
        """Show rich words before the clock: "34 of 212 here"."""
        self._figures.set_spans(spans)
        self._figures.setVisible(bool(spans))

    def show_chip(self, status: StatusWord | None) -> None:
        """Show a chip before the clock, or none."""
        self._chip.set_status(status)
