"""How rows of people and of slots are painted."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from desktop.qt.i18n import tr
from desktop.widgets.chip import chip_size, draw_chip, spoken_status
from desktop.widgets.painting import draw_matched, draw_text
from desktop.widgets.records import PersonLine, SlotLine
from desktop.widgets.row_list import RowPainter
from desktop.widgets.status import TONE_TEXT


class PersonRowPainter(RowPainter):
    """Three lines: the name with its matches, who, and the nearest claim; the status chip at the right.

    Where one of them is empty the others stand in the middle.
    """

    def height(self) -> int:
        """88 px at the default text scale."""
        return 26 + self.theme.text_px(62)

    def spoken(self, row: object) -> str:
        """Name, details, claim and status in one sentence."""
        assert isinstance(row, PersonLine)
        status = spoken_status(row.status) if row.status is not None else ""
        return ", ".join(part for part in (row.name, row.details, row.claim, status) if part)

    def paint(self, painter: QPainter, box: QRectF, row: object, selected: bool) -> None:
        """Paint one person; words give way to the chip, the chip to nothing."""
        assert isinstance(row, PersonLine)
        theme = self.theme
        right = box.right()
        if row.status is not None:
            size = chip_size(theme, row.status)
            width = min(size.width(), round(box.width() * 0.55))
            chip = QRectF(right - width, round(box.center().y() - size.height() / 2), width, size.height())
            draw_chip(painter, theme, chip, row.status)
            right = chip.left() - 12
        below = [words for words in (row.details, row.claim) if words]
        high, line_high = theme.text_px(22), theme.text_px(20)
        top = box.top() + 12 + (2 - len(below)) * line_high / 2
        width_left = right - box.left()
        name_box = QRectF(box.left(), top, width_left, high)
        primary, accent = theme.color("text.primary"), theme.color("accent")
        draw_matched(painter, name_box, row.name, row.matches, theme.font(16, 600), primary, accent)
        top += high + 2
        for words in below:
            line = QRectF(box.left(), top, width_left, line_high)
            draw_text(painter, line, words, theme.font(13), theme.color("text.secondary"))
            top += line_high


class SlotRowPainter(RowPainter):
    """The time in large figures, what and where, and what taking it would mean."""

    def height(self) -> int:
        """64 px at the default text scale."""
        return 20 + self.theme.text_px(44)

    def spoken(self, row: object) -> str:
        """Time, title, place and note in one sentence."""
        assert isinstance(row, SlotLine)
        blocked = "" if row.enabled else tr("not possible")
        return ", ".join(part for part in (row.time, row.title, row.place, row.note, blocked) if part)

    def paint(self, painter: QPainter, box: QRectF, row: object, selected: bool) -> None:
        """Paint one slot; one that can't be taken has a quiet time."""
        assert isinstance(row, SlotLine)
        theme = self.theme
        time_box = QRectF(box.left(), box.top(), theme.text_px(76), box.height())
        ink = "text.primary" if row.enabled else "text.secondary"
        draw_text(painter, time_box, row.time, theme.font(20, 700, tabular=True), theme.color(ink))
        note_box = QRectF(box.right() - theme.text_px(170), box.top(), theme.text_px(170), box.height())
        note_ink = theme.color(TONE_TEXT[row.tone])
        draw_text(painter, note_box, row.note, theme.font(13, 600), note_ink, Qt.AlignmentFlag.AlignRight)
        line = theme.text_px(22)
        left = time_box.right() + 4
        words = QRectF(left, box.center().y() - line, note_box.left() - left - 8, line)
        draw_text(painter, words, row.title, theme.font(14, 600), theme.color(ink))
        draw_text(painter, words.translated(0, line), row.place, theme.font(13), theme.color("text.secondary"))
