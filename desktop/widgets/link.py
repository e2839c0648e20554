"""A small button without a frame: "Undo", "Server address…"."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.button import Button
from desktop.widgets.chip import draw_key_cap, key_cap_size
from desktop.widgets.painting import draw_box, draw_text
from desktop.widgets.records import FixKind

_PAD = 4


class LinkButton(Button):
    """Words, an optional icon after them and an optional key cap; underlined ground when hovered or focused."""

    def __init__(
        self,
        theme: Theme,
        words: str,
        token: str = "text.primary",
        icon: str = "",
        key: str = "",
        weight: int = 500,
        parent: QWidget | None = None,
    ) -> None:
        """Make a link coloured by `token`."""
        self._token = token
        self._weight = weight
        super().__init__(theme, words, FixKind.QUIET, icon, key, parent=parent)

    def sizeHint(self) -> QSize:
        """The words with a little room around them."""
        width = 2.0 * _PAD + QFontMetricsF(self._font()).horizontalAdvance(self.words)
        if self.icon_name:
            width += self.theme.text_px(14) + 4
        if self.key:
            width += 8 + key_cap_size(self.theme, self.key).width()
        return QSize(round(width + 0.5), self.theme.control_px(28))

    def minimumSizeHint(self) -> QSize:
        """A link is never shortened."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint words, icon and cap; a box when hovered or focused."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._hovered or self.isDown():
            draw_box(painter, self.rect(), 6, self.theme.color("surface.sunken"))
        if self.hasFocus():
            draw_box(painter, self.rect(), 6, None, self.theme.color("accent"), 2.0)
        color = self.theme.color(self._token)
        words = QFontMetricsF(self._font()).horizontalAdvance(self.words)
        draw_text(painter, QRectF(_PAD, 0, words + 1, self.height()), self.words, self._font(), color)
        left = _PAD + words + 4
        if self.icon_name:
            side = self.theme.text_px(14)
            draw_icon(painter, QRectF(left, (self.height() - side) / 2, side, side), self.icon_name, color)
        if self.key:
            cap = key_cap_size(self.theme, self.key)
            left = self.width() - _PAD - cap.width()
            box = QRectF(left, (self.height() - cap.height()) / 2, cap.width(), cap.height())
            draw_key_cap(painter, self.theme, box, self.key, "surface.sunken", "text.secondary")
        painter.end()

    def _font(self) -> QFont:
        return self.theme.font(13, self._weight)
