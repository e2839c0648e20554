"""The person card: name, claim, advice, members and what can be done, as large as the desk needs it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QPainter
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.widgets.button import Button
from desktop.widgets.card_parts import ClaimBox, Heading, HintRow, Rule
from desktop.widgets.chip import StatusChip
from desktop.widgets.flow import FlowLayout
from desktop.widgets.members import MemberGrid
from desktop.widgets.painting import draw_box
from desktop.widgets.records import CardAction, CardButton, FixKind, PersonCard, Span
from desktop.widgets.surface import Card, ScrollArea, Surface
from desktop.widgets.text import SMALL, TextBlock

# Action -> (words, icon, key). Print always shows its icon, the others only as the primary button.
BUTTON_LOOKS: dict[CardAction, tuple[str, str, str]] = {
    CardAction.CHECK_IN: ("Check in", "check", "I"),
    CardAction.MOVE: ("Move…", "move", "M"),
    CardAction.NO_SHOW: ("No-show", "no_show", "N"),
    CardAction.PRINT: ("Print", "print", "P"),
    CardAction.RESERVE: ("Reserve…", "reserve", "R"),
    CardAction.UNDO: ("Undo", "undo", "U"),
}

PADDING = 28


class _Shrinking(ScrollArea):
    """As high as its content while there is room, and scrolled when there is not."""

    def __init__(self, theme: Theme, content: QWidget) -> None:
        super().__init__(theme, content)
        self._content = content

    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(max(1, self.width())))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return max(0, self._content.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 60)


class PersonCardView(Card):
    """Shows a `PersonCard`. `chosen` carries the action of a pressed button, `ticked` a member's id and new state."""

    chosen = Signal(object)
    ticked = Signal(object, bool)

    def __init__(self, theme: Theme) -> None:
        """Make an empty card; `show_card` fills it."""
        super().__init__(theme)
        self.setAccessibleName(tr("Person"))
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._card: PersonCard | None = None
        self.buttons: dict[CardAction, Button] = {}
        self.members: MemberGrid | None = None
        self._column = QVBoxLayout(self)
        self._column.setSpacing(0)
        self._fit()
        theme.changed.connect(self._fit)

    @property
    def card(self) -> PersonCard | None:
        """The record shown."""
        return self._card

    def show_card(self, card: PersonCard | None) -> None:
        """Show `card`, built anew where it differs; the focus stays on the same button or member where it can."""
        if card == self._card:
            return
        inside = QApplication.focusWidget()
        had_focus = inside is not None and (inside is self or self.isAncestorOf(inside))
        focused = self._focused_action()
        in_members = self.members is not None and self.members.hasFocus()
        cursor = self.members.current if self.members is not None else 0
        same = card is not None and self._card is not None and card.person_id == self._card.person_id
        self._card = card
        self._clear()
        if card is None:
            return
        self._build(card)
        if same and in_members and self.members is not None:
            self.members.set_current(cursor)
            self.members.setFocus()
        elif same and focused in self.buttons and self.buttons[focused].isEnabled():
            self.buttons[focused].setFocus()
        elif had_focus:
            self.focus_first()
        self.setAccessibleName(tr("Card of {name}", name=card.name))

    def paint_ground(self, painter: QPainter) -> None:
        """Paint the card, with a strong edge while it has the focus itself."""
        super().paint_ground(painter)
        if self.hasFocus():
            draw_box(painter, self.rect(), self.radius, None, self.theme.color("accent"), 2.0)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the edge."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the edge."""
        super().focusOutEvent(event)
        self.update()

    def focus_first(self) -> None:
        """Give the focus to the members of a group, else to the primary button, else to the card itself.

        Undo never gets it: whoever is in already is not taken out again by one Enter too many.
        """
        if self.members is not None:
            self.members.setFocus()
            return
        for action, button in self.buttons.items():
            if button.isEnabled() and action is not CardAction.UNDO and self.primary is action:
                button.setFocus()
                return
        self.setFocus()

    @property
    def primary(self) -> CardAction | None:
        """What Enter does on this card, None for nothing."""
        first = self._card.buttons[0] if self._card is not None and self._card.buttons else None
        return first.action if first is not None and first.action is not CardAction.UNDO else None

    def press(self, action: CardAction) -> bool:
        """Press the button of `action`; False when it is not there or not enabled."""
        button = self.buttons.get(action)
        if button is None or not button.isEnabled():
            return False
        self.chosen.emit(action)
        return True

    def _fit(self) -> None:
        """Large text takes the room of the padding."""
        padding = PADDING - round(8 * (self.theme.scale - 1.0))
        self._column.setContentsMargins(padding, padding - 4, padding, padding - 4)

    def _focused_action(self) -> CardAction | None:
        return next((action for action, button in self.buttons.items() if button.hasFocus()), None)

    def _clear(self) -> None:
        self.buttons = {}
        self.members = None
        while (item := self._column.takeAt(0)) is not None:
            widget, flow = item.widget(), item.layout()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
            elif isinstance(flow, FlowLayout):
                flow.clear()

    def _build(self, card: PersonCard) -> None:
        content = Surface(self.theme, None)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(Heading(self.theme, card))
        column.addSpacing(16)
        if card.claim is not None:
            column.addWidget(ClaimBox(self.theme, card.claim))
            column.addSpacing(14)
        for hint in card.hints:
            column.addWidget(HintRow(self.theme, hint))
        if card.members:
            column.addSpacing(8)
            self.members = MemberGrid(self.theme, card.members)
            self.members.ticked.connect(self.ticked)
            self.members.taken_all.connect(lambda: self.press(CardAction.CHECK_IN))
            column.addWidget(self.members)
        area = _Shrinking(self.theme, content)
        self._column.addWidget(area)
        if card.buttons:
            self._column.addSpacing(14)
            self._column.addLayout(self._button_row(card.buttons))
            self._column.addSpacing(4)
        if card.also_today:
            self._column.addSpacing(14)
            self._column.addWidget(Rule(self.theme))
            self._column.addSpacing(14)
            self._column.addWidget(self._also_today(card))
        self._column.addStretch(1)

    def _button_row(self, buttons: tuple[CardButton, ...]) -> FlowLayout:
        """Return the buttons in a flow of their own; they stand on the card itself, which draws their rings."""
        flow = FlowLayout()
        for at, line in enumerate(buttons):
            words, icon, key = BUTTON_LOOKS[line.action]
            first = at == 0 and line.action is not CardAction.UNDO
            shown = icon if first or line.action is CardAction.PRINT else ""
            cap = tr("Enter") if first else key
            kind = FixKind.PRIMARY if first else FixKind.NORMAL
            button = Button(self.theme, line.words or tr(words), kind, shown, cap, large=first)
            button.setEnabled(line.enabled)
            button.setToolTip(line.why_not)
            button.setAccessibleDescription(line.why_not)
            button.clicked.connect(lambda _=False, action=line.action: self.chosen.emit(action))
            self.buttons[line.action] = button
            button.setParent(self)
            flow.addWidget(button)
            button.show()
        return flow

    def _also_today(self, card: PersonCard) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for at, other in enumerate(card.also_today):
            line = QHBoxLayout()
            line.setSpacing(10)
            lead = Span(tr("Also today:") + "   ") if at == 0 else Span("")
            words = TextBlock(self.theme, SMALL, "text.secondary")
            words.set_spans((lead, Span(other.words, strong=True)))
            line.addWidget(words, 1)
            if other.status is not None:
                line.addWidget(StatusChip(self.theme, other.status))
            column.addLayout(line)
        return box
