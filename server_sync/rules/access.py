"""Who may use this programme, from where: staff are created and revoked, devices invited, enrolled and revoked.

Secrets never enter a command: a code or token is named by ``secret_id``, made before the command is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs

from server_sync.protocol.errors import ALREADY_EXISTS, ALREADY_REVOKED, CODE_UNKNOWN, NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId
from server_sync.protocol.records import Credential, Device, Enrolment, Programme, Role, Staff
from server_sync.rules.command import Command, Rule
from server_sync.rules.create import Name
from server_sync.rules.state import CREDENTIALS, Changes, Keys, State


class CreateStaff(msgspec.Struct, frozen=True, kw_only=True):
    """Who, what they may do, and the ``secret_id`` of their token."""

    name: Name
    role: Role
    token_id: GivenId


def needs_staff(command: Command[CreateStaff], loaded: State) -> Keys:
    """The programme, so that the same token is not given twice at once."""
    return Keys(lock={(Programme, command.programme_id)}, read={(Credential, command.args.token_id)})


def create_staff(state: State, command: Command[CreateStaff], now: datetime) -> Changes | Refusal:
    """A member of staff and the credential they sign in with."""
    args = command.args
    if state.get(Programme, command.programme_id) is None:
        return Refusal(NOT_FOUND, {"programme_id": command.programme_id})
    if state.get(Credential, args.token_id) is not None:
        return Refusal(ALREADY_EXISTS, {"problem": "that token is in use"})
    person = Staff(id=command.id, programme_id=command.programme_id, name=args.name, role=args.role, is_active=True)
    credential = Credential(
        id=args.token_id, programme_id=command.programme_id, holder="staff", holder_id=person.id, role=args.role
    )
    return Changes([person, credential], {"staff_id": person.id})


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """The desk's name, its ceiling, the ``secret_id`` of its one-time code, and until when that works."""

    name: Name
    ceiling: Role
    code_id: GivenId
    expires_at: datetime


def needs_invitation(command: Command[Invite], loaded: State) -> Keys:
    """The programme, and whether the code is taken."""
    return Keys(lock={(Programme, command.programme_id)}, read={(Enrolment, command.args.code_id)})


def invite(state: State, command: Command[Invite], now: datetime) -> Changes | Refusal:
    """An enrolment that one desk may use."""
    args = command.args
    if state.get(Programme, command.programme_id) is None:
        return Refusal(NOT_FOUND, {"programme_id": command.programme_id})
    if state.get(Enrolment, args.code_id) is not None:
        return Refusal(ALREADY_EXISTS, {"problem": "that code is in use"})
    enrolment = Enrolment(
        id=args.code_id,
        programme_id=command.programme_id,
        name=args.name,
        ceiling=args.ceiling,
        expires_at=args.expires_at,
    )
    return Changes([enrolment], {"expires_at": args.expires_at})


class Enrol(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The code's, the new token's and the desk's proof's ``secret_id``, and the id that the desk gave itself."""

    code_id: GivenId
    device_id: GivenId
    token_id: GivenId
    proof_id: GivenId
    name: Name | None = None


def needs_enrolment(command: Command[Enrol], loaded: State) -> Keys:
    """The code, which one desk uses up, and the desk."""
    args = command.args
    return Keys(lock={(Enrolment, args.code_id), (Device, args.device_id)}, read={(Credential, args.token_id)})


def enrol(state: State, command: Command[Enrol], now: datetime) -> Changes | Refusal:
    """The device with its credential; the code is used up."""
    args = command.args
    code = state.get(Enrolment, args.code_id)
    if code is None or code.used_at is not None or code.expires_at <= now or code.programme_id != command.programme_id:
        return Refusal(CODE_UNKNOWN)
    if state.get(Device, args.device_id) is not None or state.get(Credential, args.token_id) is not None:
        return Refusal(ALREADY_EXISTS, {"device_id": args.device_id})
    device = Device(
        id=args.device_id,
        programme_id=code.programme_id,
        name=args.name or code.name,
        ceiling=code.ceiling,
        enrolled_at=now,
    )
    credential = Credential(
        id=args.token_id, programme_id=code.programme_id, holder="device", holder_id=device.id, role=code.ceiling
    )
    used = structs.replace(code, used_at=now, device_id=device.id)
    return Changes([device, credential, used], {"device_id": device.id, "ceiling": device.ceiling})


class Revoke(msgspec.Struct, frozen=True, kw_only=True):
    """Which device."""

    device_id: GivenId


def needs_device(command: Command[Revoke], loaded: State) -> Keys:
    """The device and its credentials."""
    keys = Keys(lock={(Device, command.args.device_id)}, find={(CREDENTIALS, command.args.device_id)})
    keys.lock |= {(Credential, row.id) for row in loaded.find(CREDENTIALS, command.args.device_id)}
    return keys


def revoke(state: State, command: Command[Revoke], now: datetime) -> Changes | Refusal:
    """The device and every token of it, revoked."""
    device = state.get(Device, command.args.device_id)
    if device is None or device.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"device_id": command.args.device_id})
    if device.revoked_at is not None:
        return Refusal(ALREADY_REVOKED, {"device_id": device.id, "at": device.revoked_at})
    credentials = [structs.replace(row, revoked_at=now) for row in state.find(CREDENTIALS, device.id)]
    return Changes([structs.replace(device, revoked_at=now), *credentials], {"device_id": device.id})


class RevokeStaff(msgspec.Struct, frozen=True, kw_only=True):
    """Whose tokens."""

    staff_id: GivenId


def needs_member(command: Command[RevokeStaff], loaded: State) -> Keys:
    """The member of staff and their credentials."""
    keys = Keys(lock={(Staff, command.args.staff_id)}, find={(CREDENTIALS, command.args.staff_id)})
    keys.lock |= {(Credential, row.id) for row in loaded.find(CREDENTIALS, command.args.staff_id)}
    return keys


def revoke_staff(state: State, command: Command[RevokeStaff], now: datetime) -> Changes | Refusal:
    """The member of staff, no longer active, and every token of theirs, revoked."""
    person = state.get(Staff, command.args.staff_id)
    if person is None or person.programme_id != command.programme_id:
        return Refusal(NOT_FOUND, {"staff_id": command.args.staff_id})
    if not person.is_active:
        return Refusal(ALREADY_REVOKED, {"staff_id": person.id})
    credentials = [structs.replace(row, revoked_at=now) for row in state.find(CREDENTIALS, person.id)]
    return Changes([structs.replace(person, is_active=False), *credentials], {"staff_id": person.id})


RULES: list[Rule[Any]] = [
    Rule("staff.create", CreateStaff, "admin", needs_staff, create_staff),
    Rule("staff.revoke", RevokeStaff, "admin", needs_member, revoke_staff),
    Rule("device.invite", Invite, "admin", needs_invitation, invite),
    Rule("device.enrol", Enrol, "public", needs_enrolment, enrol),
    Rule("device.revoke", Revoke, "admin", needs_device, revoke),
]
