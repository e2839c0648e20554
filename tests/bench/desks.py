"""A desk for a benchmark, enrolled over HTTP as any desk is."""

from __future__ import annotations

import json
import secrets
import urllib.request
from dataclasses import dataclass
from typing import Any, Final

from server_sync.protocol.ids import Id, new_id

ROOT_TOKEN: Final = "benchmark-" + secrets.token_hex(16)
"""What the server of a benchmark takes for its keeper's token, in this process alone."""

PROGRAMME: Final = "00000000-0000-7000-8000-000000000001"


@dataclass(slots=True)
class BenchDesk:
    """An enrolled desk. ``seq`` is that of the command it sent last."""

    device: Id
    token: str
    seq: int = 0


def ask(base: str, method: str, path: str, body: Any, token: str = ROOT_TOKEN) -> Any:
    """The decoded answer; raises urllib's HTTPError on a refusal."""
    request = urllib.request.Request(
        base + path, json.dumps(body).encode(), method=method,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Programme": PROGRAMME},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def enrol(base: str, name: str) -> BenchDesk:
    """Invite a desk and take the invitation up."""
    code = ask(base, "POST", "/v1/devices/invite", {"name": name, "ceiling": "volunteer"})["code"]
    wanted = {"code": code, "device": new_id(), "proof": secrets.token_hex(16), "name": name}
    reply = ask(base, "POST", "/sync/devices", wanted)
    return BenchDesk(reply["device"], reply["token"])
