"""One card of Attention: what was asked, what the authority said, what holds now, and the fixes as buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.widgets.button import Button
from desktop.widgets.empty import IconTile
from desktop.widgets.flow import FlowLayout
from desktop.widgets.input_field import InputField
from desktop.widgets.records import AttentionCard, Fix, FixKind
from desktop.widgets.surface import Card
from desktop.widgets.text import BODY, STRONG, TextBlock


class AttentionCardView(Card):
    """Shows an `AttentionCard`. `chosen(fix, reason)`: reason is None, or what was typed for a fix that needs one."""

    chosen = Signal(object, object)
    cancelled = Signal()

    def __init__(self, theme: Theme, card: AttentionCard, asking: str = "") -> None:
        """Make the card; `asking` is the id of the fix whose reason is being typed."""
        super().__init__(theme, shadow=not card.waiting)
        self.card = card
        self.buttons: list[Button] = []
        self.reason: InputField | None = None
        self.setAccessibleName(card.title)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        if card.waiting:
            self.fill = "surface.base"
        row = QHBoxLayout(self)
        row.setContentsMargins(22, 18, 22, 18)
        row.setSpacing(14)
        row.addWidget(IconTile(theme, card.icon, card.tone), 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(TextBlock(theme, STRONG, "text.secondary" if card.waiting else "text.primary", card.title))
        for spans in card.lines:
            line = TextBlock(theme, BODY, "text.secondary")
            line.set_spans(spans)
            column.addWidget(line)
        fix = next((fix for fix in card.fixes if fix.fix_id == asking), None)
        if fix is not None:
            column.addLayout(self._make_reason(fix))
        elif card.fixes:
            column.addSpacing(12)
            column.addLayout(self._make_fixes(card.fixes))
        row.addLayout(column, 1)

    def _make_fixes(self, fixes: tuple[Fix, ...]) -> QHBoxLayout:
        """Return the fixes, quiet ones at the right."""
        row = QHBoxLayout()
        row.setSpacing(10)
        flow = FlowLayout()
        row.addLayout(flow, 1)
        for fix in fixes:
            button = self._make_button(fix)
            if fix.kind is FixKind.QUIET:
                row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
            else:
                flow.addWidget(button)
        return row

    def _make_button(self, fix: Fix) -> Button:
        button = Button(self.theme, fix.words, fix.kind, fix.icon)
        button.setParent(self)
        button.setAccessibleDescription(self.card.title)
        button.clicked.connect(lambda: self.chosen.emit(fix, None))
        self.buttons.append(button)
        return button

    def _make_reason(self, fix: Fix) -> QVBoxLayout:
        """Return the field for the reason of an override, and its two buttons."""
        column = QVBoxLayout()
        column.setContentsMargins(0, 12, 0, 0)
        column.setSpacing(12)
        field = InputField(self.theme, tr("Reason, kept with the override"), tr("for example: the judge agreed"))
        field.edit.returnPressed.connect(lambda: self.chosen.emit(fix, field.edit.text()))
        self.reason = field
        column.addWidget(field)
        buttons = FlowLayout()
        go = Button(self.theme, fix.words.rstrip("…"), FixKind.DANGER, key=tr("Enter"))
        back = Button(self.theme, tr("Back"), FixKind.QUIET, key=tr("Esc"))
        go.clicked.connect(lambda: self.chosen.emit(fix, field.edit.text()))
        back.clicked.connect(self.cancelled)
        for button in (go, back):
            button.setParent(self)
            buttons.addWidget(button)
            self.buttons.append(button)
        column.addLayout(buttons)
        return column

    def focus_first(self) -> None:
        """Give the focus to the field of the reason, else to the first button."""
        target: QWidget | None = self.reason if self.reason is not None else next(iter(self.buttons), None)
        if target is not None:
            target.setFocus()
