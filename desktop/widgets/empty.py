"""What a screen shows when it has nothing to show: an icon, a sentence, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.button import Button
from desktop.widgets.chip import KeyCap
from desktop.widgets.flow import FlowLayout
from desktop.widgets.painting import draw_box
from desktop.widgets.records import Tone
from desktop.widgets.status import TONE_FILL, TONE_TEXT
from desktop.widgets.surface import Surface
from desktop.widgets.text import BODY, SMALL, TITLE, TextBlock


class IconTile(QWidget):
    """A rounded square with an icon, coloured by tone; `side` in pixels before scaling."""

    def __init__(self, theme: Theme, icon: str, tone: Tone = Tone.NOTE, side: int = 44) -> None:
        """Make a tile."""
        super().__init__()
        self.theme = theme
        self._icon = icon
        self._tone = tone
        self._side = side
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)

    def set_look(self, icon: str, tone: Tone) -> None:
        """Show another icon and tone."""
        self._icon, self._tone = icon, tone
        self.update()

    def sizeHint(self) -> QSize:
        """A square."""
        side = self.theme.text_px(self._side)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint ground and icon."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = 12 if self._side <= 48 else 20
        draw_box(painter, self.rect(), radius, self.theme.color(TONE_FILL[self._tone]))
        side = self.width() // 2
        corner = QRect(0, 0, side, side)
        corner.moveCenter(self.rect().center())
        draw_icon(painter, QRectF(corner), self._icon, self.theme.color(TONE_TEXT[self._tone]))
        painter.end()


class EmptyState(Surface):
    """Icon, title, words; below them keys with their meaning, or buttons."""

    def __init__(self, theme: Theme, icon: str, title: str, words: str, parent: QWidget | None = None) -> None:
        """Make an empty state."""
        super().__init__(theme, None, parent)
        self._tile = IconTile(theme, icon, Tone.NOTE, 72)
        self._title = TextBlock(theme, TITLE, text=title, centred=True)
        self._words = TextBlock(theme, BODY, "text.secondary", words, centred=True)
        self._keys = QWidget()
        self._flow = FlowLayout(self._keys, spacing=18, line_spacing=10, centred=True)
        self._buttons = Surface(theme, None)
        self._button_flow = FlowLayout(self._buttons, centred=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addStretch(1)
        column.addWidget(self._tile, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(20)
        column.addWidget(self._title)
        column.addSpacing(4)
        column.addWidget(self._words)
        column.addSpacing(20)
        column.addWidget(self._keys)
        column.addWidget(self._buttons)
        column.addStretch(2)
        self._keys.hide()
        self._buttons.hide()

    @property
    def title(self) -> str:
        """The sentence that is shown."""
        return self._title.text

    def show_words(self, icon: str, title: str, words: str, tone: Tone = Tone.NOTE) -> None:
        """Show other words."""
        self._tile.set_look(icon, tone)
        self._title.set_text(title)
        self._words.set_text(words)
        self._words.setVisible(bool(words))

    def show_keys(self, keys: Sequence[tuple[str, str]]) -> None:
        """Show keys and what they do: [("Enter", "check in")]."""
        self._flow.clear()
        for key, words in keys:
            self._flow.addWidget(_KeyLine(self.theme, key, words))
        self._keys.setVisible(bool(keys))

    def show_buttons(self, buttons: Sequence[Button]) -> None:
        """Show buttons instead of the ones before."""
        self._button_flow.clear()
        for button in buttons:
            self._button_flow.addWidget(button)
        self._buttons.setVisible(bool(buttons))


class _KeyLine(QWidget):
    def __init__(self, theme: Theme, key: str, words: str) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(KeyCap(theme, key), 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(TextBlock(theme, SMALL, "text.secondary", words, elide=True))
