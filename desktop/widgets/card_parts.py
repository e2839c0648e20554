"""The parts of a person card: heading, claim, a line of advice, a rule."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.chip import StatusChip
from desktop.widgets.records import ClaimLine, HintLine, PersonCard
from desktop.widgets.status import TONE_TEXT
from desktop.widgets.surface import Card
from desktop.widgets.text import LEAD, NAME, STRONG, TIME, TITLE_LARGE, TextBlock


class HintRow(QWidget):
    """One line of advice: icon and words in the colour of their tone."""

    def __init__(self, theme: Theme, hint: HintLine) -> None:
        """Make the line."""
        super().__init__()
        self.theme = theme
        self._hint = hint
        self._text = TextBlock(theme, LEAD, TONE_TEXT[hint.tone], hint.words)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._text)
        self._fit()
        theme.changed.connect(self._fit)

    def _fit(self) -> None:
        self._row.setContentsMargins(self.theme.text_px(18) + 12, 2, 0, 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the icon beside the first line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = self.theme.text_px(19)
        box = QRectF(0, 2 + (self.theme.text_px(LEAD.line) - side) / 2, side, side)
        draw_icon(painter, box, self._hint.icon, self.theme.color(TONE_TEXT[self._hint.tone]))
        painter.end()


class ClaimBox(Card):
    """The claim on a sunken ground: time in large figures, what it is, where it is."""

    def __init__(self, theme: Theme, claim: ClaimLine) -> None:
        """Make the box."""
        super().__init__(theme, radius=12, shadow=False)
        self.fill = self.border = "surface.sunken"
        self._time = TextBlock(theme, TIME, text=claim.time, elide=True)
        self._time.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(TextBlock(theme, STRONG, text=claim.title))
        words.addWidget(TextBlock(theme, LEAD, text=claim.place))
        row = QHBoxLayout(self)
        row.setContentsMargins(18, 13, 18, 13)
        row.setSpacing(20)
        row.addWidget(self._time, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addLayout(words, 1)


class Rule(QWidget):
    """A line across a card."""

    def __init__(self, theme: Theme) -> None:
        """Make a line 1 px high."""
        super().__init__()
        self.theme = theme
        self.setFixedHeight(1)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the line."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.color("border"))
        painter.end()


class Heading(QWidget):
    """Name with its chip at the right, details below."""

    def __init__(self, theme: Theme, card: PersonCard) -> None:
        """Make the heading of `card`."""
        super().__init__()
        chip = StatusChip(theme, card.status)
        # A long name is set smaller before it is broken into many lines; it is never cut off.
        style = NAME if len(card.name) <= 26 and theme.scale <= 1.5 else TITLE_LARGE
        name = TextBlock(theme, style, text=card.name)
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(name, 1)
        top.addWidget(chip, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(TextBlock(theme, LEAD, "text.secondary", card.details))
