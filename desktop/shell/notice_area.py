"""Where notices appear: above the status strip, newest at the bottom, gone after a while unless they are grave."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.qt.announce import announce
from desktop.qt.notices import Notice
from desktop.qt.theme import Theme
from desktop.widgets.notice_bar import NoticeBar
from desktop.widgets.records import Tone
from desktop.widgets.surface import Surface

_MOST = 3
_SECONDS = 6


class NoticeArea(Surface):
    """A clear column at the foot of `window`, as high as its notices."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        """Make an empty area."""
        super().__init__(theme, None, window)
        self.bars: list[NoticeBar] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 16, 16, 16)
        self._column.setSpacing(8)
        self.hide()

    def show_notice(self, notice: Notice) -> None:
        """Show one more notice; the oldest makes room for the fourth."""
        bar = NoticeBar(self.theme, Tone(notice.kind.value), notice.words)
        bar.close_button.clicked.connect(lambda: self._drop(bar))
        self.bars.append(bar)
        announce(bar, notice.words)
        self._column.addWidget(bar)
        while len(self.bars) > _MOST:
            self._drop(self.bars[0])
        if not notice.sticky:
            QTimer.singleShot(_SECONDS * 1000, bar, lambda: self._drop(bar))
        self.place()

    def place(self) -> None:
        """Stand at the foot of the window, in its middle, above the strip."""
        window = self.parentWidget()
        if window is None or not self.bars:
            self.hide()
            return
        width = min(self.theme.text_px(600), window.width() - 32)
        height = self._column.heightForWidth(width) if self._column.hasHeightForWidth() else self.sizeHint().height()
        bottom = window.height() - self.theme.control_px(32) - self.theme.control_px(62)
        self.setGeometry((window.width() - width) // 2, bottom - height, width, height)
        self.show()
        self.raise_()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the newest."""
        if event.key() == Qt.Key.Key_Escape and self.bars:
            self._drop(self.bars[-1])
        else:
            super().keyPressEvent(event)

    def _drop(self, bar: NoticeBar) -> None:
        if bar not in self.bars:
            return
        self.bars.remove(bar)
        self._column.removeWidget(bar)
        bar.hide()
        bar.deleteLater()
        self.place()
