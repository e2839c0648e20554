"""A request that is sent twice acts once."""

from __future__ import annotations

import asyncio
import uuid

from tests.api.festival import Festival, bearing

LONG = "the-key-of-a-stranger-"  # what nobody else may have is as long as a UUID


def keyed(headers: dict[str, str], key: str) -> dict[str, str]:
    """*headers* with an Idempotency-Key."""
    return headers | {"Idempotency-Key": key}


async def test_the_same_key_and_body_replays(festival: Festival) -> None:
    slot, path = await festival.slot(capacity=5), "/v1/slots/{}/reserve"
    replies = await asyncio.gather(*(
        festival.client.post(path.format(slot), json={"reserved_name": "Ada"}, headers=keyed({}, LONG + "k1"))
        for _ in range(8)
    ))  # fmt: skip
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.json()["reservation_id"] for reply in replies}) == 1
    assert (await festival.client.get(f"/v1/slots/{slot}")).json()["reserved_count"] == 1


async def test_a_refusal_replays_too(festival: Festival) -> None:
    slot = await festival.slot()
    held = await festival.reserve(slot)
    path, headers = f"/v1/slots/{slot}/reserve", keyed({}, LONG + "k2")
    first = await festival.client.post(path, json={"reserved_name": "Bo"}, headers=headers)
    await festival.change(held["reservation_id"], action="cancel")
    again = await festival.client.post(path, json={"reserved_name": "Bo"}, headers=headers)
    assert (first.status_code, first.json()["error_code"]) == (409, "SLOT_FULL")
    assert (again.status_code, again.json()) == (409, first.json())


async def test_the_same_key_for_something_else_is_refused(festival: Festival) -> None:
    slot = await festival.slot(capacity=5)
    path, headers = f"/v1/slots/{slot}/reserve", keyed({}, LONG + "k3")
    assert (await festival.client.post(path, json={"reserved_name": "Ada"}, headers=headers)).status_code == 201
    reply = await festival.client.post(path, json={"reserved_name": "Bo"}, headers=headers)
    assert (reply.status_code, reply.json()["error_code"]) == (409, "KEY_REUSED")
    assert (await festival.client.get(f"/v1/slots/{slot}")).json()["reserved_count"] == 1


async def test_keys_of_different_callers_are_different(festival: Festival) -> None:
    slot = await festival.slot(capacity=5)
    callers = [{}, festival.admin, festival.manager]
    ids = {
        (
            await festival.client.post(
                f"/v1/slots/{slot}/reserve", json={"reserved_name": "Ada"}, headers=keyed(caller, LONG + "k4")
            )
        ).json()["reservation_id"]
        for caller in callers
    }
    assert len(ids) == 3


async def test_a_key_has_its_limits(festival: Festival) -> None:
    slot = await festival.slot(capacity=5)
    for key, status in (("", 400), ("x" * 21, 400), ("x" * 22, 201), ("x" * 201, 400), ("x" * 200, 201)):
        reply = await festival.client.post(
            f"/v1/slots/{slot}/reserve", json={"reserved_name": "A"}, headers=keyed({}, key)
        )
        assert reply.status_code == status, reply.text


async def test_strangers_do_not_meet_under_a_key_that_anybody_might_choose(festival: Festival) -> None:
    slot, body = await festival.slot(capacity=5), {"reserved_name": "Ada"}
    for face in ("reserve", "hold"):
        reply = await festival.client.post(f"/v1/slots/{slot}/{face}", json=body, headers=keyed({}, "1"))
        assert (reply.status_code, reply.json()["error_code"]) == (400, "UNREADABLE")
        assert "a UUID, or 22 characters or more" in reply.json()["details"]["problem"]
        own = keyed({}, str(uuid.uuid4()))
        assert (await festival.client.post(f"/v1/slots/{slot}/{face}", json=body, headers=own)).status_code == 201
        staff = keyed(festival.volunteer, face)
        assert (await festival.client.post(f"/v1/slots/{slot}/{face}", json=body, headers=staff)).status_code == 201


async def test_a_repeated_change_is_no_stale_one(festival: Festival) -> None:
    reservation = (await festival.reserve(await festival.slot()))["reservation_id"]
    path, headers = f"/v1/reservations/{reservation}", keyed(festival.admin, "k5")
    replies = [
        await festival.client.put(path, json={"action": "check_in", "version": 1}, headers=headers) for _ in range(3)
    ]
    assert [reply.status_code for reply in replies] == [200, 200, 200]
    assert len({reply.json()["command_id"] for reply in replies}) == 1
    assert len(replies[-1].json()["reservation"]["attendance"]) == 1
    other = await festival.client.put(path, json={"action": "no_show"}, headers=headers)
    assert other.json()["error_code"] == "KEY_REUSED"
    headers = keyed(festival.admin, "k6")
    for _ in range(2):
        reply = await festival.client.put(path, json={"action": "undo"}, headers=headers)
        assert (reply.status_code, reply.json()["reservation"]["status"]) == (200, "reserved")
    assert len(reply.json()["reservation"]["attendance"]) == 2


async def test_a_secret_that_got_lost_on_the_way_is_given_again(festival: Festival) -> None:
    for path, body in (
        ("/v1/devices/invite", {"name": "Desk", "ceiling": "volunteer"}),
        ("/v1/staff", {"name": "Vic", "role": "volunteer"}),
    ):
        replies = [await festival.client.post(path, json=body, headers=keyed(festival.admin, path)) for _ in range(2)]
        assert [reply.status_code for reply in replies] == [201, 201], replies[-1].text
        assert replies[0].json() == replies[1].json()
        other = await festival.client.post(path, json=body | {"name": "X"}, headers=keyed(festival.admin, path))
        assert other.json()["error_code"] == "KEY_REUSED"
        theirs = await festival.client.post(path, json=body, headers=festival.admin)
        assert theirs.json() != replies[0].json()
    token = replies[0].json()["token"]
    assert (await festival.client.get("/v1/reservations", headers=bearing(token))).status_code == 200
