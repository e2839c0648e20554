"""Text that wraps anywhere it must, with exact line heights, bold runs and the hollow dot of "not yet confirmed"."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.qt.theme import Theme
from desktop.widgets.records import Span

# The place that the hollow dot is drawn in: a no-break space and an en-space keep it with its word.
_DOT_GAP = "\u00a0\u2002"

# A width at which nothing wraps.
_WIDE = 100_000

# What stays on one line: a word, or the part of it up to a hyphen. To keep it so, a paragraph is set this much smaller.
_PIECES = re.compile(r"[^\s-]+-?")
_SMALLEST = 0.7


@dataclass(frozen=True, slots=True)
class TextStyle:
    """Font size and line height in pixels before scaling, weight, and whether figures are of one width."""

    size: int
    line: int
    weight: int = 400
    tabular: bool = False


NAME = TextStyle(40, 46, 700)
TIME = TextStyle(40, 44, 700, tabular=True)
TITLE_LARGE = TextStyle(28, 36, 700)
CLOCK = TextStyle(28, 36, 600, tabular=True)
TITLE = TextStyle(20, 28, 700)
LEAD = TextStyle(16, 24)
STRONG = TextStyle(16, 24, 600)
BODY = TextStyle(14, 20)
BODY_STRONG = TextStyle(14, 20, 600)
SMALL = TextStyle(13, 20)
SMALL_STRONG = TextStyle(13, 20, 600)
TINY = TextStyle(12, 16)


class TextBlock(QWidget):
    """A paragraph. It wraps at words, or within a word that alone is too wide, so that nothing is cut off.

    `elide` keeps it on one line instead, ended by "…" where it does not fit; the whole text is then the tool tip.
    """

    def __init__(
        self,
        theme: Theme,
        style: TextStyle,
        token: str = "text.primary",
        text: str = "",
        elide: bool = False,
        centred: bool = False,
    ) -> None:
        """Make a paragraph in `style`, coloured by `token`; `centred` puts its lines in the middle."""
        super().__init__()
        self._centred = centred
        self.theme = theme
        self.style_ = style
        self._token = token
        self._spans: tuple[Span, ...] = ()
        self._elide = elide
        vertical = QSizePolicy.Policy.Fixed if elide else QSizePolicy.Policy.Minimum
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        policy.setHeightForWidth(not elide)
        self.setSizePolicy(policy)
        theme.changed.connect(self._theme_changed)
        self.set_text(text)

    @property
    def text(self) -> str:
        """The words as plain text."""
        return "".join(span.text for span in self._spans)

    def set_text(self, text: str) -> None:
        """Show one plain run of text."""
        self.set_spans((Span(text),) if text else ())

    def set_spans(self, spans: Sequence[Span]) -> None:
        """Show several runs, some of them strong or pending."""
        if tuple(spans) == self._spans:
            return
        self._spans = tuple(spans)
        self.setAccessibleName(self.text)
        self.updateGeometry()
        self.update()

    def set_token(self, token: str) -> None:
        """Change the colour to another token."""
        self._token = token
        self.update()

    def hasHeightForWidth(self) -> bool:
        """A paragraph that wraps is higher where it is narrower."""
        return not self._elide

    def heightForWidth(self, width: int) -> int:
        """Return the height in pixels that the paragraph takes at `width`."""
        if self._elide or not self._spans:
            return self.theme.text_px(self.style_.line)
        return self._lay_out(width).lineCount() * self.theme.text_px(self.style_.line)

    def sizeHint(self) -> QSize:
        """One line as wide as the text."""
        layout = self._lay_out(_WIDE)
        width = layout.lineAt(0).naturalTextWidth() if layout.lineCount() else 0.0
        return QSize(math.ceil(width), self.theme.text_px(self.style_.line))

    def minimumSizeHint(self) -> QSize:
        """A paragraph may become narrow, never lower than a line."""
        return QSize(min(self.sizeHint().width(), self.theme.text_px(60)), self.theme.text_px(self.style_.line))

    def line_count(self) -> int:
        """Return how many lines the paragraph takes now."""
        return self._lay_out(self.width()).lineCount()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the lines, then the hollow dots."""
        if not self._spans:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self.theme.color(self._token))
        layout = self._lay_out(self.width())
        line_height = self.theme.text_px(self.style_.line)
        layout.draw(painter, QPointF(0, 0))
        at = 0
        for span in self._spans:
            at += len(span.text) + (len(_DOT_GAP) if span.pending else 0)
            if span.pending:
                self._paint_dot(painter, layout, at - 1, line_height)
        painter.end()

    def _paint_dot(self, painter: QPainter, layout: QTextLayout, at: int, line_height: int) -> None:
        line = layout.lineForTextPosition(at)
        left: object = line.cursorToX(at)
        x = left[0] if isinstance(left, tuple) else left
        assert isinstance(x, float)
        radius = self.theme.text_px(3.5)
        centre = QPointF(x + radius, line.lineNumber() * line_height + line_height / 2)
        painter.drawEllipse(centre, radius, radius)

    def _lay_out(self, width: int) -> QTextLayout:
        text = "".join(span.text + (_DOT_GAP if span.pending else "") for span in self._spans)
        if not self._elide or width >= _WIDE:
            return self._break_lines(text, width)
        layout = self._break_lines(text, _WIDE)
        if layout.lineCount() == 0 or layout.lineAt(0).naturalTextWidth() <= width + 1:
            return layout
        self.setToolTip(self.text)
        short, long = 0, len(text)
        while short < long:  # the longest beginning that fits with its ellipsis
            middle = (short + long + 1) // 2
            # The layout needs a name: a line points into it and must not outlive it.
            trial = self._break_lines(text[:middle].rstrip() + "…", _WIDE)
            fits = trial.lineAt(0).naturalTextWidth() <= width + 1
            short, long = (middle, long) if fits else (short, middle - 1)
        return self._break_lines(text[:short].rstrip() + "…", _WIDE)

    def _break_lines(self, text: str, width: int) -> QTextLayout:
        font = _fitting(self.theme.font(self.style_.size, self.style_.weight, self.style_.tabular), text, width)
        metrics = QFontMetricsF(font)
        layout = QTextLayout(text, font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.setFormats(self._formats(len(text)))
        line_height = self.theme.text_px(self.style_.line)
        layout.beginLayout()
        top = 0.0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(1, width))
            # Centre capitals in the line's height: a fallback font's taller line must not push the text down.
            base = round(top + (line_height + metrics.capHeight()) / 2)
            left = max(0.0, (width - line.naturalTextWidth()) / 2) if self._centred and width < _WIDE else 0.0
            line.setPosition(QPointF(left, base - line.ascent()))
            top += line_height
        layout.endLayout()
        return layout

    def _formats(self, length: int) -> list[QTextLayout.FormatRange]:
        formats = []
        at = 0
        for span in self._spans:
            if span.strong and at < length:
                form = QTextCharFormat()
                form.setFont(self.theme.font(self.style_.size, 600, self.style_.tabular))
                form.setForeground(self.theme.color("text.primary"))
                piece = QTextLayout.FormatRange()
                piece.start = at
                piece.length = min(len(span.text), length - at)
                piece.format = form
                formats.append(piece)
            at += len(span.text) + (len(_DOT_GAP) if span.pending else 0)
        return formats

    def _theme_changed(self) -> None:
        self.updateGeometry()
        self.update()


def _fitting(font: QFont, text: str, width: int) -> QFont:
    """`font`, somewhat smaller where a word (or the part of it up to a hyphen) would otherwise break in its middle."""
    metrics = QFontMetricsF(font)
    longest = max((metrics.horizontalAdvance(piece) for piece in _PIECES.findall(text)), default=0.0)
    if longest <= width or width < longest * _SMALLEST:
        return font
    smaller = QFont(font)
    smaller.setPixelSize(int(font.pixelSize() * width / longest))
    return smaller
