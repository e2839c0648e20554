"""A layout that puts widgets side by side and goes on in the next line where they don't fit."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class FlowLayout(QLayout):
    """Left to right, wrapping; items of one line are centred on each other. Spacing in pixels."""

    def __init__(
        self, parent: QWidget | None = None, spacing: int = 10, line_spacing: int = 10, centred: bool = False
    ) -> None:
        """Make an empty layout; `centred` puts each line in the middle."""
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._gap = spacing
        self._line_gap = line_spacing
        self._centred = centred
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        """Append an item (Qt calls this from addWidget)."""
        self._items.append(item)

    def count(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """Return the item at `index`, or None past the end."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Remove and return the item at `index`."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def clear(self) -> None:
        """Remove every widget and delete it."""
        while (item := self.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def expandingDirections(self) -> Qt.Orientation:
        """A flow never grows beyond what it needs."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """A narrow flow has more lines."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height in pixels at `width`."""
        margins = self.contentsMargins()
        inner = QRect(0, 0, width - margins.left() - margins.right(), 0)
        return self._place(inner, move=False) + margins.top() + margins.bottom()

    def setGeometry(self, rect: QRect) -> None:
        """Place the items within `rect`."""
        super().setGeometry(rect)
        self._place(rect.marginsRemoved(self.contentsMargins()), move=True)

    def sizeHint(self) -> QSize:
        """Everything in one line."""
        sizes = [item.sizeHint() for item in self._items if not item.isEmpty()]
        width = sum(size.width() for size in sizes) + self._gap * max(0, len(sizes) - 1)
        return QSize(width, max((size.height() for size in sizes), default=0)).grownBy(self.contentsMargins())

    def minimumSize(self) -> QSize:
        """The widest single item."""
        sizes = [item.minimumSize() for item in self._items if not item.isEmpty()]
        width, height = (max((s.width() for s in sizes), default=0), max((s.height() for s in sizes), default=0))
        return QSize(width, height).grownBy(self.contentsMargins())

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = []
        used = 0
        for item in self._items:
            if item.isEmpty():
                continue
            need = min(width, item.sizeHint().width())
            if not lines or used + self._gap + need > width:
                lines.append([])
                used = need
            else:
                used += self._gap + need
            lines[-1].append(item)
        return lines

    def _place(self, rect: QRect, move: bool) -> int:
        top = rect.top()
        lines = self._lines(rect.width())
        for line in lines:
            height = max(item.sizeHint().height() for item in line)
            left = rect.left()
            if self._centred:
                used = sum(item.sizeHint().width() for item in line) + self._gap * (len(line) - 1)
                left += max(0, (rect.width() - used) // 2)
            for item in line:
                hint = item.sizeHint()
                size = QSize(min(hint.width(), rect.width()), hint.height())
                if move:
                    item.setGeometry(QRect(QPoint(left, top + (height - size.height()) // 2), size))
                left += size.width() + self._gap
            top += height + self._line_gap
        return top - rect.top() - (self._line_gap if lines else 0)
