"""A card with a list of painted rows: search results, slots to move to. Arrow keys move, Enter takes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.qt.theme import Theme
from desktop.widgets.painting import CARD_RADIUS, draw_box, draw_ring, draw_shadow, rounded

Index = QModelIndex | QPersistentModelIndex


class RowPainter:
    """Paints one kind of row. Subclasses say how high a row is, what it says aloud and how it looks."""

    def __init__(self, theme: Theme) -> None:
        """Keep the theme to paint with."""
        self.theme = theme

    def height(self) -> int:
        """Height of a row in pixels, without the line below it."""
        raise NotImplementedError

    def spoken(self, row: object) -> str:
        """The row in words, for a screen reader."""
        raise NotImplementedError

    def paint(self, painter: QPainter, box: QRectF, row: object, selected: bool) -> None:
        """Paint the content of a row; its ground is there already."""
        raise NotImplementedError


class _Rows(QAbstractListModel):
    def __init__(self, row_painter: RowPainter, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: tuple[object, ...] = ()
        self._painter = row_painter

    def replace(self, rows: tuple[object, ...]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._painter.spoken(self.rows[index.row()])
        return None


class _Delegate(QStyledItemDelegate):
    def __init__(self, view: RowList) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, self._view.row_height())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        selected = index.row() == self._view.currentIndex().row()
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        self._view.paint_row(painter, rect, index.row(), selected, hovered)


class RowList(QListView):
    """The list. `moved` says that the selection moved, `taken` that a row was chosen (Enter or click)."""

    moved = Signal(int)
    taken = Signal(int)

    def __init__(self, theme: Theme, row_painter: RowPainter, name: str, parent: QWidget | None = None) -> None:
        """Make an empty list with the accessible name `name`."""
        super().__init__(parent)
        self.theme = theme
        self.row_painter = row_painter
        self._model = _Rows(row_painter, self)
        self.setModel(self._model)
        self.setItemDelegate(_Delegate(self))
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # The bar would stand beside the card; where the list stands is painted on the card's edge instead.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.clicked.connect(lambda index: self.taken.emit(index.row()))
        theme.changed.connect(self._theme_changed)

    def set_rows(self, rows: Sequence[object], selected: int = 0) -> None:
        """Show `rows`, with `selected` (an index) as the current one."""
        wanted = tuple(rows)
        if wanted != self._model.rows:
            self._model.replace(wanted)
            self.updateGeometry()
        if 0 <= selected < len(wanted) and selected != self.currentIndex().row():
            self.setCurrentIndex(self._model.index(selected))
            self.scrollTo(self._model.index(selected))
        self.viewport().update()
        parent = self.parentWidget()
        if parent is not None:
            parent.update()

    def rows(self) -> tuple[object, ...]:
        """The rows shown."""
        return self._model.rows

    def row_height(self) -> int:
        """Height of a row and the line below it, in pixels."""
        return self.row_painter.height() + 1

    def content_height(self) -> int:
        """Height in pixels at which nothing scrolls."""
        return self.row_height() * len(self._model.rows)

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(400, self.content_height())

    def paint_row(self, painter: QPainter, rect: QRect, row: int, selected: bool, hovered: bool) -> None:
        """Paint ground, edge, content and separator of one row, clipped to the round card."""
        theme = self.theme
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipPath(rounded(self.viewport().rect(), CARD_RADIUS))
        if selected:
            painter.fillRect(rect, theme.color("accent.subtle"))
            painter.fillRect(QRect(rect.left(), rect.top(), 4, rect.height()), theme.color("accent"))
        elif hovered:
            painter.fillRect(rect, theme.color("surface.sunken"))
        box = QRectF(rect).adjusted(17, 0, -17, -1)
        self.row_painter.paint(painter, box, self._model.rows[row], selected)
        if row + 1 < len(self._model.rows):
            painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), theme.color("border"))
        painter.restore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the card, the rows, and the card's border over them."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self.viewport().rect()
        draw_box(painter, box, CARD_RADIUS, self.theme.color("surface.raised"))
        painter.end()
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_box(painter, box, CARD_RADIUS, None, self.theme.color("border"))
        self._paint_position(painter)
        painter.end()

    def _paint_position(self, painter: QPainter) -> None:
        """Paint a slim mark of what part of the rows is in view, if not all of them."""
        whole, seen = self.content_height(), self.viewport().height()
        if whole <= seen:
            return
        track = seen - 2 * CARD_RADIUS
        length = max(32.0, track * seen / whole)
        reach = max(1, self.verticalScrollBar().maximum())
        top = CARD_RADIUS + (track - length) * self.verticalScrollBar().value() / reach
        mark = QRectF(self.viewport().width() - 7, top, 4, length)
        draw_box(painter, mark, 2, self.theme.color("text.secondary"))

    def paint_outside(self, painter: QPainter, rect: QRect) -> None:
        """Cast the card's shadow, and the focus ring, on the surface below."""
        if self._model.rows:
            draw_shadow(painter, self.theme, rect)
        if self.hasFocus():
            draw_ring(painter, self.theme, rect, CARD_RADIUS)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move, Enter takes; other keys are for the page."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            super().keyPressEvent(event)
            self.moved.emit(self.currentIndex().row())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self.taken.emit(self.currentIndex().row())
        else:
            event.ignore()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Repaint the round corners at the new size."""
        super().resizeEvent(event)
        self.viewport().update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Redraw the ring on the surface below."""
        super().focusInEvent(event)
        self._redraw_outside()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Redraw without the ring."""
        super().focusOutEvent(event)
        self._redraw_outside()

    def _redraw_outside(self) -> None:
        parent = self.parentWidget()
        if parent is not None:
            parent.update(self.geometry().adjusted(-6, -6, 6, 6))

    def _theme_changed(self) -> None:
        self.scheduleDelayedItemsLayout()
        self.updateGeometry()
        self.viewport().update()
