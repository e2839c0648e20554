"""The real desk in a process of its own, offscreen, obeying JSON lines: ``python -m tests.e2e.desk_driver [OPTIONS]``.

A line on stdin says what to do: ``{"do": "check_in", "who": "María López-Ruiz"}``. It is done with keys, as a person
would, and answered by a line on stdout once the screen has said so: ``{"ok": true, "words": "…", "command": "…"}``.
The options are those of ``callboard``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from desktop.app import Application, keep_log, read_options
from desktop.qt.loop import run
from desktop.screens.desk.page import DeskPage
from desktop.screens.desk.viewmodel import Mode
from desktop.session import DeskSession
from desktop.widgets.records import AttentionCard, CardAction, Fix, PersonCard, SlotLine, Tone
from server_sync.protocol.ids import read_ref, scan_code

READY_SECONDS = 50.0
STEP = 0.01

Answer = dict[str, Any]


class Refused(Exception):
    """The screen does not let that be done; its text says why."""


class Driver:
    """Plays the person at one desk."""

    def __init__(self, application: Application) -> None:
        self._app = application
        self._verbs: dict[str, Callable[[Answer], Awaitable[Answer]]] = {
            "ready": self.ready, "search": self.search, "card": self.card, "check_in": self.check_in,
            "no_show": self.no_show, "undo": self.undo, "slots": self.slots, "move": self.move,
            "reserve": self.reserve, "walk_in": self.walk_in, "attention": self.attention, "settle": self.settle,
            "status": self.status, "wait": self.wait, "show": self.show, "screenshot": self.screenshot,
        }  # fmt: skip

    async def obey(self, line: str) -> Answer:
        """Do what one line says."""
        try:
            asked = json.loads(line)
            verb = self._verbs.get(asked.get("do"))
            if verb is None:
                raise Refused(f"there is no {asked.get('do')!r}; there are {', '.join(self._verbs)}, quit")
            said = await verb(asked)
        except (Refused, KeyError, ValueError, TimeoutError) as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}
        return {"ok": True} | said

    # ------------------------------------------------------------------- seeing

    @property
    def page(self) -> DeskPage:
        """The Desk."""
        if self._app.desk is None:
            raise Refused("the desk is not shown yet")
        return self._app.desk

    @property
    def session(self) -> DeskSession:
        """What is behind it."""
        if self._app.session is None:
            raise Refused("this desk is not enrolled")
        return self._app.session

    async def ready(self, asked: Answer) -> Answer:
        """Wait until the Desk is there with a whole copy of the programme."""
        seconds = float(asked.get("seconds", READY_SECONDS))
        await self._until(self._is_ready, seconds, "the desk did not become ready")
        return {"desk": self.session.day.identity.name, "device": self.session.day.identity.device}

    def _is_ready(self) -> bool:
        app = self._app
        if app.enrol is not None and app.enrol.state.error:
            raise Refused(f"{app.enrol.state.error} {app.enrol.state.error_detail}")
        return app.session is not None and app.session.engine.status.whole and app.window.current_page() == "desk"

    async def status(self, asked: Answer) -> Answer:
        """What the strip says, and the header."""
        strip, header = self.session.strip(), self.session.desk.header()
        return {
            "link": strip.connection.state.value, "since": strip.connection.since, "desks": strip.connection.desks,
            "detail": self.session.engine.status.detail, "fresh": strip.freshness.age, "live": strip.freshness.live,
            "waiting": strip.waiting, "clock_note": strip.clock_note, "here": header.here, "total": header.total,
            "page": self._app.window.current_page(),
        }  # fmt: skip

    async def wait(self, asked: Answer) -> Answer:
        """Wait for ``online``, ``offline``, or ``sent``: everything has a verdict here."""
        strip = self.session.strip
        conditions: dict[str, Callable[[], bool]] = {
            "online": lambda: strip().connection.state.value == "online",
            "offline": lambda: strip().connection.state.value == "offline",
            "sent": lambda: strip().waiting == 0,
        }
        what = asked["for"]
        await self._until(conditions[what], float(asked.get("seconds", 30)), f"not {what} in time")
        return await self.status(asked)

    async def show(self, asked: Answer) -> Answer:
        """Go to a page by its key."""
        self._app.window.show_page(asked["page"])
        await self._settle()
        return {"page": self._app.window.current_page()}

    async def screenshot(self, asked: Answer) -> Answer:
        """Save what the window looks like."""
        await self._settle()
        if not self._app.window.grab().save(asked["path"]):
            raise Refused(f"{asked['path']} can't be written")
        return {"path": asked["path"]}

    # ------------------------------------------------------------------ finding

    async def search(self, asked: Answer) -> Answer:
        """Type into an empty field; the matches as they are shown."""
        await self._type(asked["text"])
        lines = self.page.model.state.results
        return {
            "results": [
                {
                    "id": str(line.person_id), "name": line.name, "details": line.details, "claim": line.claim,
                    "status": "" if line.status is None else line.status.words,
                }
                for line in lines
            ]
        }  # fmt: skip

    async def card(self, asked: Answer) -> Answer:
        """Take somebody to the card and say what it shows."""
        return _card_words(await self._take(asked["who"]))

    async def _take(self, who: str) -> PersonCard:
        """Find somebody by name, by ref or by id, and have their card with the keys."""
        model, ref = self.page.model, read_ref(who)
        person = None
        if ref is not None:
            match = self.session.desk.find_code(ref)
            if match is None or match.person_id is None:
                raise Refused(f"nobody has {ref}" if match is None else match.words)
            card = self.session.desk.card(match.person_id, match.reservation_id)
            person, name = match.person_id, "" if card is None else card.name
        else:
            name = who
        await self._type(name)
        lines = model.state.results
        chosen = (line.person_id == person if person is not None else line.name == name for line in lines)
        at = next((at for at, fits in enumerate(chosen) if fits), None)
        if at is None:
            raise Refused(f"{who!r} is not among the matches: {[line.name for line in lines]}")
        for _ in range(at):
            self._press(Qt.Key.Key_Down)
        self._press(Qt.Key.Key_Return)
        await self._settle()
        card = model.state.card
        if card is None or model.state.mode is not Mode.CARD:
            raise Refused(f"Enter did not take {who!r} to the card")
        return card

    # ------------------------------------------------------------------- acting

    async def check_in(self, asked: Answer) -> Answer:
        """By name: letters, Enter, Enter. By ``scan``: the code and Enter. ``who`` may be a ref, too."""
        if "scan" in asked:
            before = self._before()
            await self._type(scan_code(read_ref(asked["scan"]) or asked["scan"]))
            self._press(Qt.Key.Key_Return)
            return await self._verdict(before)
        return await self._act(asked["who"], CardAction.CHECK_IN)

    async def no_show(self, asked: Answer) -> Answer:
        """N on the card."""
        return await self._act(asked["who"], CardAction.NO_SHOW)

    async def undo(self, asked: Answer) -> Answer:
        """Ctrl+Z."""
        before = self._before()
        self._press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        return await self._verdict(before)

    async def _act(self, who: str, action: CardAction) -> Answer:
        card, before = await self._take(who), self._before()
        first = card.buttons[0] if card.buttons else None
        if first is not None and first.action is action and first.enabled:
            self._press(Qt.Key.Key_Return)
        elif self.page.can_press(action):
            self.page.press(action)
        else:
            raise Refused(f"the card of {card.name} does not offer it: {_card_words(card)}")
        return await self._verdict(before)

    async def slots(self, asked: Answer) -> Answer:
        """The slots that somebody could be moved to."""
        lines = await self._slots_for(asked["who"], CardAction.MOVE)
        return {"slots": [_slot_words(line) for line in lines]}

    async def move(self, asked: Answer) -> Answer:
        """M on the card, down to the slot, Enter."""
        await self._slots_for(asked["who"], CardAction.MOVE)
        return await self._choose(asked["slot"])

    async def reserve(self, asked: Answer) -> Answer:
        """A place for somebody who has none."""
        await self._slots_for(asked["who"], CardAction.RESERVE)
        return await self._choose(asked["slot"])

    async def walk_in(self, asked: Answer) -> Answer:
        """A name that nobody has, Enter, down to the slot, Enter."""
        await self._type(asked["name"])
        if self.page.model.state.results:
            raise Refused(f"somebody like {asked['name']!r} is known")
        self._press(Qt.Key.Key_Return)
        await self._settle()
        return await self._choose(asked["slot"])

    async def _slots_for(self, who: str, action: CardAction) -> tuple[SlotLine, ...]:
        card = await self._take(who)
        if not self.page.can_press(action):
            raise Refused(f"the card of {card.name} does not offer it: {_card_words(card)}")
        self.page.press(action)
        await self._settle()
        if self.page.model.state.mode is not Mode.SLOTS:
            raise Refused("the slots did not open")
        return self.page.model.state.slots

    async def _choose(self, slot: str) -> Answer:
        """Down to the slot with that id (or the first that is open, for ``any``), and Enter."""
        model, before = self.page.model, self._before()
        lines = model.state.slots
        fits = [line.enabled if slot == "any" else line.slot_id == UUID(slot) for line in lines]
        if not any(fits):
            raise Refused(f"{slot} is not among the {len(lines)} slots")
        at = fits.index(True)
        key = Qt.Key.Key_Down if at > model.state.slot_at else Qt.Key.Key_Up
        for _ in range(abs(at - model.state.slot_at)):
            self._press(key)
        if model.state.slot_at != at:
            raise Refused("the arrows do not reach the slot")
        self._press(Qt.Key.Key_Return)
        return await self._verdict(before)

    # ---------------------------------------------------------------- attention

    async def attention(self, asked: Answer) -> Answer:
        """What Attention shows."""
        self._app.window.show_page("attention")
        await self._settle()
        assert self._app.attention is not None
        cards = self._app.attention.model.state.cards
        self._app.window.show_page("desk")
        return {"cards": [_attention_words(card) for card in cards]}

    async def settle(self, asked: Answer) -> Answer:
        """Do one of the fixes of a card."""
        assert self._app.attention is not None
        model, before = self._app.attention.model, self._newest()
        card = next((card for card in model.state.cards if str(card.card_id) == asked["card"]), None)
        fix = None if card is None else next((fix for fix in card.fixes if fix.fix_id == asked["fix"]), None)
        if card is None or fix is None:
            raise Refused("there is no such card or fix")
        await model.settle(card.card_id, fix)
        await self._settle()
        outcome = model.state.outcome
        if outcome is None or not outcome.ok:
            raise Refused("it was not settled" if outcome is None else outcome.words)
        return {"words": outcome.words, "command": self._newest() if self._newest() != before else None}

    # -------------------------------------------------------------------- hands

    async def _type(self, text: str) -> None:
        """Into the empty field of the Desk, letter by letter."""
        window = self._app.window
        if window.current_page() != "desk":
            window.show_page("desk")
        window.activateWindow()
        self.page.start_over()
        await self._settle()
        for letter in text:
            if letter.isascii():
                QTest.keyClicks(self._focus(), letter)
            else:  # QTest knows ASCII keys alone; an input method sends a key without a code
                event = QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, letter)
                QApplication.sendEvent(self._focus(), event)
        await self._until(lambda: self.page.model.state.query == text, 5, "the field did not take the text")

    def _focus(self) -> QWidget:
        return QApplication.focusWidget() or self.page.field

    def _press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self._focus(), key, modifier)

    def _newest(self) -> str | None:
        return next((command.id for command in self.session.day.own_commands()), None)

    def _serial(self) -> int:
        """Which verdict the screen shows; 0 for none."""
        verdict = self.page.model.state.verdict
        return 0 if verdict is None else verdict.serial

    def _before(self) -> tuple[str | None, int]:
        return self._newest(), self._serial()

    async def _verdict(self, before: tuple[str | None, int]) -> Answer:
        """What the screen says once the action is done; the action is the newest command."""
        known = before[1]
        await self._until(lambda: self._serial() not in (0, known), 20, "the screen said nothing")
        await self._settle()
        verdict, newest = self.page.model.state.verdict, self._newest()
        assert verdict is not None
        if verdict.tone is Tone.BAD or newest == before[0]:
            raise Refused(f"{verdict.words} {verdict.detail}".strip())
        return {"words": verdict.words, "detail": verdict.detail, "command": newest}

    async def _settle(self) -> None:
        await self._app.tasks.settle()
        await asyncio.sleep(STEP)  # Qt draws; events are never processed from within a task, which would enter others

    async def _until(self, condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while not condition():
            if asyncio.get_running_loop().time() > deadline:
                raise Refused(otherwise)
            await asyncio.sleep(STEP)


def _card_words(card: PersonCard) -> Answer:
    return {
        "name": card.name, "details": card.details, "status": "" if card.status is None else card.status.words,
        "pending": card.status is not None and card.status.pending,
        "claim": None if card.claim is None else f"{card.claim.time} {card.claim.title}, {card.claim.place}",
        "hints": [hint.words for hint in card.hints], "buttons": [button.action.value for button in card.buttons],
        "also": [other.words for other in card.also_today],
    }  # fmt: skip


def _slot_words(line: SlotLine) -> Answer:
    return {
        "id": str(line.slot_id), "time": line.time, "title": line.title, "place": line.place, "note": line.note,
        "enabled": line.enabled,
    }  # fmt: skip


def _attention_words(card: AttentionCard) -> Answer:
    fixes: tuple[Fix, ...] = card.fixes
    return {
        "id": str(card.card_id), "title": card.title, "tone": card.tone.value, "waiting": card.waiting,
        "lines": ["".join(span.text for span in line) for line in card.lines],
        "fixes": [{"id": fix.fix_id, "words": fix.words} for fix in fixes],
    }  # fmt: skip


async def play(application: Application, stop: asyncio.Event) -> int:
    """Run *application* and obey stdin until it ends or says ``quit``."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, '{"do": "quit"}')

    refusal = await application.start()
    if refusal is not None:
        _say({"ok": False, "error": refusal.words})
        await application.stop()
        return 2
    threading.Thread(target=read, name="orders", daemon=True).start()
    driver = Driver(application)
    while True:
        line = await lines.get()
        if not line.strip():
            continue
        if json.loads(line).get("do") == "quit":
            break
        _say(await driver.obey(line))
    await application.stop()
    _say({"ok": True})
    return 0


def _say(answer: Answer) -> None:
    print(json.dumps(answer, ensure_ascii=False), flush=True)


def main() -> int:
    """The driver's command line."""
    options = read_options([*sys.argv[1:], "--mute"])
    keep_log(options.profile)
    app = QApplication(["callboard"])
    return run(app, lambda stop: play(Application(options), stop))


if __name__ == "__main__":
    sys.exit(main())
