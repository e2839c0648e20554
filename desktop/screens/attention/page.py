"""Attention as it looks: a list of cards, or the good news that there are none."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QVBoxLayout

from desktop.qt.i18n import tr
from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Theme
from desktop.screens.attention.card import AttentionCardView
from desktop.screens.attention.viewmodel import AttentionState, AttentionViewModel
from desktop.widgets.empty import EmptyState
from desktop.widgets.header import PageHeader
from desktop.widgets.message import MessageBox
from desktop.widgets.records import Fix, Tone
from desktop.widgets.surface import ScrollArea, Surface


class AttentionPage(Surface):
    """Draws an `AttentionViewModel`. Tab and the arrows go from fix to fix, Enter does it, Esc leaves a reason."""

    def __init__(self, theme: Theme, model: AttentionViewModel, tasks: TaskOwner) -> None:
        """Make the page; it follows `model` from now on."""
        super().__init__(theme)
        self.model = model
        self._tasks = tasks
        self._shown: tuple[object, ...] | None = None
        self.cards: list[AttentionCardView] = []
        # The page takes the focus only to hand it on; it is no stop of Tab's.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(tr("Needs attention"))
        self.header = PageHeader(theme)
        self.message = MessageBox(theme, Tone.BAD)
        words = tr(
            "When the authority can't do what this desk asked for, it says so here, and stays until you settle it."
        )
        self.empty = EmptyState(theme, "check_circle", tr("Nothing needs attention"), words)
        self.empty.show_words("check_circle", tr("Nothing needs attention"), words, Tone.GOOD)
        self._list = Surface(theme, None)
        self._column = QVBoxLayout(self._list)
        self._column.setContentsMargins(28, 2, 28, 20)
        self._column.setSpacing(15)
        self._column.addStretch(1)
        self.area = ScrollArea(theme, self._list)
        top = QVBoxLayout()
        top.setContentsMargins(28, 0, 28, 0)
        top.setSpacing(11)
        top.addWidget(self.header)
        top.addWidget(self.message)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 20, 0, 0)
        column.setSpacing(11)
        column.addLayout(top)
        column.addWidget(self.area, 1)
        column.addWidget(self.empty, 1)
        model.state_changed.connect(self._show_state)
        self._show_state()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go to the next or previous card, Esc leaves a reason."""
        if event.key() == Qt.Key.Key_Escape and self.model.state.asking is not None:
            self.model.stop_asking()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self._step(1 if event.key() == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Hand the focus to the first fix."""
        super().focusInEvent(event)
        first = next((card for card in self.cards if card.buttons), None)
        if first is not None:
            first.focus_first()

    def _step(self, direction: int) -> None:
        with_fixes = [card for card in self.cards if card.buttons]
        if not with_fixes:
            return
        here = next((at for at, card in enumerate(with_fixes) if card.isAncestorOf(self.focusWidget() or self)), -1)
        at = min(len(with_fixes) - 1, max(0, here + direction))
        with_fixes[at].focus_first()
        self.area.ensureWidgetVisible(with_fixes[at])

    def _show_state(self) -> None:
        state = self.model.state
        subtitle = tr("what this desk asked for, and the authority could not do as asked")
        self.header.show_words(tr("Needs attention"), subtitle, state.clock)
        refused = state.outcome is not None and not state.outcome.ok
        self.message.show_words(state.outcome.words if state.outcome is not None and refused else "")
        self.empty.setVisible(not state.cards)
        self.area.setVisible(bool(state.cards))
        self._show_cards(state)

    def _show_cards(self, state: AttentionState) -> None:
        """Build the cards anew where they differ, and keep the focus near where it was."""
        wanted = (state.cards, state.asking)
        if wanted == self._shown:
            return
        self._shown = wanted
        had_focus = self.isAncestorOf(self.focusWidget() or self)
        before = next((at for at, card in enumerate(self.cards) if card.isAncestorOf(self.focusWidget() or self)), 0)
        for view in self.cards:
            self._column.removeWidget(view)
            view.hide()
            view.deleteLater()
        self.cards = []
        for at, card in enumerate(state.cards):
            asking = state.asking[1] if state.asking is not None and state.asking[0] == card.card_id else ""
            view = AttentionCardView(self.theme, card, asking)
            view.chosen.connect(lambda fix, reason, card_id=card.card_id: self._settle(card_id, fix, reason))
            view.cancelled.connect(self.model.stop_asking)
            self._column.insertWidget(at, view)
            self.cards.append(view)
            if asking:
                before = at
        if had_focus and self.cards:
            self.cards[min(before, len(self.cards) - 1)].focus_first()
        self._list.update()

    def _settle(self, card_id: object, fix: Fix, reason: str | None) -> None:
        card = next(view.card for view in self.cards if view.card.card_id == card_id)
        self._tasks.start(self.model.settle(card.card_id, fix, reason), "settle")
