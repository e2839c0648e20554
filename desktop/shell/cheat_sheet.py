"""The cheat sheet (F1): every key by group, in as many columns as fit."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop.qt.actions import Action, Actions, key_words
from desktop.qt.dialogs import Overlay
from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.widgets.button import Button
from desktop.widgets.chip import KeyCap
from desktop.widgets.surface import Card, ScrollArea, Surface
from desktop.widgets.text import BODY, SMALL_STRONG, TITLE, TextBlock


class CheatSheet(Overlay[None]):
    """All actions that have a key, grouped. Esc, Enter or F1 closes."""

    def __init__(self, theme: Theme, window: QWidget, actions: Actions) -> None:
        """Open the sheet over `window`."""
        panel = Card(theme)
        panel.setAccessibleName(tr("Keys"))
        self.close_button = Button(theme, tr("Close"), key=tr("Esc"))
        head = QHBoxLayout()
        head.addWidget(TextBlock(theme, TITLE, text=tr("Keys"), elide=True), 1)
        head.addWidget(self.close_button)
        column = QVBoxLayout(panel)
        column.setContentsMargins(28, 20, 28, 24)
        column.setSpacing(12)
        column.addLayout(head)
        content = self._make_groups(theme, actions, columns=3 if theme.scale <= 1.25 else 1)
        area = ScrollArea(theme, content)
        area.setFixedHeight(min(content.heightForWidth(theme.text_px(900)) + 4, window.height() - 190))
        column.addWidget(area)
        super().__init__(theme, window, panel, 980)
        self.close_button.clicked.connect(lambda: self.finish(None))
        self.close_button.setFocus()

    @staticmethod
    def _make_groups(theme: Theme, actions: Actions, columns: int) -> QWidget:
        groups: dict[str, list[Action]] = {}
        for action in actions.all():
            if action.key:
                groups.setdefault(action.group, []).append(action)
        columns = min(columns, len(groups))
        content = Surface(theme, None)
        grid = QGridLayout(content)
        grid.setContentsMargins(0, 0, 12, 0)
        grid.setHorizontalSpacing(36)
        grid.setVerticalSpacing(20)
        for column_at in range(columns):
            grid.setColumnStretch(column_at, 1)
        for at, (group, lines) in enumerate(groups.items()):
            column = QVBoxLayout()
            column.setSpacing(8)
            column.addWidget(TextBlock(theme, SMALL_STRONG, "text.secondary", group, elide=True))
            for action in lines:
                row = QHBoxLayout()
                row.setSpacing(12)
                row.addWidget(TextBlock(theme, BODY, text=action.words), 1)
                row.addWidget(KeyCap(theme, key_words(action.key)), 0, Qt.AlignmentFlag.AlignVCenter)
                column.addLayout(row)
            column.addStretch(1)
            grid.addLayout(column, at // columns, at % columns)
        return content
