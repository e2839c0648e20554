"""What every screen must keep: contrast, visible focus, names for screen readers, no colour literals, large text."""

from __future__ import annotations

import asyncio
import gc
import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget

import desktop
from desktop.qt.dialogs import focusable
from desktop.qt.icons import ICONS, draw_icon
from desktop.qt.theme import Appearance, Theme
from desktop.qt.tokens import Scheme, contrast, load_tokens, token_value
from desktop.screens.attention.card import AttentionCardView
from desktop.screens.desk.page import DeskPage
from desktop.screens.enrol.page import EnrolPage
from desktop.widgets.button import Button
from desktop.widgets.person_card import PersonCardView
from desktop.widgets.records import CardAction, FixKind, StatusKind, Tone
from desktop.widgets.status import LOOKS, TONE_FILL, TONE_TEXT
from desktop.widgets.text import NAME, TextBlock
from tests.gui import pictures
from tests.gui.conftest import Stage, focused, press, show, type_text
from tests.gui.sample_day import SampleDesk, names_of_the_world
from tests.gui.screenshots import PICTURES, Picture, end

pytestmark = pytest.mark.usefixtures("qapp")

READABLE = 4.5
VISIBLE = 3.0  # what is not text: rings, edges of controls
GROUNDS = ("surface.base", "surface.raised", "surface.sunken", "accent.subtle")
OURS = [p for p in PICTURES if p.build.__module__ == pictures.__name__]


def ratio(ink: str, ground: str, scheme: Scheme) -> float:
    """Contrast of two tokens."""
    return contrast(token_value(ink, scheme), token_value(ground, scheme))


def low(pairs: set[tuple[str, str]], least: float) -> list[str]:
    """List the pairs that are below `least`, in words."""
    return [
        f"{ink} on {ground} ({scheme.value}): {ratio(ink, ground, scheme):.2f}"
        for (ink, ground), scheme in itertools.product(sorted(pairs), Scheme)
        if ratio(ink, ground, scheme) < least
    ]


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_every_status_reads_on_every_ground() -> None:
    pairs = {(look.text, look.fill) for look in LOOKS.values() if look.fill is not None}
    bare = [look for look in LOOKS.values() if look.fill is None]
    pairs |= {(look.text, ground) for look in bare for ground in GROUNDS}
    pairs |= {(LOOKS[StatusKind.HELD].text, "waiting.subtle")}
    assert low(pairs, READABLE) == []


def test_every_tone_and_text_reads_on_every_ground() -> None:
    pairs = {(ink, ground) for ink in ("text.primary", "text.secondary") for ground in GROUNDS}
    pairs |= {(ink, ground) for ink in TONE_TEXT.values() for ground in GROUNDS}
    pairs |= {(TONE_TEXT[tone], TONE_FILL[tone]) for tone in Tone}
    pairs |= {("text.primary", TONE_FILL[tone]) for tone in Tone}
    pairs |= {("surface.raised", "refused.text"), ("late.text", "late.subtle")}
    assert low(pairs, READABLE) == []


@pytest.mark.parametrize("kind", list(FixKind))
def test_buttons_read_in_every_state(theme: Theme, kind: FixKind) -> None:
    button = Button(theme, "Check in", kind, key="Enter")
    pairs = set()
    for hovered, down, enabled in itertools.product((False, True), repeat=3):
        button._hovered = hovered
        button.setDown(down)
        button.setEnabled(enabled)
        fill, _border, ink = button.colours()
        grounds = (fill,) if fill is not None else GROUNDS
        pairs |= {(ink, ground) for ground in grounds}
        cap, letters = button._cap_colours()
        pairs.add((letters, cap))
    assert low(pairs, READABLE) == []


def test_the_focus_is_visible_on_every_ground() -> None:
    assert low({("accent", ground) for ground in GROUNDS} | {("accent.on", "accent")}, VISIBLE) == []


def test_no_colour_but_in_the_tokens() -> None:
    literal = re.compile(r"#[0-9A-Fa-f]{3,8}\b|QColor\(\s*\d|GlobalColor\.(?!transparent)|rgba?\(")
    root = Path(desktop.__file__).parent
    found = [
        f"{file.relative_to(root)}:{number}: {line.strip()}"
        for file in sorted(root.rglob("*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if literal.search(line) and not line.strip().startswith("#") and "rrggbb" not in line
    ]
    assert found == []


def test_tokens_are_whole() -> None:
    for name, values in load_tokens().items():
        assert sorted(values) == ["dark", "light"], name
        assert all(re.fullmatch(r"#[0-9A-F]{6}", value) for value in values.values()), name


def test_every_icon_can_be_drawn(theme: Theme) -> None:
    from PySide6.QtCore import QRect
    from PySide6.QtGui import QImage, QPainter

    for name in ICONS:
        image = QImage(32, 32, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        draw_icon(painter, QRect(4, 4, 24, 24), name, theme.color("text.primary"))
        painter.end()
        inked = sum(image.pixelColor(x, y).alpha() > 0 for x in range(32) for y in range(32))
        assert inked > 10, name


def controls(root: QWidget) -> list[QWidget]:
    """Return every visible control below `root`: buttons, fields, and whatever takes the focus."""
    return [
        widget
        for widget in root.findChildren(QWidget)
        if widget.isVisible()
        and (isinstance(widget, QAbstractButton | QLineEdit) or bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus))
        and widget.focusProxy() is None
    ]


@asynccontextmanager
async def built(picture: Picture, appearance: Appearance = Appearance.LIGHT) -> AsyncIterator[QWidget]:
    """Give the window of a picture, shown and settled, and close it afterwards."""
    gc.collect()  # the wrapper of a widget that is gone must not be met at the address where a new one is made
    window = picture.build(Theme(appearance, picture.scale))
    window.resize(1366, 768)
    show(window)
    for _ in range(3):
        await asyncio.sleep(0)
        QApplication.processEvents()
    yield window
    end(window)


@pytest.mark.parametrize("picture", OURS, ids=lambda picture: picture.name)
async def test_every_control_has_a_name_and_only_one_window_is_open(picture: Picture) -> None:
    async with built(picture) as window:
        assert [repr(widget) for widget in controls(window) if not widget.accessibleName()] == []
        assert [w for w in QApplication.topLevelWidgets() if w.isVisible() and w is not window] == []


@pytest.mark.parametrize("name", ["desk-busy", "desk-card", "attention-busy", "enrol-start", "enrol-server", "keys"])
@pytest.mark.parametrize("appearance", [Appearance.LIGHT, Appearance.DARK])
async def test_the_focus_shows_on_every_control(name: str, appearance: Appearance) -> None:
    async with built(next(p for p in OURS if p.name == name), appearance) as window:
        for widget in focusable(window):
            widget.setFocus()
            QApplication.processEvents()
            with_focus = window.grab().toImage()
            widget.clearFocus()
            QApplication.processEvents()
            same = window.grab().toImage() == with_focus
            assert not same, f"{widget!r} looks the same with the focus"


async def test_tab_goes_round_all_controls(stage: Stage) -> None:
    type_text("omar")
    press(Qt.Key.Key_Return)
    await stage.settle()
    wanted = {id(widget) for widget in focusable(stage.window)}
    seen = set()
    for _ in range(len(wanted) + 2):
        press(Qt.Key.Key_Tab)
        seen.add(id(focused()))
    assert wanted <= seen


def texts(root: QWidget) -> list[TextBlock]:
    """Return the paragraphs that are shown below `root`."""
    return [block for block in root.findChildren(TextBlock) if block.isVisible() and block.text]


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
async def test_nothing_on_the_card_is_cut_off(qapp: QApplication, scale: float) -> None:
    theme = Theme(Appearance.LIGHT, scale)
    for people in (None, names_of_the_world()):
        window, model = pictures.desk_window(theme, SampleDesk(people=people))
        show(window)
        model.type_text("a")
        for row in range(len(model.state.results)):
            model.take(row)
            QApplication.processEvents()
            card = window.findChild(PersonCardView)
            assert card is not None
            for block in texts(card):
                assert block.height() >= block.heightForWidth(block.width()), f"{block.text!r} is too low"
                widest = QFontMetricsF(theme.font(block.style_.size, block.style_.weight)).horizontalAdvance("W")
                assert block.width() >= widest, f"{block.text!r} has no room"
                if block._elide:
                    assert block.width() >= block.sizeHint().width(), f"{block.text!r} is elided"
            for button in card.buttons.values():
                assert button.width() >= button.sizeHint().width(), f"{button.words!r} is cut off"
                assert card.rect().contains(button.geometry()), f"{button.words!r} is outside the card"
            model.back()
        end(window)


async def test_large_text_grows_everything_that_is_read(qapp: QApplication) -> None:
    small, large = Theme(Appearance.LIGHT, 1.0), Theme(Appearance.LIGHT, 2.0)
    for size in (11, 13, 16, 28, 40):
        assert large.font(size).pixelSize() == 2 * small.font(size).pixelSize()
    assert Button(large, "Check in", large=True).sizeHint().height() > Button(small, "Check in").sizeHint().height()


async def test_the_scheme_changes_everything_at_once(stage: Stage) -> None:
    type_text("mar lo")
    light = stage.window.grab().toImage()
    stage.window.theme.set_appearance(Appearance.DARK)
    QApplication.processEvents()
    dark = stage.window.grab().toImage()
    page = stage.window.findChild(DeskPage)
    assert page is not None
    bright = [
        (x, y)
        for x in range(0, dark.width(), 40)
        for y in range(0, dark.height(), 40)
        if dark.pixelColor(x, y).lightnessF() > 0.9 and light.pixelColor(x, y).lightnessF() > 0.9
    ]
    assert bright == []


async def test_widgets_that_are_gone_do_not_follow_the_theme(stage: Stage) -> None:
    def followers() -> int:
        return stage.window.theme.receivers("2changed()")  # "2" is Qt's mark of a signal

    async def look_around() -> int:
        for text in ("mar", "omar", "choir", "lo", ""):
            stage.desk.model.type_text(text)
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            QApplication.processEvents()
        stage.desk.model.type_text("mar")
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
        return followers()

    first = await look_around()
    for _ in range(3):
        last = await look_around()
    assert last == first
    stage.window.theme.set_appearance(Appearance.DARK)
    stage.window.theme.set_scale(1.5)


def place(window: QWidget, widget: QWidget) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of `widget` in its window."""
    corner = widget.mapTo(window, QPoint(0, 0))
    return corner.x(), corner.y(), corner.x() + widget.width(), corner.y() + widget.height()


async def test_the_desk_stands_where_the_design_has_it() -> None:
    async with built(next(p for p in OURS if p.name == "desk-busy")) as window:
        page = window.findChild(DeskPage)
        assert page is not None
        wanted = {
            page.field: (100, 69, 1338, 133),
            page.results: (100, 149, 660, 506),
            page.card: (680, 149, 1338, 658),
            page.card.buttons[CardAction.CHECK_IN]: (709, 416, 901, 468),
            page.card.buttons[CardAction.MOVE]: (911, 420, 1026, 464),
            page.recent: (100, 674, 1338, 716),
        }
        for widget, design in wanted.items():
            off = max(abs(ours - theirs) for ours, theirs in zip(place(window, widget), design, strict=True))
            assert off <= 3, f"{widget!r} is at {place(window, widget)}, not at {design}"


async def test_attention_stands_where_the_design_has_it() -> None:
    async with built(next(p for p in OURS if p.name == "attention-busy")) as window:
        cards = window.findChildren(AttentionCardView)
        for card, design in zip(cards, ((100, 69, 1338, 208), (100, 222, 1338, 361)), strict=False):
            off = max(abs(ours - theirs) for ours, theirs in zip(place(window, card), design, strict=True))
            assert off <= 8, f"{card!r} is at {place(window, card)}, not at {design}"
        assert place(window, cards[0].buttons[0])[0] - 181 <= 2


async def test_the_first_run_stands_where_the_design_has_it() -> None:
    async with built(next(p for p in OURS if p.name == "enrol-start")) as window:
        page = window.findChild(EnrolPage)
        assert page is not None
        left, _, right, _ = place(window, page.boxes)
        assert (left, right) == (448, 918)
        assert page.boxes.height() == 72
        assert page.practice.height() == 44


def test_a_long_name_breaks_at_its_hyphen(theme: Theme) -> None:
    words = TextBlock(theme, NAME, text="Adolph Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh")
    whole = TextBlock(theme, NAME, text="Wolfeschlegelsteinhausenbergerdorff-").sizeHint().width()
    assert words.heightForWidth(whole + 10) == 3 * NAME.line
    assert words.heightForWidth(whole - 40) == 3 * NAME.line  # set a little smaller, not broken within the word
    assert words.heightForWidth(whole // 2) > 3 * NAME.line  # too narrow for that: nothing is cut off
