"""A labelled line of text to type into."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.qt.theme import Theme
from desktop.widgets.painting import BUTTON_RADIUS, draw_box
from desktop.widgets.search_field import bare_line_edit
from desktop.widgets.text import SMALL_STRONG, TextBlock


class _Frame(QWidget):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.edit = bare_line_edit(theme, 14)
        self.edit.installEventFilter(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 2, 12, 2)
        row.addWidget(self.edit)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(200, self.theme.control_px(44))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focused = self.edit.hasFocus()
        edge = self.theme.color("accent" if focused else "text.secondary")
        draw_box(painter, self.rect(), BUTTON_RADIUS, self.theme.color("surface.raised"), edge, 2.0 if focused else 1.0)
        painter.end()


class InputField(QWidget):
    """A label above a field 44 px high; `hint` shows what such a text looks like."""

    def __init__(self, theme: Theme, label: str, hint: str = "") -> None:
        """Make an empty field."""
        super().__init__()
        self._frame = _Frame(theme)
        self.edit = self._frame.edit
        self.edit.setAccessibleName(label)
        self.edit.setPlaceholderText(hint)
        self.setFocusProxy(self.edit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(TextBlock(theme, SMALL_STRONG, text=label, elide=True))
        column.addWidget(self._frame)

    def set_text(self, text: str) -> None:
        """Show `text` if the field shows something else."""
        if self.edit.text() != text:
            self.edit.setText(text)
