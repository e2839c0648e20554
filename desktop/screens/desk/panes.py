"""Two panes that only the Desk draws: the list of slots to choose from, and the banner of the last verdict."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout

from desktop.qt.announce import announce
from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.screens.desk.viewmodel import DeskState, Mode, SlotsFor, Verdict
from desktop.widgets.chip import KeyCap
from desktop.widgets.empty import IconTile
from desktop.widgets.person_rows import SlotRowPainter
from desktop.widgets.records import Tone
from desktop.widgets.row_list import RowList
from desktop.widgets.status import TONE_FILL, TONE_ICON, TONE_TEXT
from desktop.widgets.surface import Card
from desktop.widgets.text import BODY, SMALL, STRONG, TITLE, TextBlock


class VerdictBanner(Card):
    """What the last action came to, in one glance: coloured ground, icon, words."""

    def __init__(self, theme: Theme) -> None:
        """Make a hidden banner."""
        super().__init__(theme, shadow=False)
        self._verdict: Verdict | None = None
        self._tile = IconTile(theme, "check_circle", Tone.GOOD, 40)
        self._words = TextBlock(theme, STRONG)
        self._detail = TextBlock(theme, BODY, "text.primary")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._words)
        words.addWidget(self._detail)
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 12, 20, 12)
        row.setSpacing(12)
        row.addWidget(self._tile, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addLayout(words, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.hide()

    def show_verdict(self, verdict: Verdict | None) -> None:
        """Show `verdict`, or nothing."""
        if verdict == self._verdict or verdict is None:
            self._verdict = verdict
            return
        self._verdict = verdict
        self.fill = self.border = TONE_FILL[verdict.tone]
        self._tile.set_look(TONE_ICON[verdict.tone], verdict.tone)
        self._words.set_text(verdict.words)
        self._words.set_token(TONE_TEXT[verdict.tone])
        self._detail.set_text(verdict.detail)
        self._detail.setVisible(bool(verdict.detail))
        said = f"{verdict.words} {verdict.detail}".strip()
        self.setAccessibleName(said)
        announce(self, said)
        self.update()


class SlotPane(Card):
    """A title, the slots nearest first, and the keys that work here."""

    def __init__(self, theme: Theme) -> None:
        """Make an empty pane."""
        super().__init__(theme)
        self._title = TextBlock(theme, TITLE)
        self._none = TextBlock(theme, BODY, "text.secondary", tr("No slot is open. Esc goes back."))
        self.list = RowList(theme, SlotRowPainter(theme), tr("Slots"))
        keys = QHBoxLayout()
        keys.setSpacing(8)
        for key, words in ((tr("Enter"), tr("take it")), (tr("Esc"), tr("back"))):
            keys.addWidget(KeyCap(theme, key))
            keys.addWidget(TextBlock(theme, SMALL, "text.secondary", words, elide=True))
            keys.addSpacing(8)
        keys.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(28, 20, 28, 20)
        column.setSpacing(14)
        column.addWidget(self._title)
        column.addWidget(self._none)
        column.addWidget(self.list)
        column.addLayout(keys)
        column.addStretch(1)
        self.list.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def show_slots(self, state: DeskState) -> None:
        """Show the slots of `state`, with a title that says for whom."""
        if state.mode is not Mode.SLOTS:
            return
        name = state.card.name if state.card is not None else ""
        titles = {
            SlotsFor.MOVE: tr("Move {name} to…", name=name),
            SlotsFor.RESERVE: tr("Reserve for {name}…", name=name),
            SlotsFor.WALK_IN: tr("Walk-in: {name}", name=state.query.strip()),
        }
        self._title.set_text(titles[state.slots_for])
        self.list.set_rows(state.slots, state.slot_at)
        self.list.setVisible(bool(state.slots))
        self._none.setVisible(not state.slots)
