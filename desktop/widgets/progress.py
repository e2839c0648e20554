"""A progress bar: a round track, the part that is done, and words for a screen reader."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QRectF, QSize, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.widgets.painting import draw_box, rounded


class ProgressBar(QWidget):
    """`set_progress(done, total)`; a total of 0 means that the end is not known yet, and a light wanders instead."""

    def __init__(self, theme: Theme) -> None:
        """Make a bar at the beginning."""
        super().__init__()
        self.theme = theme
        self.share: float | None = None
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setInterval(40)
        self._timer.timeout.connect(self.update)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_progress(0, 0)

    def set_progress(self, done: int, total: int) -> None:
        """Show `done` of `total`."""
        self.share = min(1.0, max(0.0, done / total)) if total > 0 else None
        percent = tr("{percent} % done", percent=round(100 * self.share)) if self.share is not None else tr("working")
        self.setAccessibleName(percent)
        if self.share is None and self.isVisible() and not self.theme.reduced_motion:
            self._clock.start()
            self._timer.start()
        else:
            self._timer.stop()
        self.update()

    def sizeHint(self) -> QSize:
        """8 px high."""
        return QSize(200, 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint track and part."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect())
        draw_box(painter, box, 4, self.theme.color("surface.sunken"))
        painter.setClipPath(rounded(box, 4))
        if self.share is not None:
            part = QRectF(box.left(), box.top(), max(8.0, box.width() * self.share), box.height())
        else:
            place = (self._clock.elapsed() % 1600) / 1600 if self._timer.isActive() else 0.0
            part = QRectF(box.width() * (1.3 * place - 0.3), box.top(), box.width() * 0.3, box.height())
            if not self._timer.isActive():
                part.moveLeft(box.left())
        draw_box(painter, part, 4, self.theme.color("accent"))
        painter.end()
