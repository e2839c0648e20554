"""A small festival made through the API: one programme, one room, one event, and who works there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

ROOT_TOKEN = "the-root-token-of-the-tests"
DAY = "2083-03-14"


def bearing(token: str, **more: str) -> dict[str, str]:
    """The headers of a request by whoever bears *token*."""
    return {"Authorization": f"Bearer {token}", **more}


ROOT = bearing(ROOT_TOKEN)


async def made(client: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """What POSTing *body* made; fails on anything but 200 or 201."""
    reply = await client.post(path, json=body, headers=headers)
    assert reply.status_code in (200, 201), f"{path}: {reply.status_code} {reply.text}"
    found: dict[str, Any] = reply.json()
    return found


@dataclass
class Festival:
    """Where everything is. ``admin``, ``manager`` and ``volunteer`` are headers of staff."""

    client: httpx.AsyncClient
    programme: str
    admin: dict[str, str]
    manager: dict[str, str] = field(default_factory=dict)
    volunteer: dict[str, str] = field(default_factory=dict)
    room: str = ""
    event: str = ""
    _hour: int = 6

    async def block(self, capacity: int = 1, **more: Any) -> dict[str, Any]:
        """A new time block of an hour, that is one slot of *capacity* places unless *more* says otherwise."""
        self._hour += 1
        body = {
            "location_id": self.room, "start_time": f"{DAY}T{self._hour:02}:00:00Z",
            "end_time": f"{DAY}T{self._hour + 1:02}:00:00Z", "capacity": capacity,
        }  # fmt: skip
        return await made(self.client, f"/v1/events/{self.event}/timeblocks", body | more, self.admin)

    async def slot(self, capacity: int = 1) -> str:
        """The id of a new slot."""
        block = await self.block(capacity)
        page = (await self.client.get("/v1/slots", params={"eventId": self.event})).json()
        return str(next(slot["id"] for slot in page["slots"] if slot["time_block_id"] == block["id"]))

    async def person(self, name: str = "Ada Okafor", **more: Any) -> str:
        """The id of a new participant."""
        row = await made(self.client, "/v1/participants", {"display_name": name} | more, self.admin)
        return str(row["id"])

    async def reserve(self, slot: str, *people: str, **more: Any) -> dict[str, Any]:
        """A reservation that holds."""
        body = {"participant_ids": list(people)} if people else {"reserved_name": "Somebody"}
        return await made(self.client, f"/v1/slots/{slot}/reserve", body | more, {})

    async def change(self, reservation: str, **body: Any) -> httpx.Response:
        """PUT to a reservation, as an admin."""
        return await self.client.put(f"/v1/reservations/{reservation}", json=body, headers=self.admin)

    async def desk(self, ceiling: str = "volunteer") -> dict[str, Any]:
        """An enrolled desk: what the enrolment answered, and its ``headers``."""
        invited = await made(self.client, "/v1/devices/invite", {"name": "Desk", "ceiling": ceiling}, self.admin)
        body = {"code": invited["code"], "device": str(uuid.uuid4()), "proof": "p" * 20}
        enrolled = await made(self.client, "/sync/devices", body, {})
        return enrolled | {"headers": bearing(enrolled["token"])}


async def open_festival(client: httpx.AsyncClient, name: str = "Spring Festival") -> Festival:
    """A new programme with all that belongs to it."""
    programme = await made(client, "/v1/programmes", {"name": name, "time_zone": "Europe/London"}, ROOT)
    root = ROOT | {"programme": programme["id"]}

    async def staff(name: str, role: str) -> dict[str, str]:
        return bearing((await made(client, "/v1/staff", {"name": name, "role": role}, root))["token"])

    festival = Festival(client, programme["id"], await staff("Grace", "admin"))
    festival.manager = await staff("Max", "room_manager")
    festival.volunteer = await staff("Vera", "volunteer")
    festival.room = (await made(client, "/v1/locations", {"name": "Room A"}, festival.admin))["id"]
    event = {"name": "Piano solo, grade 5", "category": "music", "location_ids": [festival.room]}
    festival.event = (await made(client, "/v1/events", event, festival.admin))["id"]
    return festival
