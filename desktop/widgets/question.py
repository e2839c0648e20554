"""A question over the window with its answers as buttons; awaited, never a nested loop."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.qt.dialogs import Overlay
from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.widgets.button import Button
from desktop.widgets.flow import FlowLayout
from desktop.widgets.records import Fix, FixKind, Span
from desktop.widgets.surface import Card
from desktop.widgets.text import LEAD, TITLE, TextBlock


class Question(Overlay[str]):
    """`await Question(…).closed()` gives the id of the answer that was pressed, or None for Esc and Cancel."""

    def __init__(
        self, theme: Theme, window: QWidget, title: str, lines: Sequence[Sequence[Span]], answers: Sequence[Fix]
    ) -> None:
        """Ask over `window`. The first answer has the focus, so that Enter gives it."""
        panel = Card(theme)
        panel.setAccessibleName(title)
        column = QVBoxLayout(panel)
        column.setContentsMargins(30, 24, 30, 26)
        column.setSpacing(12)
        column.addWidget(TextBlock(theme, TITLE, text=title))
        for spans in lines:
            line = TextBlock(theme, LEAD, "text.secondary")
            line.set_spans(tuple(spans))
            column.addWidget(line)
        row = FlowLayout()
        cancel = Fix("", tr("Cancel"), FixKind.QUIET)
        self.buttons: list[Button] = []
        for at, answer in enumerate((*answers, cancel)):
            key = tr("Esc") if answer is cancel else tr("Enter") if at == 0 else ""
            button = Button(theme, answer.words, answer.kind, answer.icon, key)
            button.setParent(panel)
            button.clicked.connect(lambda _=False, given=answer.fix_id or None: self.finish(given))
            self.buttons.append(button)
            row.addWidget(button)
        column.addLayout(row)
        super().__init__(theme, window, panel, 640)
        self.buttons[0].setFocus()
