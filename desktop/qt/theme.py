"""The theme: tokens, fonts and the text scale, handed to every widget that paints."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import fontpkg
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyle

from desktop.qt.tokens import Scheme, token_value

SCALES = (1.0, 1.1, 1.25, 1.5, 1.75, 2.0)
FAMILY = "Inter"

# Qt asks the platform for synthetic bold from 700 up and smears a variable font with it. The weight axis gives
# Inter its true weight; the nominal weight only chooses the weight of fallback fonts, and stays below that line.
_HEAVIEST_NOMINAL = 600


class Appearance(StrEnum):
    """What the person chose; SYSTEM follows the desktop's own scheme."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


def load_fonts() -> None:
    """Register Inter with Qt once per application; needs a QGuiApplication."""
    if FAMILY in QFontDatabase.families():
        return
    for file in fontpkg.family("inter").files:
        if file.style == "normal" and QFontDatabase.addApplicationFont(str(file.path)) < 0:
            raise RuntimeError(f"The font file {file.path} can't be read; reinstall fontpkg-inter.")


class _Follower(QObject):
    """Applies the theme anew after each change, for as long as its owner lives."""

    def __init__(self, owner: QObject, apply: Callable[[], None]) -> None:
        super().__init__(owner)
        self._apply = apply

    def follow(self) -> None:
        self._apply()


class Theme(QObject):
    """Colours, fonts and sizes in use. `changed` says that everything should be drawn again."""

    changed = Signal()

    def __init__(self, appearance: Appearance = Appearance.SYSTEM, scale: float = 1.0) -> None:
        """Make a theme; `scale` is the text scale, 1.0 to 2.0."""
        super().__init__()
        load_fonts()
        self._appearance = appearance
        self._scale = min(2.0, max(1.0, scale))
        self._fonts: dict[tuple[int, int, bool], QFont] = {}
        self._scheme = self._resolve()
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._system_changed)

    @property
    def scheme(self) -> Scheme:
        """The scheme in use, light or dark."""
        return self._scheme

    @property
    def appearance(self) -> Appearance:
        """What was chosen: light, dark, or as the system says."""
        return self._appearance

    @property
    def scale(self) -> float:
        """The text scale, 1.0 to 2.0."""
        return self._scale

    @property
    def reduced_motion(self) -> bool:
        """Whether the system asks for less motion: then nothing moves that is not moved by hand."""
        # QStyleHints.accessibility() would say it directly, but PySide6 6.12 deletes the hints that it returns.
        return QApplication.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0

    def follow(self, owner: QObject, apply: Callable[[], None]) -> None:
        """Call `apply` now and after each change, until `owner` is destroyed.

        A plain function connected to `changed` would outlive the widget that it changes.
        """
        follower = _Follower(owner, apply)
        self.changed.connect(follower.follow)
        apply()

    def set_appearance(self, appearance: Appearance) -> None:
        """Choose light, dark or the system's scheme."""
        self._appearance = appearance
        self._refresh()

    def set_scale(self, scale: float) -> None:
        """Choose the text scale; it is held between 1.0 and 2.0."""
        self._scale = min(2.0, max(1.0, scale))
        self._fonts.clear()
        self._refresh()

    def step_scale(self, direction: int) -> None:
        """Go one step up (+1) or down (-1) in the list of text scales."""
        nearest = min(range(len(SCALES)), key=lambda at: abs(SCALES[at] - self._scale))
        self.set_scale(SCALES[min(len(SCALES) - 1, max(0, nearest + direction))])

    def color(self, token: str, alpha: float = 1.0) -> QColor:
        """Return the colour of a token, with `alpha` from 0 (clear) to 1 (solid)."""
        color = QColor(token_value(token, self._scheme))
        color.setAlphaF(alpha)
        return color

    def text_px(self, size: float) -> int:
        """Scale a size that follows the text (a font size, a line height), in pixels."""
        return round(size * self._scale)

    def control_px(self, height: int) -> int:
        """Scale the height of a control: its padding stays, its line of text grows."""
        return round(height + (self._scale - 1.0) * min(height, 24))

    def font(self, size: int, weight: int = 400, tabular: bool = False) -> QFont:
        """Return Inter at `size` pixels before scaling; `tabular` gives figures of one width (times, counts)."""
        key = (size, weight, tabular)
        if key not in self._fonts:
            self._fonts[key] = self._make_font(self.text_px(size), weight, tabular)
        return self._fonts[key]

    def palette(self) -> QPalette:
        """Build the palette that Qt's own widgets (menus, scroll bars, tool tips) use."""
        palette = QPalette()
        pairs = {
            QPalette.ColorRole.Window: "surface.base",
            QPalette.ColorRole.WindowText: "text.primary",
            QPalette.ColorRole.Base: "surface.raised",
            QPalette.ColorRole.AlternateBase: "surface.sunken",
            QPalette.ColorRole.Text: "text.primary",
            QPalette.ColorRole.PlaceholderText: "text.secondary",
            QPalette.ColorRole.Button: "surface.raised",
            QPalette.ColorRole.ButtonText: "text.primary",
            QPalette.ColorRole.ToolTipBase: "surface.raised",
            QPalette.ColorRole.ToolTipText: "text.primary",
            QPalette.ColorRole.Highlight: "accent",
            QPalette.ColorRole.HighlightedText: "accent.on",
            QPalette.ColorRole.Link: "accent",
            QPalette.ColorRole.Mid: "border",
        }
        for role, token in pairs.items():
            palette.setColor(role, self.color(token))
        for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, self.color("text.secondary"))
        return palette

    @staticmethod
    def _make_font(pixels: int, weight: int, tabular: bool) -> QFont:
        font = QFont(FAMILY)
        font.setPixelSize(pixels)
        font.setWeight(QFont.Weight(min(weight, _HEAVIEST_NOMINAL)))
        font.setVariableAxis(QFont.Tag("wght"), weight)
        font.setVariableAxis(QFont.Tag("opsz"), min(32, max(14, pixels)))
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        if tabular:
            font.setFeature(QFont.Tag("tnum"), 1)
        return font

    @classmethod
    def print_font(cls, pixels: int, weight: int) -> QFont:
        """Return Inter at `pixels` of the printer's own, whatever the text scale of the screen."""
        return cls._make_font(pixels, weight, False)

    def _resolve(self) -> Scheme:
        if self._appearance is not Appearance.SYSTEM:
            return Scheme(self._appearance.value)
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return Scheme.DARK if dark else Scheme.LIGHT

    def _refresh(self) -> None:
        self._scheme = self._resolve()
        self.changed.emit()

    def _system_changed(self) -> None:
        if self._appearance is Appearance.SYSTEM:
            self._refresh()
