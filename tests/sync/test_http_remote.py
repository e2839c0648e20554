"""The real HTTP remote against real sockets that misbehave: every trouble is a value with words."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import keyring
import keyring.errors
import pytest
import zstandard

from desktop.remote.address import scanned_invitation, server_address
from desktop.remote.enrolment import enrol
from desktop.remote.http_remote import HttpRemote
from desktop.remote.token_store import TokenStore
from desktop.sync.delta import read_delta
from desktop.sync.ports import Failure, FailureKind
from server_sync.protocol.commands import EnrolRequest
from server_sync.protocol.ids import new_id

BEGIN = b'{"begin":{"from_cursor":"c1"}}\n'
PUT = b'{"put":["locations",{"id":"x"}]}\n'
END = b'{"end":{"rows":1,"server_time":"2026-03-14T09:00:00Z","cursor":"c2"}}\n'
Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
REVOKED = b'{"error":"Sign in first.","error_code":"NOT_SIGNED_IN","details":{"reason":"revoked"}}'


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[HttpRemote]:
    """A server that answers each request by *answer*, and a remote that asks it."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await answer(head, writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    remote = HttpRemote(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "secret")
    try:
        yield remote
    finally:
        await remote.close()
        server.close()
        await server.wait_closed()


def replying(body: bytes, status: str = "200 OK", headers: str = "", length: int | None = None) -> Answer:
    """Answer with that body; *length* may promise more than there is."""

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        said = f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n{headers}\r\n"
        writer.write(said.encode() + body)

    return answer


async def pulled(answer: Answer) -> object:
    """What a pull makes of it."""
    async with serving(answer) as remote:
        return await remote.pull("c1")


@pytest.mark.parametrize("coding", ["", "gzip", "zstd"])
async def test_a_whole_answer_in_any_coding(coding: str) -> None:
    """Lines are lines, compressed or not; the token goes with the request."""
    body = BEGIN + PUT + END
    packed = {"": body, "gzip": gzip.compress(body), "zstd": zstandard.compress(body)}[coding]
    seen: list[bytes] = []

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(head)
        await replying(packed, headers=f"Content-Encoding: {coding}\r\n" if coding else "")(head, writer)

    lines = await pulled(answer)
    assert isinstance(lines, list)
    read = read_delta(lines)
    assert not isinstance(read, Failure)
    assert (read[0].cursor, len(read[0].puts)) == ("c2", 1)
    assert b"authorization: bearer secret" in seen[0].lower()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BEGIN + PUT, ""),
        (BEGIN + PUT + END[:20], ""),
        (zstandard.compress((BEGIN + PUT + END) * 50)[:-8], "Content-Encoding: zstd\r\n"),
        (gzip.compress((BEGIN + PUT + END) * 50)[:-12], "Content-Encoding: gzip\r\n"),
    ],
)
async def test_a_cut_answer_is_a_cut_answer(body: bytes, headers: str) -> None:
    """The connection ends before the answer does, with or without compression."""
    failure = await pulled(replying(body, headers=headers, length=len(body) + 100))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.CUT


@pytest.mark.parametrize("body", [b"", BEGIN, BEGIN + PUT, BEGIN + END, PUT + END, BEGIN + PUT + END[:-1]])
async def test_an_answer_that_ends_early_in_good_form_is_cut_too(body: bytes) -> None:
    """A proxy may close politely: without an end, or with another number of rows, nothing counts."""
    lines = await pulled(replying(body))
    assert isinstance(lines, list)
    read = read_delta(lines)
    assert isinstance(read, Failure)
    assert read.kind is FailureKind.CUT


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("401 No", b'{"error":"This desk was revoked.","error_code":"NOT_SIGNED_IN"}', FailureKind.DENIED),
        ("401 No", REVOKED, FailureKind.REVOKED),
        ("401 No", REVOKED.replace(b"revoked", b"unknown"), FailureKind.DENIED),
        ("410 Gone", b'{"rebootstrap":"epoch"}', FailureKind.REBOOTSTRAP),
        ("413 Much", b"", FailureKind.TOO_LARGE),
        ("503 Later", b"", FailureKind.BUSY),
        ("500 Oh", b"<html>", FailureKind.SERVER),
        ("404 What", b"<html>", FailureKind.UNREADABLE),
        ("200 OK", b"<html>hotel login</html>\n", FailureKind.UNREADABLE),
    ],
)
async def test_every_answer_has_its_kind(status: str, body: bytes, kind: FailureKind) -> None:
    """And words for a person."""
    failure = await pulled(replying(body, status, "Retry-After: 7\r\n"))
    assert isinstance(failure, Failure)
    assert failure.kind is kind
    assert failure.words
    if kind is FailureKind.BUSY:
        assert failure.retry_after == 7
    if kind is FailureKind.REBOOTSTRAP:
        assert failure.reason == "epoch"
    if kind is FailureKind.DENIED:
        assert failure.words in ("This desk was revoked.", "Sign in first.")


async def test_nobody_there_is_offline() -> None:
    """A refused connection, for every exchange."""
    remote = HttpRemote("http://127.0.0.1:9", "secret")
    for exchange in (remote.pull("c"), remote.bootstrap(None), remote.push(b"{}")):
        failure = await exchange
        assert isinstance(failure, Failure)
        assert failure.kind is FailureKind.OFFLINE
    assert [poke async for poke in remote.pokes()] == []
    await remote.close()
    refused = await enrol("http://127.0.0.1:9", EnrolRequest(code="ABCD2345", device=new_id(), proof="p" * 20))
    assert isinstance(refused, Failure)


async def test_pokes_are_heard_and_end_with_the_connection() -> None:
    """Events are pokes, comments are only signs of life."""

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        writer.write(b": alive\r\n\r\nevent: poke\r\ndata: \r\n\r\n: alive\r\n\r\nevent: poke\r\ndata: \r\n\r\n")

    async with serving(answer) as remote:
        assert len([poke async for poke in remote.pokes()]) == 2


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("callboard.example", "https://callboard.example"), (" https://a.example:8443/x ", "https://a.example:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"), ("http://localhost", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)  # fmt: skip
def test_addresses(typed: str, address: str) -> None:
    """https where nothing is said; plain http to this computer alone."""
    assert server_address(typed) == address


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("http://192.168.1.5:8000", FailureKind.INSECURE), ("http://callboard.example", FailureKind.INSECURE),
        ("", FailureKind.UNREADABLE), ("ftp://a", FailureKind.UNREADABLE), ("http://[::1", FailureKind.UNREADABLE),
        ("https://a:port", FailureKind.UNREADABLE),
    ],
)  # fmt: skip
def test_addresses_that_are_refused(typed: str, kind: FailureKind) -> None:
    """In words."""
    refused = server_address(typed)
    assert isinstance(refused, Failure)
    assert refused.kind is kind
    assert refused.words


def test_scanned_invitations() -> None:
    """An organiser's QR code carries server and code."""
    assert scanned_invitation("https://a.example/enrol?code=ABCD2345") == ("https://a.example", "ABCD2345")
    assert scanned_invitation("https://a.example/enrol#ABCD2345") == ("https://a.example", "ABCD2345")
    assert scanned_invitation("https://a.example/") is None
    assert scanned_invitation("ABCD2345") is None


def test_without_a_keyring_the_token_is_in_a_closed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readable by its owner alone, and said aloud."""

    def none(*_: str) -> str:
        raise keyring.errors.NoKeyringError("no keyring on this computer")

    monkeypatch.setattr(keyring, "get_password", none)
    monkeypatch.setattr(keyring, "set_password", none)
    tokens = TokenStore("device", tmp_path / "token")
    assert tokens.load() is None
    notice = tokens.save("secret")
    assert str(tmp_path / "token") in notice
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert tokens.load() == "secret"
    tokens.save("another")
    assert tokens.load() == "another"
