"""``POST /v1/commands/preview``: what a command would answer, by the same rule, with nothing written."""

from __future__ import annotations

from typing import Any

import httpx

from server_sync.protocol.ids import new_id
from tests.api.festival import ROOT, Festival


async def look(festival: Festival, kind: str, args: dict[str, Any], **how: Any) -> httpx.Response:
    """What the face says; to an admin unless other headers are given."""
    body = {"kind": kind, "args": args, **how.get("envelope", {})}
    headers = how.get("by", festival.admin)
    return await festival.client.post("/v1/commands/preview", json=body, headers=headers)


async def test_a_preview_says_what_would_happen_and_does_nothing(festival: Festival) -> None:
    slot = await festival.slot()
    person = await festival.person()
    claim = (await festival.reserve(slot, person))["reservation_id"]
    id = new_id()
    reply = await look(festival, "slot.cancel", {"slot_id": slot, "reason": "storm"}, envelope={"id": id})
    assert reply.status_code == 200, reply.text
    told = reply.json()
    assert told["kind"] == "slot.cancel"
    assert [entry["reservation_id"] for entry in told["details"]["cancelled"]] == [claim]
    assert told["details"]["counts"]["people"] == 1
    assert (await festival.client.get(f"/v1/slots/{slot}")).json()["status"] == "open"
    body = {"kind": "slot.cancel", "args": {"slot_id": slot, "reason": "storm"}, "id": id}
    done = await festival.client.post("/v1/commands", json=body, headers=festival.admin)
    assert done.json()["details"] == told["details"], "the id stayed free, and it came as foretold"
    assert (await festival.client.get(f"/v1/slots/{slot}")).json()["status"] == "cancelled"


async def test_a_preview_is_refused_as_the_command_would_be(festival: Festival) -> None:
    slot = await festival.slot()
    cancel = {"slot_id": slot, "reason": "storm"}
    for kind, args, how, status, code in (
        ("slot.cancel", {"slot_id": slot}, {}, 422, "INVALID"),
        ("slot.cancel", cancel, {"by": festival.volunteer}, 403, "NOT_ALLOWED"),
        ("slot.cancel", cancel, {"by": {}}, 401, "NOT_SIGNED_IN"),
        ("slot.cancel", {**cancel, "slot_id": new_id()}, {}, 404, "NOT_FOUND"),
        ("slot.update", {"slot_id": slot, "capacity": 1}, {}, 409, "NOTHING_TO_DO"),
        ("slot.explode", {}, {}, 409, "UNKNOWN_KIND"),
        ("slot.cancel", cancel, {"envelope": {"id": "x"}}, 422, "INVALID"),
        ("slot.cancel", cancel, {"envelope": {"kind": 3}}, 422, "INVALID"),
    ):
        reply = await look(festival, kind, args, **how)
        assert (reply.status_code, reply.json()["error_code"]) == (status, code), reply.text


async def test_a_desk_s_programme_is_its_own_and_root_names_one(festival: Festival) -> None:
    reply = await look(festival, "location.create", {"name": "Annexe"}, by=ROOT | {"programme": festival.programme})
    assert reply.status_code == 200, reply.text
    rooms = (await festival.client.get("/v1/locations", headers=festival.admin)).json()["locations"]
    assert [room["name"] for room in rooms] == ["Room A"]


async def test_an_id_that_was_used_is_told_as_the_command_would_be(festival: Festival) -> None:
    cancel = {"slot_id": await festival.slot(), "reason": "storm"}
    id = new_id()
    body = {"kind": "slot.cancel", "args": cancel, "id": id}
    done = await festival.client.post("/v1/commands", json=body, headers=festival.admin)
    assert done.status_code == 200, done.text
    again = await look(festival, "slot.cancel", cancel, envelope={"id": id})
    assert (again.status_code, again.json()["details"]) == (200, done.json()["details"])
    anew = await look(festival, "slot.cancel", cancel, envelope={"id": new_id()})
    assert anew.status_code == 409, anew.text
    for args, by in (
        ({**cancel, "reason": "rain"}, festival.admin),
        (cancel, ROOT | {"programme": festival.programme}),
    ):
        other = await look(festival, "slot.cancel", args, envelope={"id": id}, by=by)
        assert (other.status_code, other.json()["error_code"]) == (409, "KEY_REUSED"), other.text
    refused = {"slot_id": new_id(), "reason": "storm"}, new_id()
    body = {"kind": "slot.cancel", "args": refused[0], "id": refused[1]}
    first = await festival.client.post("/v1/commands", json=body, headers=festival.admin)
    again = await look(festival, "slot.cancel", refused[0], envelope={"id": refused[1]})
    assert (again.status_code, again.json()) == (first.status_code, first.json())


async def test_an_id_that_a_row_bears_is_taken(festival: Festival) -> None:
    slot = await festival.slot()  # bears no command's id: it derives from that of its block
    args = {"slot_id": slot, "reason": "storm"}
    reply = await look(festival, "slot.cancel", args, envelope={"id": slot})
    assert (reply.status_code, reply.json()["error_code"]) == (409, "ALREADY_EXISTS"), reply.text
    body = {"kind": "slot.cancel", "args": args, "id": slot}
    done = await festival.client.post("/v1/commands", json=body, headers=festival.admin)
    assert (reply.status_code, reply.json()) == (done.status_code, done.json())
