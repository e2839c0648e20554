"""A room's delay, flags, staff, invitations and devices."""

from __future__ import annotations

from datetime import date, timedelta

from msgspec import structs

from server_sync.protocol.errors import (
    ALREADY_EXISTS,
    ALREADY_RESOLVED,
    ALREADY_REVOKED,
    CODE_UNKNOWN,
    INVALID,
    NOT_ALLOWED,
    NOT_FOUND,
)
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Credential, Device, Enrolment, Flag, Location, RoomDay, Staff
from server_sync.rules.room_day import predicted_start, room_day_id
from tests.unit.day import NOON, Day, applied, refused

DAY = date(2026, 5, 2)


def test_a_delay_predicts_and_shifts_nothing() -> None:
    day = Day()
    (slot,) = day.slots()
    say = {"location_id": slot.location_id, "day": DAY, "delay_minutes": 12}
    applied(day.do("room_day.delay", say, role="room_manager"))
    id = room_day_id(slot.location_id, DAY)
    room = day.state.get(RoomDay, id)
    assert room is not None
    assert predicted_start(slot, room) == slot.start_time + timedelta(minutes=12)
    assert predicted_start(slot, None) == slot.start_time
    assert day.slot(slot).start_time == slot.start_time
    applied(day.do("room_day.delay", {**say, "delay_minutes": -5}))
    again = day.state.get(RoomDay, id)
    assert again is not None
    assert (again.delay_minutes, again.version, again.id) == (-5, 2, room.id)
    applied(day.do("room_day.delay", {**say, "day": date(2026, 5, 3)}))
    assert len(day.state.rows[RoomDay]) == 2


def test_delays_refused() -> None:
    day = Day()
    room = day.create("location", name="Hall")
    say = {"location_id": room, "day": DAY, "delay_minutes": 1}
    refused(day.do("room_day.delay", say, role="volunteer"), NOT_ALLOWED)
    refused(day.do("room_day.delay", {**say, "location_id": new_id()}), NOT_FOUND)
    refused(day.do("room_day.delay", say, programme=new_id()), NOT_FOUND)
    for minutes in (-241, 1441):
        refused(day.do("room_day.delay", {**say, "delay_minutes": minutes}), INVALID)
    day.put(structs.replace(day.state.rows[Location][room], deleted=True))
    refused(day.do("room_day.delay", say), NOT_FOUND)


def test_a_flag_is_resolved_once() -> None:
    day = Day()
    (slot,) = day.slots()
    applied(day.do("attendance.perform", {"reservation_id": day.reserve(slot, day.person())}))
    (flag,) = day.state.rows[Flag].values()
    resolve = {"flag_id": flag.id, "resolution": "asked the judge"}
    refused(day.do("flag.resolve", resolve, role="public"), NOT_ALLOWED)
    refused(day.do("flag.resolve", resolve, programme=new_id()), NOT_FOUND)
    refused(day.do("flag.resolve", {"flag_id": new_id()}), NOT_FOUND)
    applied(day.do("flag.resolve", resolve, role="volunteer", occurred_at=NOON - timedelta(minutes=1)))
    done = day.state.rows[Flag][flag.id]
    assert (done.resolved_by, done.resolution) == ("Ada", "asked the judge")
    assert done.resolved_at == NOON - timedelta(minutes=1)
    assert refused(day.do("flag.resolve", resolve), ALREADY_RESOLVED)["by"] == "Ada"


def test_staff_with_a_token() -> None:
    day = Day()
    token = new_id()
    args = {"name": "Bea", "role": "room_manager", "token_id": token, "proof_id": new_id()}
    id = applied(day.do("staff.create", args)).answer["staff_id"]
    assert day.state.rows[Staff][id].role == "room_manager"
    credential = day.state.rows[Credential][token]
    assert (credential.holder, credential.holder_id, credential.role) == ("staff", id, "room_manager")
    refused(day.do("staff.create", args), ALREADY_EXISTS)
    refused(day.do("staff.create", {**args, "token_id": new_id(), "proof_id": new_id()}, programme=new_id()), NOT_FOUND)
    refused(day.do("staff.create", {**args, "role": "root"}), INVALID)
    refused(day.do("staff.create", args, role="room_manager"), NOT_ALLOWED)


def invited(day: Day) -> Id:
    code = new_id()
    expires = day.now + timedelta(minutes=15)
    args = {"name": "Desk 1", "ceiling": "volunteer", "code_id": code, "expires_at": expires}
    applied(day.do("device.invite", args))
    refused(day.do("device.invite", args), ALREADY_EXISTS)
    return code


def test_enrolment_uses_the_code_up() -> None:
    day = Day()
    code = invited(day)
    device, token = new_id(), new_id()
    args = {"code_id": code, "device_id": device, "token_id": token, "proof_id": new_id()}
    applied(day.do("device.enrol", args, role="public"))
    row = day.state.rows[Device][device]
    assert (row.name, row.ceiling, row.enrolled_at) == ("Desk 1", "volunteer", day.now)
    assert day.state.rows[Credential][token].holder_id == device
    assert day.state.rows[Enrolment][code].used_at == day.now
    again = {"code_id": code, "device_id": new_id(), "token_id": new_id(), "proof_id": new_id()}
    refused(day.do("device.enrol", again, role="public"), CODE_UNKNOWN)


def test_enrolment_refused() -> None:
    day = Day()
    args = {"code_id": new_id(), "device_id": new_id(), "token_id": new_id(), "proof_id": new_id(), "name": "Mine"}
    refused(day.do("device.enrol", args, role="public"), CODE_UNKNOWN)
    args["code_id"] = invited(day)
    refused(day.do("device.enrol", args, role="public", programme=new_id()), CODE_UNKNOWN)
    day.now += timedelta(minutes=15)
    refused(day.do("device.enrol", args, role="public"), CODE_UNKNOWN)
    day.now -= timedelta(minutes=1)
    applied(day.do("device.enrol", args, role="public"))
    assert day.state.rows[Device][args["device_id"]].name == "Mine"
    refused(day.do("device.enrol", {**args, "code_id": invited(day)}, role="public"), ALREADY_EXISTS)
    refused(
        day.do(
            "device.invite",
            {"name": "A", "ceiling": "admin", "code_id": new_id(), "expires_at": NOON},
            programme=new_id(),
        ),
        NOT_FOUND,
    )


def test_a_revoked_device_loses_every_token() -> None:
    day = Day()
    device, token = new_id(), new_id()
    args = {"code_id": invited(day), "device_id": device, "token_id": token, "proof_id": new_id()}
    applied(day.do("device.enrol", args, role="public"))
    other = Credential(id=new_id(), programme_id=day.programme, holder="device", holder_id=device, role="volunteer")
    day.put(other)
    refused(day.do("device.revoke", {"device_id": device}, role="volunteer"), NOT_ALLOWED)
    refused(day.do("device.revoke", {"device_id": device}, programme=new_id()), NOT_FOUND)
    refused(day.do("device.revoke", {"device_id": new_id()}), NOT_FOUND)
    applied(day.do("device.revoke", {"device_id": device}))
    assert {row.revoked_at for row in day.state.rows[Credential].values()} == {day.now}
    refused(day.do("device.revoke", {"device_id": device}), ALREADY_REVOKED)
