"""Areas that other widgets stand on: they paint the ground, and the shadows and halos around their children."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from desktop.qt.theme import Theme
from desktop.widgets.painting import CARD_RADIUS, draw_box, draw_shadow


@runtime_checkable
class Outlined(Protocol):
    """A widget that wants something drawn around itself (shadow, halo, focus ring) by the surface that it stands on."""

    def paint_outside(self, painter: QPainter, rect: QRect) -> None:
        """Draw around `rect`, the widget's own place in the surface's coordinates."""


class Surface(QWidget):
    """A plain area. `ground` is the token of its colour, or None to let what is beneath show."""

    def __init__(self, theme: Theme, ground: str | None = "surface.base", parent: QWidget | None = None) -> None:
        """Make a surface that repaints when the theme changes."""
        super().__init__(parent)
        self.theme = theme
        self._ground = ground
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground, then what the children want around themselves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_ground(painter)
        for child in self.children():
            if isinstance(child, QWidget) and isinstance(child, Outlined) and not child.isHidden():
                child.paint_outside(painter, child.geometry())
        painter.end()

    def paint_ground(self, painter: QPainter) -> None:
        """Fill the area; cards override it."""
        if self._ground is not None:
            painter.fillRect(self.rect(), self.theme.color(self._ground))


class Card(Surface):
    """A raised card: radius 16, 1 px border, soft shadow (drawn by the surface below)."""

    def __init__(self, theme: Theme, radius: int = CARD_RADIUS, shadow: bool = True) -> None:
        """Make a card; `shadow` False for cards inside cards."""
        super().__init__(theme, None)
        self.radius = radius
        self.shadow = shadow
        self.fill = "surface.raised"
        self.border = "border"

    def paint_ground(self, painter: QPainter) -> None:
        """Paint the card itself."""
        draw_box(painter, self.rect(), self.radius, self.theme.color(self.fill), self.theme.color(self.border))

    def paint_outside(self, painter: QPainter, rect: QRect) -> None:
        """Cast the card's shadow on the surface below."""
        if self.shadow:
            draw_shadow(painter, self.theme, rect, self.radius)


class ScrollArea(QScrollArea):
    """A clear, frameless scroll area with a slim bar; the keyboard scrolls it through its children's focus."""

    def __init__(self, theme: Theme, content: QWidget, parent: QWidget | None = None) -> None:
        """Show `content` at the area's own width, scrolled vertically where it is higher."""
        super().__init__(parent)
        self.theme = theme
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.setWidget(content)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for widget in (self, self.viewport()):
            widget.setAutoFillBackground(False)
        content.setAutoFillBackground(False)
        self.viewport().setBackgroundRole(QPalette.ColorRole.NoRole)
        style_scroll_bars(self, theme)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave the arrows to the page; Page Up and Page Down scroll."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right):
            event.ignore()
        else:
            super().keyPressEvent(event)


def style_scroll_bars(area: QWidget, theme: Theme) -> None:
    """Give `area` slim, round scroll bars in the theme's colours, now and after each change of theme."""

    def apply() -> None:
        handle = theme.color("text.secondary").name()
        area.setStyleSheet(
            "QScrollBar:vertical{background:transparent;width:10px;margin:2px}"
            f"QScrollBar::handle:vertical{{background:{handle};border-radius:3px;min-height:32px}}"
            "QScrollBar:horizontal{background:transparent;height:10px;margin:2px}"
            f"QScrollBar::handle:horizontal{{background:{handle};border-radius:3px;min-width:32px}}"
            "QScrollBar::add-line,QScrollBar::sub-line{width:0;height:0}"
            "QScrollBar::add-page,QScrollBar::sub-page{background:transparent}"
        )

    theme.follow(area, apply)
