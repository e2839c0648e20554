"""HTTP from few connections in one process: requests at given times whether or not earlier ones were answered.

A generator that waits for each answer asks less of a server that is slow, and so never sees how slow it is. Here every
request has its time, and its latency counts from that time, however long it waited for a connection to be free.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import msgspec


@dataclass(frozen=True, slots=True)
class Answer:
    """``took`` is seconds since the request's time, ``late`` how much of them passed before it was sent."""

    status: int
    body: bytes
    took: float
    late: float


def request(base: str, method: str, path: str, body: bytes, token: str | None = None) -> bytes:
    """A whole request."""
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {urlsplit(base).netloc}\r\nContent-Type: application/json\r\n{bearer}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Line(asyncio.Protocol):
    """One connection that is kept, with one request at a time on it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answered: Callable[[int, bytes], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told 0, which is no status."""
        if self._answered is not None:
            self._answered(0, str(exc or "the connection was closed").encode())

    def ask(self, data: bytes, answered: Callable[[int, bytes], None]) -> None:
        """Send *data*; *answered* is called with the status and body."""
        assert self._transport is not None
        self._received, self._answered = b"", answered
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Look whether the answer is whole."""
        self._received += data
        found = parse(self._received)
        if found is not None and self._answered is not None:
            answered, self._answered = self._answered, None
            answered(*found)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def parse(data: bytes) -> tuple[int, bytes] | None:
    """The status and body of a whole answer, or None if something is still to come."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return None
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return (int(head.split(b" ", 2)[1]), body) if len(body) >= length else None


async def lines(base: str, count: int) -> list[Line]:
    """Open connections."""
    address = urlsplit(base)
    loop = asyncio.get_running_loop()
    host, port = address.hostname or "", address.port or 80
    made = [await loop.create_connection(Line, host, port) for _ in range(count)]
    return [line for _, line in made]


def arrivals(count: int, per_second: float, seed: int) -> list[float]:
    """When *count* independent people come, in seconds: not at equal distances, as machines do."""
    chance = random.Random(seed)
    now = 0.0
    times = []
    for _ in range(count):
        times.append(now)
        now += chance.expovariate(per_second)
    return [time * count / per_second / now for time in times]


async def offer(base: str, requests: Sequence[bytes], times: Sequence[float], connections: int) -> list[Answer]:
    """Send each of *requests* at its time; returns the answers in their order."""
    free = deque(await lines(base, connections))
    waiting: deque[int] = deque()
    answers: list[Answer | None] = [None] * len(requests)
    left = len(requests)
    done = asyncio.Event()
    start = time.perf_counter() + 0.05

    def send(number: int, line: Line) -> None:
        sent = time.perf_counter()

        def answered(status: int, body: bytes) -> None:
            nonlocal left
            due = start + times[number]
            answers[number] = Answer(status, body, time.perf_counter() - due, sent - due)
            left -= 1
            if left == 0:
                done.set()
            if waiting:
                send(waiting.popleft(), line)
            else:
                free.append(line)

        line.ask(requests[number], answered)

    for number, due in enumerate(times):
        ahead = start + due - time.perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        if free:
            send(number, free.popleft())
        else:
            waiting.append(number)
    async with asyncio.timeout(60):
        await done.wait()
    for line in free:
        line.close()
    return [answer for answer in answers if answer is not None]


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which *part* of *values* lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


# ------------------------------------------------- what the generator itself adds

_REPLY: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}"


class _Nothing(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(_REPLY)


async def _answer_nothing() -> None:
    server = await asyncio.get_running_loop().create_server(_Nothing, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def nothing() -> Iterator[str]:
    """A server in another process that answers everything with an empty object: what is measured there is us."""
    command = [sys.executable, "-m", "tests.bench.openloop"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def decoded(answer: Answer) -> dict[str, object]:
    """An answer's JSON object."""
    found: dict[str, object] = msgspec.json.decode(answer.body)
    return found


if __name__ == "__main__":
    asyncio.run(_answer_nothing())
