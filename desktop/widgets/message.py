"""A message within a page: tinted ground, icon, words, and what to do."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from desktop.qt.theme import Theme
from desktop.widgets.empty import IconTile
from desktop.widgets.records import Tone
from desktop.widgets.status import TONE_FILL, TONE_ICON, TONE_TEXT
from desktop.widgets.surface import Card
from desktop.widgets.text import BODY, BODY_STRONG, TextBlock


class MessageBox(Card):
    """Hidden while it has nothing to say."""

    def __init__(self, theme: Theme, tone: Tone) -> None:
        """Make a message of one tone."""
        super().__init__(theme, radius=12, shadow=False)
        self.fill = self.border = TONE_FILL[tone]
        self._words = TextBlock(theme, BODY_STRONG, TONE_TEXT[tone])
        self._detail = TextBlock(theme, BODY)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._words)
        words.addWidget(self._detail)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 10, 16, 10)
        row.setSpacing(8)
        row.addWidget(IconTile(theme, TONE_ICON[tone], tone, 32), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self.show_words("")

    def show_words(self, words: str, detail: str = "") -> None:
        """Show `words`, and `detail` below; nothing at all when there are none."""
        self._words.set_text(words)
        self._detail.set_text(detail)
        self._detail.setVisible(bool(detail))
        self.setAccessibleName(f"{words} {detail}".strip())
        self.setVisible(bool(words))
