"""The ``Remote`` port over HTTP."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Final

import httpx
import httpx_sse
import msgspec

from desktop.remote.failures import of_exception, of_response
from desktop.sync.ports import Failure, FailureKind
from server_sync.protocol.commands import PROTO, BootstrapRequest, Line, PullRequest, PushReply

log = logging.getLogger(__name__)

TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0, read=30.0)
POKE_TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0, read=40.0)  # a heartbeat comes every 15 s
LONGEST_LINE: Final = 16 * 1024 * 1024

_LINE: Final = msgspec.json.Decoder(Line)
_PUSH_REPLY: Final = msgspec.json.Decoder(PushReply)
_NONSENSE: Final = Failure(FailureKind.UNREADABLE, "The server said something that this version can't read.")


class HttpRemote:
    """One server, as one device. *address* comes from ``server_address``."""

    def __init__(self, address: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "zstd, gzip"}
        self._client = httpx.AsyncClient(base_url=address, headers=headers, timeout=TIMEOUT, trust_env=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def push(self, body: bytes) -> PushReply | Failure:
        """As ``Remote.push``."""
        try:
            response = await self._client.post("/sync/push", content=body, headers=_JSON)
        except httpx.HTTPError as error:
            return of_exception(error, begun=False)
        if response.status_code != 200:
            return of_response(response.status_code, response.headers, response.content)
        try:
            return _PUSH_REPLY.decode(response.content)
        except msgspec.MsgspecError:
            return _NONSENSE

    async def pull(self, cursor: str) -> list[Line] | Failure:
        """As ``Remote.pull``; read as it comes."""
        return await self._lines("/sync/pull", msgspec.json.encode(PullRequest(proto=PROTO, cursor=cursor)))

    async def bootstrap(self, page: str | None) -> list[Line] | Failure:
        """As ``Remote.bootstrap``."""
        return await self._lines("/sync/bootstrap", msgspec.json.encode(BootstrapRequest(proto=PROTO, page=page)))

    async def _lines(self, path: str, body: bytes) -> list[Line] | Failure:
        lines: list[Line] = []
        rest = b""
        begun = False
        try:
            async with self._client.stream("POST", path, content=body, headers=_JSON) as response:
                if response.status_code != 200:
                    return of_response(response.status_code, response.headers, await response.aread())
                begun = True
                async for chunk in response.aiter_bytes():
                    *whole, rest = (rest + chunk).split(b"\n")
                    lines.extend(_LINE.decode(line) for line in whole if line)
                    if len(rest) > LONGEST_LINE:
                        return _NONSENSE
        except httpx.HTTPError as error:
            return of_exception(error, begun)
        except msgspec.MsgspecError:
            return _NONSENSE
        return lines  # what is left without its newline was cut off

    async def pokes(self) -> AsyncGenerator[None]:
        """As ``Remote.pokes``: the server's first event comes at once."""
        try:
            async with httpx_sse.aconnect_sse(self._client, "GET", "/sync/poke", timeout=POKE_TIMEOUT) as source:
                if source.response.status_code != 200:
                    return
                async for _ in source.aiter_sse():
                    yield
        except (httpx.HTTPError, httpx_sse.SSEError) as error:
            log.info("pokes ended: %s", error)


_JSON: Final = {"Content-Type": "application/json"}
