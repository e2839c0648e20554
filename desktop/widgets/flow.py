"""A layout that puts widgets side by side and goes on in the next line where they don't fit."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLayout, QWidget

_ANY = 16_777_215  # QWIDGETSIZE_MAX


class FlowLayout(QHBoxLayout):
    """Left to right, wrapping; widgets of one line are centred on each other. Spacing in pixels.

    Qt's own box keeps the items, and this class places the widgets. A list of layout items in Python does not work: Qt
    deletes items behind Python's back, and the next item at the same address is then taken for the dead one.
    """

    def __init__(
        self, parent: QWidget | None = None, spacing: int = 10, line_spacing: int = 10, centred: bool = False
    ) -> None:
        """Make an empty layout, of `parent` if given; `centred` puts each line in the middle."""
        super().__init__()
        if parent is not None:
            parent.setLayout(self)
        self._widgets: list[QWidget] = []
        self._gap = spacing
        self._line_gap = line_spacing
        self._centred = centred
        self.setContentsMargins(0, 0, 0, 0)

    def addWidget(self, widget: QWidget, stretch: int | None = None, alignment: Qt.AlignmentFlag | None = None) -> None:
        """Append a widget. A flow knows no stretch, and no alignment but that of its lines."""
        super().addWidget(widget)
        self._widgets.append(widget)

    def clear(self) -> None:
        """Remove every widget and delete it."""
        for widget in self._widgets:
            self.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self._widgets = []

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

    def minimumHeightForWidth(self, width: int) -> int:
        """A flow is never lower than its lines."""
        return self.heightForWidth(width)

    def setGeometry(self, rect: QRect) -> None:
        """Place the widgets within `rect`."""
        QLayout.setGeometry(self, rect)
        self._place(rect.marginsRemoved(self.contentsMargins()), move=True)

    def sizeHint(self) -> QSize:
        """Everything in one line."""
        sizes = [self._size(widget) for widget in self._shown()]
        width = sum(size.width() for size in sizes) + self._gap * max(0, len(sizes) - 1)
        return QSize(width, max((size.height() for size in sizes), default=0)).grownBy(self.contentsMargins())

    def minimumSize(self) -> QSize:
        """The widest single widget."""
        sizes = [widget.minimumSizeHint().expandedTo(widget.minimumSize()) for widget in self._shown()]
        width, height = (max((s.width() for s in sizes), default=0), max((s.height() for s in sizes), default=0))
        return QSize(width, height).grownBy(self.contentsMargins())

    def maximumSize(self) -> QSize:
        """A flow may be given any room; what it doesn't need stays empty."""
        return QSize(_ANY, _ANY)

    def _shown(self) -> list[QWidget]:
        return [widget for widget in self._widgets if not widget.isHidden()]

    @staticmethod
    def _size(widget: QWidget) -> QSize:
        hint = widget.sizeHint().expandedTo(widget.minimumSizeHint())
        return hint.expandedTo(widget.minimumSize()).boundedTo(widget.maximumSize())

    def _lines(self, width: int) -> list[list[tuple[QWidget, QSize]]]:
        lines: list[list[tuple[QWidget, QSize]]] = []
        used = 0
        for widget in self._shown():
            size = self._size(widget)
            size.setWidth(min(width, size.width()))
            if not lines or used + self._gap + size.width() > width:
                lines.append([])
                used = size.width()
            else:
                used += self._gap + size.width()
            lines[-1].append((widget, size))
        return lines

    def _place(self, rect: QRect, move: bool) -> int:
        """Return the height that the lines take; with `move`, put the widgets there."""
        top = rect.top()
        lines = self._lines(rect.width())
        for line in lines:
            height = max(size.height() for _, size in line)
            left = rect.left()
            if self._centred:
                used = sum(size.width() for _, size in line) + self._gap * (len(line) - 1)
                left += max(0, (rect.width() - used) // 2)
            for widget, size in line:
                if move:
                    widget.setGeometry(QRect(QPoint(left, top + (height - size.height()) // 2), size))
                left += size.width() + self._gap
            top += height + self._line_gap
        return top - rect.top() - (self._line_gap if lines else 0)
