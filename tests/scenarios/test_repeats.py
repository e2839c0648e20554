"""The same request twice acts once."""

from __future__ import annotations

from typing import Any

import pytest

from server_sync.protocol.ids import Id, new_id
from tests.scenarios.stage import Stage


def whatever_the_key(request: Any, principal: Any) -> Id:
    """A command's id, if nobody read the Idempotency-Key."""
    return new_id()


@pytest.mark.turned_off("part:server_sync.api.faces:command_id_of->tests.scenarios.test_repeats:whatever_the_key")
async def test_W27_a_repeated_request_acts_once(stage: Stage) -> None:
    slot = await stage.festival.slot(capacity=9)
    register = {"Idempotency-Key": "register-1-by-nobody-else"}
    replies = [
        await stage.client.post(f"/v1/slots/{slot}/reserve", json={"reserved_name": "Ada"}, headers=register)
        for _ in range(3)
    ]
    assert {(reply.status_code, reply.text) for reply in replies} == {(201, replies[0].text)}
    assert await stage.counts(slot) == (1, 1)
    claim = replies[0].json()["reservation_id"]
    unregister = stage.festival.admin | {"Idempotency-Key": "unregister-1"}
    replies = [
        await stage.client.put(f"/v1/reservations/{claim}", json={"action": "cancel"}, headers=unregister)
        for _ in range(3)
    ]
    assert [reply.status_code for reply in replies] == [200] * 3
    assert await stage.value("SELECT count(*) FROM commands WHERE kind = 'reservation.cancel'") == 1
    assert await stage.counts(slot) == (0, 0)
    other = await stage.client.post(f"/v1/slots/{slot}/reserve", json={"reserved_name": "Bo"}, headers=register)
    assert (other.status_code, other.json()["error_code"]) == (409, "KEY_REUSED")
    assert await stage.counts(slot) == (0, 0)
