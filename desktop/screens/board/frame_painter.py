"""What stands still around the cards: the grid, the axis of time, the heads of the rooms, and the line of now."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from desktop.qt.theme import Theme
from desktop.screens.board.layout import LABEL_EVERY, BoardLayout
from desktop.screens.board.records import BoardRoom, BoardState
from desktop.widgets.painting import draw_box, draw_text
from desktop.widgets.status import TONE_TEXT

_QUARTER = 15
_PAD = 12
_NEAR = 20


class FramePainter:
    """Paints the parts of the board that are no cards. `origin` is where the first room's first minute lies."""

    def __init__(self, theme: Theme) -> None:
        """Keep the theme to paint with."""
        self.theme = theme

    def paint_grid(
        self, painter: QPainter, field: QRectF, origin: QPointF, layout: BoardLayout, state: BoardState
    ) -> None:
        """A line at each time that has a label."""
        border = self.theme.color("border")
        for y, _words in self._times(origin, layout, state):
            if field.top() <= y <= field.bottom():
                painter.fillRect(QRectF(field.left(), round(y), field.width(), 1), border)
        self._paint_columns(painter, field, origin, layout)

    def paint_now(
        self, painter: QPainter, field: QRectF, origin: QPointF, layout: BoardLayout, state: BoardState
    ) -> None:
        """The line of now across all rooms, over the cards."""
        y = self._now(origin, layout, state)
        if y is None or not field.top() <= y <= field.bottom():
            return
        painter.fillRect(QRectF(field.left(), round(y) - 1, field.width(), 2), self.theme.color("refused.text"))

    def paint_axis(
        self, painter: QPainter, whole: QRectF, origin: QPointF, layout: BoardLayout, state: BoardState
    ) -> None:
        """The times at the left, and the pill of now among them."""
        theme = self.theme
        axis = QRectF(whole.left(), whole.top(), layout.axis, whole.height())
        painter.fillRect(axis, theme.color("surface.raised"))
        painter.fillRect(QRectF(axis.right() - 1, axis.top(), 1, axis.height()), theme.color("border"))
        now = self._now(origin, layout, state)
        font, color, line = theme.font(13, 400, True), theme.color("text.secondary"), theme.text_px(18)
        least = layout.header + line / 2 - 2
        painter.save()
        painter.setClipRect(axis.adjusted(0, layout.header, 0, 0), Qt.ClipOperation.IntersectClip)
        for at, (y, words) in enumerate(self._times(origin, layout, state)):
            if at == 0 and y <= least:  # the heads would cut the first in half
                y = max(y, min(least, y + line / 2))
            if now is not None and abs(y - now) < theme.text_px(_NEAR):
                continue
            box = QRectF(0, y - line / 2, axis.right() - 11, line)
            draw_text(painter, box, words, font, color, Qt.AlignmentFlag.AlignRight)
        painter.restore()
        if now is not None and now >= layout.header and now <= whole.bottom():
            self._paint_pill(painter, axis, now, state.clock)

    def paint_head(
        self, painter: QPainter, whole: QRectF, origin: QPointF, layout: BoardLayout, state: BoardState
    ) -> None:
        """The heads of the rooms, always seen."""
        theme = self.theme
        head = QRectF(whole.left(), whole.top(), whole.width(), layout.header)
        painter.fillRect(head, theme.color("surface.raised"))
        rest = head.adjusted(layout.axis, 0, 0, 0)
        painter.save()
        painter.setClipRect(rest, Qt.ClipOperation.IntersectClip)
        for at, room in enumerate(state.rooms):
            left = origin.x() + at * layout.column_width
            if left < whole.right() and left + layout.column_width > layout.axis:
                self._paint_room(painter, QRectF(left, head.top(), layout.column_width, head.height()), room)
        self._paint_columns(painter, rest, origin, layout)
        painter.restore()
        border = theme.color("border")
        painter.fillRect(QRectF(layout.axis - 1, head.top(), 1, head.height()), border)
        painter.fillRect(QRectF(layout.axis - 1, head.bottom() - 1, rest.width() + 1, 2), border)

    def _paint_columns(self, painter: QPainter, field: QRectF, origin: QPointF, layout: BoardLayout) -> None:
        border = self.theme.color("border")
        for at in range(1, len(layout.columns) + 1):
            x = round(origin.x() + at * layout.column_width)
            if field.left() < x < field.right() - 1:
                painter.fillRect(QRectF(x, field.top(), 1, field.height()), border)

    def _paint_room(self, painter: QPainter, box: QRectF, room: BoardRoom) -> None:
        theme = self.theme
        inner = box.adjusted(_PAD + 1, 0, -_PAD, 0)
        line = theme.text_px(20)
        top = box.top() + (box.height() - 2 * line) / 2 - 2
        name = QRectF(inner.left(), top, inner.width(), line)
        draw_text(painter, name, room.name, theme.font(14, 600), theme.color("text.primary"))
        under = name.translated(0, line)
        warns = room.tone.value == "warn"
        small, strong = theme.font(12), theme.font(12, 600 if warns else 400)
        quiet = theme.color("text.secondary")
        delay = QFontMetricsF(strong).horizontalAdvance(room.delay)
        left = under.left()
        if room.place:
            joint = " · "
            joint_width = QFontMetricsF(small).horizontalAdvance(joint)
            most = max(0.0, under.width() - delay - joint_width)
            width = min(most, QFontMetricsF(small).horizontalAdvance(room.place))
            draw_text(painter, QRectF(left, under.top(), width, line), room.place, small, quiet)
            draw_text(painter, QRectF(left + width, under.top(), joint_width, line), joint, small, quiet)
            left += width + joint_width
        end = QRectF(left, under.top(), max(0.0, under.right() - left), line)
        draw_text(painter, end, room.delay, strong, theme.color(TONE_TEXT[room.tone]))
        self._paint_next(painter, name, room)

    def _paint_next(self, painter: QPainter, name: QRectF, room: BoardRoom) -> None:
        """The next call at the right of the room's name, where there is room for it."""
        font = self.theme.font(12, 400, True)
        width = QFontMetricsF(font).horizontalAdvance(room.next_call)
        named = QFontMetricsF(self.theme.font(14, 600)).horizontalAdvance(room.name)
        if room.next_call and named + width + 16 <= name.width():
            draw_text(
                painter, name, room.next_call, font, self.theme.color("text.secondary"), Qt.AlignmentFlag.AlignRight
            )

    def _paint_pill(self, painter: QPainter, axis: QRectF, y: float, words: str) -> None:
        theme = self.theme
        height = theme.text_px(22)
        width = min(axis.width() - 6, theme.text_px(43))
        box = QRectF(round(axis.right() - 4 - width), round(y - height / 2), width, height)
        draw_box(painter, box, 6, theme.color("refused.text"))
        ground = theme.color("surface.raised")
        draw_text(painter, box, words, theme.font(12, 700, True), ground, Qt.AlignmentFlag.AlignHCenter)

    def _times(self, origin: QPointF, layout: BoardLayout, state: BoardState) -> list[tuple[float, str]]:
        """The y and words of each labelled time."""
        every = LABEL_EVERY[layout.zoom] // _QUARTER
        return [
            (origin.y() + layout.y_of(state.first + at * _QUARTER), state.labels[at])
            for at in range(0, len(state.labels), every)
        ]

    def _now(self, origin: QPointF, layout: BoardLayout, state: BoardState) -> float | None:
        if state.now is None or not state.first <= state.now <= state.last:
            return None
        return origin.y() + layout.y_of(state.now)
