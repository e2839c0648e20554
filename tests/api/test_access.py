"""Who may do what: roles, one-time codes, tokens, and their end."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from server_sync.authority.credentials import FRESH_SECONDS, Credentials, read_code
from server_sync.protocol.ids import ALPHABET, secret_id
from tests.api.festival import ROOT, Festival, bearing, made

ADMINS = [
    "/v1/events", "/v1/participants", "/v1/groups", "/v1/locations", "/v1/staff", "/v1/programmes",
    "/v1/devices/invite",
]  # fmt: skip


@pytest.mark.parametrize("path", ADMINS)
async def test_what_is_the_admins(festival: Festival, path: str) -> None:
    body = {"name": "X"}
    assert (await festival.client.post(path, json=body)).status_code == 401
    wrong = await festival.client.post(path, json=body, headers=bearing("nobody's"))
    assert (wrong.status_code, wrong.json()["details"]) == (401, {"reason": "unknown"})
    assert wrong.headers["www-authenticate"] == "Bearer"
    refused = await festival.client.post(path, json=body, headers=festival.manager)
    assert (refused.status_code, refused.json()["error_code"]) == (403, "NOT_ALLOWED")
    assert (await festival.client.get("/v1/staff", headers=festival.volunteer)).status_code == 403


async def test_only_root_makes_programmes(festival: Festival) -> None:
    reply = await festival.client.post("/v1/programmes", json={"name": "Mine"}, headers=festival.admin)
    assert reply.status_code == 403
    named = {row["name"] for row in (await festival.client.get("/v1/programmes", headers=ROOT)).json()["programmes"]}
    assert named == {"Spring Festival"}


async def test_the_servers_own_root_token(app: FastAPI, client: httpx.AsyncClient) -> None:
    credentials: Credentials = app.state.services.credentials
    await made(client, "/v1/programmes", {"name": "By its own token"}, bearing(credentials.root_token()))


async def test_a_desk_is_enrolled_once_by_a_code(festival: Festival) -> None:
    client = festival.client
    invited = await made(client, "/v1/devices/invite", {"name": "Desk 1", "ceiling": "room_manager"}, festival.admin)
    assert len(read_code(invited["code"])) == 8
    assert set(read_code(invited["code"])) <= set(ALPHABET)
    lives = datetime.fromisoformat(invited["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < lives <= timedelta(minutes=15)
    device = str(uuid.uuid4())
    body = {"code": f" {invited['code'].lower()} ", "device": device, "name": "By the door", "proof": "p" * 20}
    enrolled = await made(client, "/sync/devices", body, {})
    assert (enrolled["name"], enrolled["ceiling"], enrolled["programme"], enrolled["programme_name"]) == (
        "By the door", "room_manager", festival.programme, "Spring Festival",
    )  # fmt: skip
    assert await made(client, "/sync/devices", body, {}) == enrolled, "the reply may have been lost"
    overheard = await client.post("/sync/devices", json=body | {"proof": "q" * 20})
    assert (overheard.status_code, overheard.json()["error_code"]) == (409, "KEY_REUSED"), "code and id are not enough"
    other = await client.post("/sync/devices", json=body | {"device": str(uuid.uuid4())})
    assert (other.status_code, other.json()["error_code"]) == (409, "CODE_UNKNOWN")
    [row] = (await client.get("/v1/devices", headers=festival.admin)).json()["devices"]
    assert (row["id"], row["name"], row["ceiling"]) == (device, "By the door", "room_manager")
    assert (await client.get("/v1/reservations", headers=bearing(enrolled["token"]))).status_code == 200


@pytest.mark.parametrize("code", ["", "AAAA-AAAA", "x" * 1000, "\u202e", "' OR 1=1"])
async def test_a_code_that_is_none(festival: Festival, code: str) -> None:
    body = {"code": code, "device": str(uuid.uuid4()), "proof": "p" * 20}
    reply = await festival.client.post("/sync/devices", json=body)
    assert (reply.status_code, reply.json()["error_code"]) in ((409, "CODE_UNKNOWN"), (422, "INVALID")), reply.text


async def test_an_expired_code_enrols_nobody(festival: Festival, database_url: str) -> None:
    invited = await made(festival.client, "/v1/devices/invite", {"name": "D", "ceiling": "volunteer"}, festival.admin)
    body = {"code": invited["code"], "device": str(uuid.uuid4()), "proof": "p" * 20}
    enrolled = await made(festival.client, "/sync/devices", body, {})
    assert enrolled["token"]
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE enrolments SET expires_at = now()")
    await connection.close()
    reply = await festival.client.post("/sync/devices", json=body)
    assert (reply.status_code, reply.json()["error_code"]) == (409, "CODE_UNKNOWN"), "not even the same desk again"


async def test_a_revoked_desk_is_told_so(festival: Festival) -> None:
    desk = await festival.desk()
    push = {"proto": 1, "device": desk["device"], "incarnation": 1, "commands": []}
    assert (await festival.client.post("/sync/push", json=push, headers=desk["headers"])).status_code == 200
    path = f"/v1/devices/{desk['device']}/revoke"
    assert (await festival.client.post(path, headers=desk["headers"])).status_code == 403
    await made(festival.client, path, {}, festival.admin)
    for _ in range(2):
        reply = await festival.client.post("/sync/push", json=push, headers=desk["headers"])
        assert (reply.status_code, reply.json()["error_code"]) == (401, "NOT_SIGNED_IN")
        assert reply.json()["details"] == {"reason": "revoked"}, "another reason than an unknown token"
    reply = await festival.client.post(path, json={}, headers=festival.admin)
    assert reply.json()["error_code"] == "ALREADY_REVOKED"


async def test_a_revocation_by_another_process_is_noticed(festival: Festival, database_url: str) -> None:
    desk = await festival.desk()
    push = {"proto": 1, "device": desk["device"], "incarnation": 1, "commands": []}
    assert (await festival.client.post("/sync/push", json=push, headers=desk["headers"])).status_code == 200
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE credentials SET revoked_at = now() WHERE holder_id = $1", desk["device"])
    await connection.close()
    await asyncio.sleep(FRESH_SECONDS + 0.1)
    reply = await festival.client.post("/sync/push", json=push, headers=desk["headers"])
    assert (reply.status_code, reply.json()["details"]) == (401, {"reason": "revoked"})


async def test_syncing_needs_the_devices_own_token(festival: Festival) -> None:
    desk, other = await festival.desk(), await festival.desk()
    push = {"proto": 1, "device": desk["device"], "incarnation": 1, "commands": []}
    for path in ("/sync/push", "/sync/pull", "/sync/bootstrap"):
        for headers, status in (({}, 401), (festival.admin, 403), (bearing("x"), 401)):
            body = push if path == "/sync/push" else {"proto": 1, "cursor": ""}
            assert (await festival.client.post(path, json=body, headers=headers)).status_code == status, path
    assert (await festival.client.post("/sync/push", json=push, headers=other["headers"])).status_code == 403
    assert (await festival.client.get("/sync/poke", headers=festival.admin)).status_code == 403


async def test_a_desks_ceiling_holds_in_a_push(festival: Festival) -> None:
    desk = await festival.desk("volunteer")
    command = {"id": str(uuid.uuid4()), "seq": 1, "kind": "location.create", "args": {"name": "X"}}
    push = {"proto": 1, "device": desk["device"], "incarnation": 1, "commands": [command]}
    reply = (await festival.client.post("/sync/push", json=push, headers=desk["headers"])).json()
    assert [(result["status"], result["code"]) for result in reply["results"]] == [("rejected", "NOT_ALLOWED")]


async def test_no_secret_is_in_the_database(festival: Festival, database_url: str) -> None:
    desk = await festival.desk()
    invited = await made(festival.client, "/v1/devices/invite", {"name": "D", "ceiling": "volunteer"}, festival.admin)
    secrets = [desk["token"], festival.admin["Authorization"].split()[1], read_code(invited["code"]), invited["code"]]
    connection = await asyncpg.connect(database_url)
    text = ""
    for table in ("commands", "credentials", "enrolments", "devices", "staff"):
        text += str([str(row) for row in await connection.fetch(f"SELECT row_to_json(t)::text FROM {table} t")])
    await connection.close()
    assert secret_id(desk["token"]) in text
    assert not [secret for secret in secrets if secret in text]


async def test_a_member_of_staff_can_be_revoked(festival: Festival) -> None:
    made_now = await made(festival.client, "/v1/staff", {"name": "Vic", "role": "admin"}, festival.admin)
    theirs = bearing(made_now["token"])
    assert (await festival.client.get("/v1/reservations", headers=theirs)).status_code == 200
    path = f"/v1/staff/{made_now['staff_id']}/revoke"
    assert (await festival.client.post(path, json={}, headers=theirs)).status_code == 200, "even by themselves"
    assert (await festival.client.get("/v1/reservations", headers=theirs)).status_code == 401
    again = await festival.client.post(path, json={}, headers=festival.admin)
    assert (again.status_code, again.json()["error_code"]) == (409, "ALREADY_REVOKED")


async def test_whoever_is_revoked_by_a_plain_command_is_out_at_once(festival: Festival) -> None:
    made_now = await made(festival.client, "/v1/staff", {"name": "Vic", "role": "admin"}, festival.admin)
    theirs = bearing(made_now["token"])
    assert (await festival.client.get("/v1/reservations", headers=theirs)).status_code == 200
    body = {"kind": "staff.revoke", "args": {"staff_id": made_now["staff_id"]}}
    await made(festival.client, "/v1/commands", body, festival.admin)
    assert (await festival.client.get("/v1/reservations", headers=theirs)).status_code == 401
