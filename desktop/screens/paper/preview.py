"""A picture of one sheet, as large as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.screens.paper.draw import page_picture
from desktop.screens.paper.layout import Page
from desktop.widgets.painting import draw_box, draw_shadow


class PagePreview(QWidget):
    """Shows one page at a time."""

    def __init__(self, theme: Theme) -> None:
        """Make a preview of nothing."""
        super().__init__()
        self.theme = theme
        self.at = 0
        self._pages: Sequence[Page] = ()
        self._width, self._height = 595.0, 842.0
        self._picture: tuple[tuple[int, int, float], QImage] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 260)
        theme.changed.connect(self.update)

    def show_pages(self, pages: Sequence[Page], width: float, height: float) -> None:
        """Show the first of other `pages`, whose sheets are `width` × `height` points."""
        self._pages, self.at = pages, 0
        self._width, self._height = width, height
        self._picture = None
        self._tell()

    def turn(self, step: int) -> None:
        """Go `step` pages on, as far as there are any."""
        self.at = min(len(self._pages) - 1, max(0, self.at + step))
        self._tell()

    def sizeHint(self) -> QSize:
        """A sheet of a good size to read."""
        return QSize(430, 600)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the sheet with its shadow, in the middle."""
        if not self._pages:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scale = min((self.width() - 16) / self._width, (self.height() - 16) / self._height)
        wide, high = round(self._width * scale), round(self._height * scale)
        box = QRectF((self.width() - wide) // 2, (self.height() - high) // 2, wide, high)
        draw_shadow(painter, self.theme, box, 2)
        painter.drawImage(box, self._image(wide))
        draw_box(painter, box, 1, None, self.theme.color("border"))
        painter.end()

    def _image(self, wide: int) -> QImage:
        key = (self.at, wide, self.devicePixelRatioF())
        if self._picture is None or self._picture[0] != key:
            picture = page_picture(self._pages[self.at], self._width, self._height, wide, key[2])
            self._picture = (key, picture)
        return self._picture[1]

    def _tell(self) -> None:
        self.setAccessibleName(tr("Page {at} of {count}", at=self.at + 1, count=len(self._pages)))
        self.update()
