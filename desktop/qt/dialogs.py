"""Questions that are awaited: a panel over the window, answered by a future, never by a nested event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.qt.theme import Theme

T = TypeVar("T")


class Overlay(QWidget, Generic[T]):
    """Covers its window with a scrim and holds one panel. `closed` is a future with the answer, or None for Esc.

    The focus stays within the overlay and goes back to where it was when the overlay closes.
    """

    def __init__(self, theme: Theme, window: QWidget, panel: QWidget, width: int, top: bool = False) -> None:
        """Show `panel`, `width` px wide before scaling, in the middle of `window` or near its `top`."""
        super().__init__(window)
        self.theme = theme
        self.panel = panel
        self._width = width
        self._before = QApplication.focusWidget()
        self._answer: T | None = None
        self._waiting: asyncio.Future[T | None] | None = None
        self.open = True
        panel.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(panel)
        row.addStretch(1)
        column.addSpacing(40 if top else 0)
        column.addStretch(0 if top else 1)
        column.addLayout(row)
        column.addStretch(1)
        window.installEventFilter(self)
        self._cover()
        self.show()
        self.raise_()

    async def closed(self) -> T | None:
        """Wait for the answer. If the waiting task is cancelled, the overlay goes away."""
        if not self.open:
            return self._answer
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            return await self._waiting
        finally:
            self.finish(None)

    def finish(self, answer: T | None) -> None:
        """Close with `answer`; only the first call counts."""
        if not self.open:
            return
        self.open = False
        self._answer = answer
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)
        parent = self.parentWidget()
        if parent is not None:
            parent.removeEventFilter(self)
        self.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus()
        self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the window's size."""
        if event.type() == QEvent.Type.Resize:
            self._cover()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes without an answer; no other key reaches what is beneath."""
        if event.key() == Qt.Key.Key_Escape:
            self.finish(None)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click beside the panel closes without an answer."""
        if not self.panel.geometry().contains(event.position().toPoint()):
            self.finish(None)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Keep the focus within the panel."""
        inside = focusable(self.panel)
        if not inside:
            return True
        current = QApplication.focusWidget()
        at = inside.index(current) if current in inside else -1
        inside[(at + (1 if forward else -1)) % len(inside)].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dim what is beneath, and let the panel cast its shadow."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self.theme.color("scrim", 0.36))
        outside = getattr(self.panel, "paint_outside", None)
        if outside is not None:
            outside(painter, self.panel.geometry())
        painter.end()

    def _cover(self) -> None:
        parent = self.parentWidget()
        if parent is None:
            return
        self.setGeometry(parent.rect())
        self.panel.setFixedWidth(min(self.theme.text_px(self._width), parent.width() - 48))


def focusable(root: QWidget) -> Sequence[QWidget]:
    """Return the visible, enabled widgets below `root` that take the focus by Tab, in the order of the chain."""
    found: list[QWidget] = []
    widget = root.nextInFocusChain()
    for _ in range(10_000):
        if widget is None or widget is root:
            break
        wants = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        usable = widget.isVisible() and widget.isEnabled() and widget.focusProxy() is None
        if wants and usable and root.isAncestorOf(widget):
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found
