"""A desk that the server took off: the real application over a real socket ends at the first run."""

from __future__ import annotations

import asyncio
from pathlib import Path

import keyring
import keyring.errors
import msgspec
import pytest
from PySide6.QtWidgets import QApplication

from desktop.app import Application, Options
from desktop.screens.enrol.page import EnrolPage
from desktop.store.desk_store import Store, Submitted, Wish
from desktop.store.profile import Profile
from desktop.store.worker import InlineWorker
from server_sync.rules import attend
from tests.gui.screenshots import end
from tests.store.identity import identity
from tests.store.test_store import fill
from tests.sync.small_day import MORNING, small_day

BODY = b'{"error":"Sign in first.","error_code":"NOT_SIGNED_IN","details":{"reason":"revoked"}}'


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\nConnection: close"
        writer.write(head.encode() + b"\r\n\r\n" + BODY)
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def test_a_desk_taken_off_goes_to_the_first_run(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy of the programme and the token are gone; what was asked is still there; the app can go on."""

    def no_keyring(*_: str) -> None:
        raise keyring.errors.NoKeyringError

    monkeypatch.setattr(keyring, "delete_password", no_keyring)
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    day = small_day()
    store = await Store.open(tmp_path / "outbox.db", tmp_path / "cache.db", InlineWorker(), lambda: MORNING)
    assert isinstance(store, Store)
    await store.enrol(msgspec.structs.replace(identity(), server=f"http://127.0.0.1:{port}"))
    await fill(store, day)
    asked = await store.submit(Wish("attendance.arrive", attend.Args(reservation_id=day.claims[0])))
    assert isinstance(asked, Submitted)
    await store.close()
    (tmp_path / "token").write_text("secret", encoding="ascii")
    application = Application(Options(tmp_path, muted=True))
    assert await application.start() is None
    first = application.window
    async with asyncio.timeout(20):
        while application.window is first or application.window.isHidden() or (tmp_path / "token").exists():
            await asyncio.sleep(0.05)
            qapp.processEvents()
        await asyncio.sleep(0.2)
    assert application.session is None
    assert application.window.findChildren(EnrolPage)
    assert not (tmp_path / "token").exists()
    assert application.store is not None
    left = await application.store.everything()
    assert [command.id for command in left.commands] == [asked.id]
    assert all(row.pending for row in left.rows)
    await application.stop()
    end(application.window)
    server.close()
    profile = Profile.open(tmp_path)
    assert isinstance(profile, Profile)
    profile.close()
