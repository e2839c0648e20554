"""The open-loop generator against a server that does nothing, and one that is slow."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import pytest

from tests.bench.openloop import arrivals, nothing, offer, parse, percentile, request


def test_arrivals_come_at_the_rate_and_not_evenly() -> None:
    times = arrivals(1000, 300, seed=1)
    assert times[0] == 0
    assert times == sorted(times)
    assert times[-1] == pytest.approx(1000 / 300, rel=0.02)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(gaps) > 3 / 300 > 1 / 3000 > min(gaps)


def test_an_answer_is_read_once_it_is_whole() -> None:
    whole = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nx: y\r\n\r\nhello"
    assert parse(whole) == (201, b"hello")
    assert all(parse(whole[:end]) is None for end in range(len(whole)))


def test_a_request_says_how_long_it_is() -> None:
    sent = request("http://127.0.0.1:80", "POST", "/v1/x", b"{}", "secret")
    assert sent.startswith(b"POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:80\r\n")
    assert b"Authorization: Bearer secret\r\n" in sent
    assert sent.endswith(b"Content-Length: 2\r\n\r\n{}")


def test_every_request_is_answered_in_its_order() -> None:
    with nothing() as base:
        sent = [request(base, "POST", "/", b"{}") for _ in range(50)]
        answers = asyncio.run(offer(base, sent, arrivals(50, 1000, seed=2), connections=4))
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"{}")] * 50
    assert all(answer.took >= answer.late >= 0 for answer in answers)


async def test_latency_counts_from_the_time_of_the_request() -> None:
    """Ten at once over one connection to a server that takes 20 ms each: the last waited for the nine before it."""

    hung_up = asyncio.Event()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n{}"):
                await asyncio.sleep(0.02)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    server = await asyncio.start_server(slowly, "127.0.0.1", 0)
    async with server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        answers = await offer(base, [request(base, "POST", "/", b"{}")] * 10, [0.0] * 10, connections=1)
        await asyncio.wait_for(hung_up.wait(), 5)
    assert answers[0].took < 0.15
    assert answers[-1].took >= 0.2
    assert answers[-1].late >= 0.18


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 0.99) == 100
    assert percentile(values, 0.5) == 51
    assert percentile([7.0], 0.99) == 7
