"""A notice at the foot of the window: an icon, words, an optional action; it goes away by itself or by Esc."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.widgets.empty import IconTile
from desktop.widgets.link import LinkButton
from desktop.widgets.records import Tone
from desktop.widgets.status import TONE_ICON
from desktop.widgets.surface import Card
from desktop.widgets.text import BODY_STRONG, TextBlock


class NoticeBar(Card):
    """One line of words on a raised card; wraps where it is long."""

    def __init__(self, theme: Theme, tone: Tone, words: str, parent: QWidget | None = None) -> None:
        """Make the bar; `close.clicked` says that somebody has seen it."""
        super().__init__(theme, radius=12)
        self.setParent(parent)
        self.setAccessibleName(words)
        self._tile = IconTile(theme, TONE_ICON[tone], tone, 32)
        self.words = TextBlock(theme, BODY_STRONG, text=words)
        self.close_button = LinkButton(theme, tr("Close"), "text.secondary")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 10, 12, 10)
        row.setSpacing(12)
        row.addWidget(self._tile, 0, Qt.AlignmentFlag.AlignVCenter)
        middle = QVBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self.words)
        middle.addStretch(1)
        row.addLayout(middle, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Up to 560 px wide, as high as the words need."""
        width = min(self.theme.text_px(560), super().sizeHint().width())
        return QSize(width, self.heightForWidth(width))
