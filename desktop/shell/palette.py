"""The palette (Ctrl+K): every action by its words, one Enter away."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.qt.actions import Action, Actions, key_words
from desktop.qt.dialogs import Overlay
from desktop.qt.i18n import tr
from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.chip import draw_key_cap, key_cap_size
from desktop.widgets.painting import draw_text
from desktop.widgets.row_list import RowList, RowPainter
from desktop.widgets.search_field import SearchField
from desktop.widgets.surface import Card
from desktop.widgets.text import SMALL, TextBlock


class ActionRowPainter(RowPainter):
    """One action: icon, words, its group and its key."""

    def height(self) -> int:
        """44 px at the default text scale."""
        return self.theme.control_px(44)

    def spoken(self, row: object) -> str:
        """Words and key."""
        assert isinstance(row, Action)
        return ", ".join(part for part in (row.words, row.group, key_words(row.key)) if part)

    def paint(self, painter: QPainter, box: QRectF, row: object, selected: bool) -> None:
        """Paint one action."""
        assert isinstance(row, Action)
        theme = self.theme
        side = theme.text_px(18)
        icon = QRectF(box.left(), box.center().y() - side / 2, side, side)
        draw_icon(painter, icon, row.icon or "caret_right", theme.color("accent" if selected else "text.secondary"))
        right = box.right()
        if row.key:
            words = key_words(row.key)
            cap = key_cap_size(theme, words)
            cap_box = QRectF(right - cap.width(), box.center().y() - cap.height() / 2, cap.width(), cap.height())
            ground = "surface.raised" if selected else "surface.sunken"
            draw_key_cap(painter, theme, cap_box, words, ground, "text.secondary")
            right = cap_box.left() - 12
        group = QRectF(right - theme.text_px(110), box.top(), theme.text_px(110), box.height())
        quiet = theme.color("text.secondary")
        draw_text(painter, group, row.group, theme.font(13), quiet, Qt.AlignmentFlag.AlignRight)
        left = icon.right() + 12
        line = QRectF(left, box.top(), group.left() - left, box.height())
        draw_text(painter, line, row.words, theme.font(14, 600), theme.color("text.primary"))


class Palette(Overlay[Action]):
    """Type to narrow, arrows to choose, Enter to do; `closed()` gives the action chosen, which the caller runs."""

    def __init__(self, theme: Theme, window: QWidget, actions: Actions) -> None:
        """Open the palette over `window`."""
        self._actions = actions
        self.field = SearchField(theme, tr("What do you want to do?"), tr("type to find an action"), "palette")
        self.list = RowList(theme, ActionRowPainter(theme), tr("Actions"))
        self._nothing = TextBlock(theme, SMALL, "text.secondary", tr("No such action here. Esc closes."))
        panel = Card(theme)
        panel.setAccessibleName(tr("Actions"))
        column = QVBoxLayout(panel)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self.field)
        column.addWidget(self.list)
        column.addWidget(self._nothing)
        super().__init__(theme, window, panel, 640, top=True)
        self.field.text_edited.connect(self._narrow)
        self.field.submitted.connect(lambda: self._take(self.list.currentIndex().row()))
        self.field.edit.installEventFilter(self)
        self.list.taken.connect(self._take)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._narrow("")
        self.field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows in the field move the list's selection."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            step = steps.get(Qt.Key(event.key()))
            if step is not None:
                self.list.set_rows(self.list.rows(), self._clamp(self.list.currentIndex().row() + step))
                return True
        return super().eventFilter(watched, event)

    def _clamp(self, row: int) -> int:
        return min(len(self.list.rows()) - 1, max(0, row))

    def _narrow(self, text: str) -> None:
        found = [action for action in self._actions.find(text) if action.action_id != "palette"]
        self.list.set_rows(found)
        self.list.setVisible(bool(found))
        self._nothing.setVisible(not found)
        self.list.setFixedHeight(min(self.list.content_height(), 8 * self.list.row_height()))

    def _take(self, row: int) -> None:
        rows = self.list.rows()
        if 0 <= row < len(rows):
            action = rows[row]
            assert isinstance(action, Action)
            self.finish(action)
