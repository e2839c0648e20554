"""An awaited panel to pick one of many: a search field, the rows that match, arrow keys and Enter; Esc is no answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.qt.dialogs import Overlay
from desktop.qt.i18n import tr
from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.chip import KeyCap
from desktop.widgets.painting import draw_text
from desktop.widgets.row_list import RowList, RowPainter
from desktop.widgets.search_field import SearchField
from desktop.widgets.surface import Card
from desktop.widgets.text import BODY, SMALL, TITLE, TextBlock

Find = Callable[[str], Sequence[object]]
"""The rows for what the field holds, best first; all of them for an empty field."""

WhyNot = Callable[[object], str]
"""Why a row can't be taken, in words; empty when it can."""

_STEPS = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 6, Qt.Key.Key_PageUp: -6}


def always_possible(row: object) -> str:
    """Every row can be taken."""
    return ""


class PickPanel(Overlay[object]):
    """`closed()` gives the row that was taken, or None. A row that can't be taken says why instead."""

    def __init__(
        self,
        theme: Theme,
        window: QWidget,
        title: str,
        hint: str,
        row_painter: RowPainter,
        find: Find,
        why_not: WhyNot = always_possible,
        nothing: str = "",
        width: int = 680,
    ) -> None:
        """Open the panel over `window`. `title` says what is picked, `hint` what the field finds by."""
        self._find = find
        self._why_not = why_not
        self.field = SearchField(theme, title, hint, "list")
        self.list = RowList(theme, row_painter, title)
        self.said = TextBlock(theme, BODY, "late.text")
        self._nothing = TextBlock(theme, BODY, "text.secondary", nothing or tr("Nothing matches."))
        panel = Card(theme)
        panel.setAccessibleName(title)
        column = QVBoxLayout(panel)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(TextBlock(theme, TITLE, text=title))
        column.addWidget(self.field)
        column.addWidget(self.list)
        column.addWidget(self._nothing)
        column.addWidget(self.said)
        column.addLayout(_keys(theme))
        super().__init__(theme, window, panel, width, top=True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.said.hide()
        self.field.text_edited.connect(self.narrow)
        self.field.submitted.connect(lambda: self.take(self.list.currentIndex().row()))
        self.field.edit.installEventFilter(self)
        self.list.taken.connect(self.take)
        self.narrow("")
        self.field.setFocus()

    def narrow(self, text: str) -> None:
        """Show the rows for `text`; the first that can be taken is the selected one."""
        found = list(self._find(text))
        first = next((at for at, row in enumerate(found) if not self._why_not(row)), 0)
        self.list.set_rows(found, first)
        self.list.setVisible(bool(found))
        self._nothing.setVisible(not found)
        self.said.hide()
        self._fit()

    def refresh(self) -> None:
        """Find again what the field holds, since the rows have changed; the selection stays on its place."""
        if not self.open:
            return
        found = list(self._find(self.field.edit.text()))
        self.list.set_rows(found, min(self.list.currentIndex().row(), len(found) - 1))
        self.list.setVisible(bool(found))
        self._nothing.setVisible(not found)
        self._fit()

    def take(self, row: int) -> None:
        """Answer with the row at `row`, or say why it can't be taken."""
        rows = self.list.rows()
        if not 0 <= row < len(rows):
            return
        why = self._why_not(rows[row])
        if not why:
            self.finish(rows[row])
            return
        self.said.set_text(why)
        self.said.setVisible(True)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows and pages in the field move the selection."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = _STEPS.get(Qt.Key(event.key()))
            if step is not None and self.list.rows():
                row = min(len(self.list.rows()) - 1, max(0, self.list.currentIndex().row() + step))
                self.list.set_rows(self.list.rows(), row)
                return True
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        """Let the list take the room that the window has, at most what its rows need."""
        parent = self.parentWidget()
        around = self.theme.control_px(64) + self.theme.text_px(150) + 130
        free = (parent.height() if parent is not None else 600) - around
        most = max(2 * self.list.row_height(), free)
        self.list.setFixedHeight(min(self.list.content_height(), most))


def _keys(theme: Theme) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for key, words in (("↑ ↓", tr("choose")), (tr("Enter"), tr("take it")), (tr("Esc"), tr("back"))):
        row.addWidget(KeyCap(theme, key))
        row.addWidget(TextBlock(theme, SMALL, "text.secondary", words, elide=True))
        row.addSpacing(8)
    row.addStretch(1)
    return row


class ChoicePainter(RowPainter):
    """A row of words with quiet details at its right, and an icon before it. `read` gives (icon, words, details)."""

    def __init__(self, theme: Theme, read: Callable[[object], tuple[str, str, str]]) -> None:
        """Paint rows as `read` says."""
        super().__init__(theme)
        self._read = read

    def height(self) -> int:
        """44 px at the default text scale."""
        return self.theme.control_px(44)

    def spoken(self, row: object) -> str:
        """Words and details."""
        _icon, words, details = self._read(row)
        return ", ".join(part for part in (words, details) if part)

    def paint(self, painter: QPainter, box: QRectF, row: object, selected: bool) -> None:
        """Paint one choice."""
        theme = self.theme
        icon, words, details = self._read(row)
        side = theme.text_px(18)
        mark = QRectF(box.left(), box.center().y() - side / 2, side, side)
        draw_icon(painter, mark, icon, theme.color("accent" if selected else "text.secondary"))
        quiet = theme.font(13)
        width = QFontMetricsF(quiet).horizontalAdvance(details)
        draw_text(painter, box, details, quiet, theme.color("text.secondary"), Qt.AlignmentFlag.AlignRight)
        left = mark.right() + 12
        line = QRectF(left, box.top(), box.right() - width - 12 - left, box.height())
        draw_text(painter, line, words, theme.font(14, 600), theme.color("text.primary"))
