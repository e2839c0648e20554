"""Slim scroll bars that lie over a scroll area, for its own would stand beside its round card."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractScrollArea, QScrollBar

from desktop.qt.theme import Theme


def floating_bars(area: QAbstractScrollArea, theme: Theme) -> tuple[QScrollBar, QScrollBar]:
    """Hide the bars of `area` and return (horizontal, vertical) ones over it, which the caller places."""
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    lower, right = QScrollBar(Qt.Orientation.Horizontal, area), QScrollBar(Qt.Orientation.Vertical, area)

    def apply() -> None:
        rest, hover = (theme.color("text.secondary", alpha).name(QColor.NameFormat.HexArgb) for alpha in (0.4, 0.8))
        for bar in (lower, right):
            bar.setStyleSheet(
                "QScrollBar{background:transparent;margin:0px}"
                f"QScrollBar::handle{{background:{rest};border-radius:3px;margin:3px;min-height:32px;min-width:32px}}"
                f"QScrollBar::handle:hover{{background:{hover}}}"
                "QScrollBar::add-line,QScrollBar::sub-line{width:0;height:0}"
                "QScrollBar::add-page,QScrollBar::sub-page{background:transparent}"
            )

    for shown, hidden in ((lower, area.horizontalScrollBar()), (right, area.verticalScrollBar())):
        _tie(shown, hidden)
    apply()
    theme.changed.connect(apply)
    return lower, right


def _tie(shown: QScrollBar, hidden: QScrollBar) -> None:
    """Let a bar that is shown follow and move one that is not; it is there only while there is something to scroll."""

    def follow(least: int, most: int) -> None:
        shown.setRange(least, most)
        shown.setPageStep(hidden.pageStep())
        shown.setVisible(most > least)

    shown.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    shown.hide()
    hidden.rangeChanged.connect(follow)
    hidden.valueChanged.connect(shown.setValue)
    shown.valueChanged.connect(hidden.setValue)
