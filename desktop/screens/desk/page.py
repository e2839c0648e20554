"""The Desk as it looks: field, matches, card, and the strip of last actions. Every key works without a mouse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSpacerItem, QVBoxLayout

from desktop.qt.i18n import tr
from desktop.qt.sounds import Sound
from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Theme
from desktop.screens.desk.panes import SlotPane, VerdictBanner
from desktop.screens.desk.viewmodel import DeskState, DeskViewModel, Mode, Work
from desktop.widgets.empty import EmptyState
from desktop.widgets.header import PageHeader
from desktop.widgets.person_card import BUTTON_LOOKS, PersonCardView
from desktop.widgets.person_rows import PersonRowPainter
from desktop.widgets.recent import RecentStrip
from desktop.widgets.records import CardAction, Outcome, PersonCard, Span, Tone
from desktop.widgets.row_list import RowList
from desktop.widgets.search_field import SearchField
from desktop.widgets.surface import Surface

_SOUNDS = {Tone.GOOD: Sound.ACCEPT, Tone.WARN: Sound.WARN, Tone.BAD: Sound.REFUSE}

# Below this width (in pixels before text scaling) matches and card don't stand side by side.
_SIDE_BY_SIDE = 860


class DeskPage(Surface):
    """Draws a `DeskViewModel`. `print_card` prints a person's slip; without it the card offers no Print."""

    def __init__(
        self,
        theme: Theme,
        model: DeskViewModel,
        tasks: TaskOwner,
        play: Callable[[Sound], None],
        print_card: Callable[[PersonCard], Outcome] | None = None,
    ) -> None:
        """Make the page; it follows `model` from now on."""
        super().__init__(theme)
        self.model = model
        self._tasks = tasks
        self._play = play
        self._print = print_card
        self._sounded = 0
        self._mode: Mode | None = None
        self._compact = False
        self.header = PageHeader(theme)
        self.field = SearchField(theme, tr("Search"), tr("scan a code, or type a name"))
        self.results = RowList(theme, PersonRowPainter(theme), tr("Matches"))
        self.results.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.banner = VerdictBanner(theme)
        self.card = PersonCardView(theme)
        self.slots = SlotPane(theme)
        self.empty = EmptyState(theme, "scan", "", "")
        self.recent = RecentStrip(theme)
        self.setFocusProxy(self.field)
        self.setAccessibleName(tr("Desk"))
        self._build()
        self._connect()
        self._show_state()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that neither field nor card used: arrows, Esc, the card's letters, and the first letter of a name."""
        key, mode = event.key(), self.model.state.mode
        if key == Qt.Key.Key_Escape:
            self.model.back()
        elif mode is Mode.SEARCH and key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.model.select(self.model.state.selected + (1 if key == Qt.Key.Key_Down else -1))
        elif mode is not Mode.SEARCH and event.isAutoRepeat():
            event.accept()  # a key held down acts once
        elif mode is Mode.CARD and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._press_first()
        elif mode is Mode.CARD and self._press_letter(event.text()):
            pass
        elif mode is not Mode.SEARCH and event.text().isprintable() and event.text().strip():
            self._begin_typing(event.text())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show matches and card side by side where there is room."""
        super().resizeEvent(event)
        self._arrange()

    # ---- what the palette can do

    def start_over(self) -> None:
        """Go to an empty field."""
        self.model.type_text("")
        self.model.back()
        self.field.setFocus()

    def undo_last(self) -> None:
        """Undo the newest action of this desk."""
        self._start(self.model.undo_last(), "undo")

    def press_enter(self) -> None:
        """Do what Enter does now: take the first match, or the card's primary action."""
        if self.model.state.mode is Mode.CARD:
            self._press_first()
        else:
            self._enter()

    def press(self, action: CardAction) -> None:
        """Press a button of the card."""
        self.card.press(action)

    def can_press(self, action: CardAction) -> bool:
        """Whether the card has that button, ready to be pressed."""
        button = self.card.buttons.get(action)
        return button is not None and button.isEnabled()

    def focus_members(self) -> None:
        """Give the focus to the members of the group on the card, if it is one."""
        if self.card.members is not None:
            self.card.members.setFocus()

    def focus_card(self) -> None:
        """Give the keys to the card, after the page as a whole was given them."""
        self.card.focus_first()

    # ---- building

    def _build(self) -> None:
        self._left = QVBoxLayout()
        self._left.setSpacing(0)
        self._left.addWidget(self.results)
        self._left.addStretch(1)
        self._right = QVBoxLayout()
        self._right.setSpacing(12)
        self._right.addWidget(self.banner)
        self._right.addWidget(self.card, 1)
        self._right.addWidget(self.slots, 1)
        self._right.addStretch(0)
        self._middle = QHBoxLayout()
        self._middle.setSpacing(20)
        self._middle.addLayout(self._left, 560)
        self._middle.addWidget(self.empty, 560)
        self._middle.addLayout(self._right, 658)
        column = QVBoxLayout(self)
        column.setContentsMargins(28, 20, 28, 20)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addSpacing(13)
        column.addWidget(self.field)
        self._below_field = QSpacerItem(0, 16, QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self._above_recent = QSpacerItem(0, 16, QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        column.addItem(self._below_field)
        column.addLayout(self._middle, 1)
        column.addItem(self._above_recent)
        column.addWidget(self.recent)
        self._column = column

    def _connect(self) -> None:
        model = self.model
        model.state_changed.connect(self._show_state)
        self.theme.changed.connect(self._arrange)
        self.field.text_edited.connect(model.type_text)
        self.field.submitted.connect(self._enter)
        self.results.taken.connect(model.take)
        self.card.chosen.connect(self._chosen)
        self.card.ticked.connect(lambda person, here: self._start(model.tick(person, here), "tick"))
        self.slots.list.moved.connect(model.select_slot)
        self.slots.list.taken.connect(lambda row: self._start(model.take_slot(row), "take slot"))
        self.recent.undo.connect(lambda command: self._start(model.undo(command), "undo"))

    # ---- showing

    def _show_state(self) -> None:
        state = self.model.state
        header = state.header
        self.header.show_words(header.title, header.subtitle, header.clock)
        of = tr("of {total} here", total=header.total)
        if header.day:
            of = tr("of {total} here on {day}", total=header.total, day=header.day)
        here = Span(str(header.here), strong=True), Span(" " + of)
        self.header.show_figures(here)
        self.field.set_text(state.query)
        self.results.set_rows(state.results, state.selected)
        self.card.show_card(self._without_print(state.card))
        self.slots.show_slots(state)
        self.banner.show_verdict(state.verdict)
        self.recent.show_actions(state.recent)
        self._show_empty(state)
        self._arrange()
        self._follow_mode(state.mode)
        self._sound(state)
        self.update()

    def _show_empty(self, state: DeskState) -> None:
        if state.header.loading:
            words = tr("Names and codes can be found once it is whole.")
            self.empty.show_words("download", tr("Fetching the day…"), f"{state.header.loading} {words}")
            self.empty.show_keys([(tr("F1"), tr("all keys"))])
            return
        if state.query.strip() and not state.results:
            title = tr("Nobody called “{name}”", name=state.query.strip())
            words = tr(
                "Try fewer letters, the school or the code. Or press Enter: a walk-in, into the nearest open slot."
            )
            self.empty.show_words("walk_in", title, words)
            self.empty.show_keys([(tr("Enter"), tr("walk-in")), (tr("Esc"), tr("start again"))])
            return
        title = tr("Ready for the next")
        words = tr("Scan a code, or type the first letters of a name, a school or a group.")
        self.empty.show_words("scan", title, words)
        self.empty.show_keys(
            [(tr("Enter"), tr("take, then check in")), (tr("Ctrl Z"), tr("undo")), (tr("F1"), tr("all keys"))]
        )

    def _arrange(self) -> None:
        """Decide which of the panes are there: side by side, or one at a time where text is large."""
        state = self.model.state
        self._compact = self.width() - 56 < _SIDE_BY_SIDE * self.theme.scale
        looking = state.mode is Mode.SEARCH
        has_right = state.card is not None or state.mode is Mode.SLOTS or state.verdict is not None
        right_first = not looking or (not state.results and has_right)
        show_right = has_right and (not self._compact or right_first)
        show_left = not (self._compact and show_right)
        self.results.setVisible(show_left and bool(state.results))
        self.empty.setVisible(show_left and not state.results)
        self.card.setVisible(show_right and state.mode is not Mode.SLOTS and state.card is not None)
        self.slots.setVisible(show_right and state.mode is Mode.SLOTS)
        self.banner.setVisible(show_right and state.verdict is not None)
        # One thing at a time: while a card or the slots have the keys, they also have the room.
        alone = self._compact and not looking
        self.field.setVisible(not alone)
        self.recent.setVisible(not alone)
        for gap in (self._below_field, self._above_recent):
            gap.changeSize(0, 0 if alone else 16, QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self._column.invalidate()
        self._middle.setStretch(0, 560 if self.results.isVisibleTo(self) else 0)
        self._middle.setStretch(1, 560 if self.empty.isVisibleTo(self) else 0)
        self._middle.setStretch(2, 658 if show_right else 0)
        filled = self.card.isVisibleTo(self) or self.slots.isVisibleTo(self)
        self._right.setStretch(3, 0 if filled else 1)

    def _follow_mode(self, mode: Mode) -> None:
        """Give the focus to the part that has the keys now, once per change."""
        if mode is self._mode and not (mode is Mode.CARD and self.focusWidget() is None):
            return
        self._mode = mode
        if mode is Mode.SEARCH:
            self.field.setFocus()
        elif mode is Mode.CARD:
            self.card.focus_first()
        else:
            self.slots.list.setFocus()

    def _sound(self, state: DeskState) -> None:
        verdict = state.verdict
        if verdict is None or verdict.serial <= self._sounded:
            return
        self._sounded = verdict.serial
        sound = _SOUNDS.get(verdict.tone)
        if sound is not None:
            self._play(sound)

    def _without_print(self, card: PersonCard | None) -> PersonCard | None:
        if card is None or self._print is not None:
            return card
        kept = tuple(button for button in card.buttons if button.action is not CardAction.PRINT)
        return card if kept == card.buttons else replace(card, buttons=kept)

    # ---- keys

    def _press_first(self) -> None:
        """Enter: the card's primary action; where there is none, done with this card."""
        primary = self.card.primary
        if primary is None:
            self.model.back()
        else:
            self.card.press(primary)

    def _press_letter(self, text: str) -> bool:
        """Press the button whose cap shows `text`; the first button answers to Enter alone, and to its letter."""
        for action, (_words, _icon, key) in BUTTON_LOOKS.items():
            if text and text.upper() == key and action in self.card.buttons:
                return self.card.press(action)
        return False

    def _enter(self) -> None:
        self._start(self.model.enter(), "enter")

    def _begin_typing(self, text: str) -> None:
        """Start a new search with `text`: a scan or the next name may begin at any time."""
        self.model.type_text(text)
        self.field.setFocus()

    def _chosen(self, action: CardAction) -> None:
        card = self.model.state.card
        if action is CardAction.PRINT:
            if self._print is not None and card is not None:
                self.model.say(self._print(card))
            return
        self._start(self.model.act(action), action.value)

    def _start(self, work: Work | None, name: str) -> None:
        if work is not None:
            self._tasks.start(work, name)
