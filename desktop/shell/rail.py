"""The rail at the left: one square item for each page that the window was given, and a badge for what waits."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.qt.i18n import tr
from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.button import Button
from desktop.widgets.painting import draw_box, draw_text
from desktop.widgets.records import FixKind
from desktop.widgets.surface import Surface

_ITEM = 56


class RailItem(Button):
    """One page: icon above its name, marked when it is the one shown."""

    def __init__(self, theme: Theme, words: str, icon: str) -> None:
        """Make an item."""
        super().__init__(theme, words, FixKind.QUIET, icon)
        self._badge = 0
        self.setCheckable(True)

    def set_badge(self, count: int) -> None:
        """Show how many things wait there; 0 shows nothing."""
        self._badge = count
        self.setAccessibleName(tr("{page}, {count} waiting", page=self.words, count=count) if count else self.words)
        self.update()

    def sizeHint(self) -> QSize:
        """A square of 56 px that grows with the text."""
        side = rail_side(self.theme)
        return QSize(side, side)

    def minimumSizeHint(self) -> QSize:
        """The rail never squeezes its items sideways; it may make them lower."""
        return QSize(rail_side(self.theme), _ITEM)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint ground, icon, name and badge."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self.theme
        if self.isChecked():
            draw_box(painter, self.rect(), 14, theme.color("accent.subtle"))
        elif self._hovered or self.isDown():
            draw_box(painter, self.rect(), 14, theme.color("surface.sunken"))
        if self.hasFocus():
            draw_box(painter, self.rect(), 14, None, theme.color("accent"), 2.0)
        color = theme.color("accent" if self.isChecked() else "text.secondary")
        side = theme.text_px(24)
        top = (self.height() - theme.text_px(40)) / 2 + 1
        icon = QRectF((self.width() - side) / 2, top, side, side)
        draw_icon(painter, icon, self.icon_name, color)
        font = theme.font(11, 700 if self.isChecked() else 500)
        words = QRectF(1, icon.bottom() + 1, self.width() - 2, theme.text_px(14))
        draw_text(painter, words, self.words, font, color, Qt.AlignmentFlag.AlignHCenter)
        if self._badge:
            self._paint_badge(painter, icon)
        painter.end()

    def _paint_badge(self, painter: QPainter, icon: QRectF) -> None:
        font = self.theme.font(10, 700)
        words = str(self._badge) if self._badge < 100 else "99+"
        height = self.theme.text_px(14)
        width = max(height, QFontMetricsF(font).horizontalAdvance(words) + 7)
        box = QRectF(icon.right() - 6, icon.top() - 3, width, height)
        draw_box(painter, box, height / 2, self.theme.color("refused.text"))
        draw_text(painter, box, words, font, self.theme.color("surface.raised"), Qt.AlignmentFlag.AlignHCenter)


def rail_side(theme: Theme) -> int:
    """Side of an item in pixels: 56 at the default text scale."""
    return round(_ITEM + (theme.scale - 1.0) * 44)


class Rail(Surface):
    """The items, daily ones at the top, Attention and Help at the bottom. `chosen(key)` when one is pressed."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        """Make an empty rail."""
        super().__init__(theme, "surface.raised", parent)
        self.setAccessibleName(tr("Pages"))
        self.items: dict[str, RailItem] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(8, 12, 8, 12)
        self._column.setSpacing(4)
        self._column.addStretch(1)
        self._above = 0
        self._fit()
        theme.changed.connect(self._fit)

    def add_item(self, key: str, words: str, icon: str, bottom: bool = False) -> RailItem:
        """Add an item for the page `key`."""
        item = RailItem(self.theme, words, icon)
        item.clicked.connect(lambda: self.chosen.emit(key))
        if bottom:
            self._column.addWidget(item)
        else:
            self._column.insertWidget(self._above, item)
            self._above += 1
        self.items[key] = item
        return item

    def mark(self, key: str) -> None:
        """Mark `key` as the page that is shown."""
        for name, item in self.items.items():
            item.setChecked(name == key)

    def paint_ground(self, painter: QPainter) -> None:
        """Paint the ground and the line at the right."""
        super().paint_ground(painter)
        painter.fillRect(QRect(self.width() - 1, 0, 1, self.height()), self.theme.color("border"))

    def _fit(self) -> None:
        self.setFixedWidth(rail_side(self.theme) + 16)
