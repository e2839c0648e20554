"""What a command's envelope and arguments may say, and the clear no to everything else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from server_sync.protocol.commands import Envelope, PushRequest
from server_sync.protocol.errors import INVALID, NOT_ALLOWED, Refusal
from server_sync.protocol.records import ROLES
from server_sync.rules.blocks import Args as BlockArgs
from server_sync.rules.command import LONGEST_AWAY, Command, allowed, read_args
from server_sync.rules.registry import RULES, rule_for
from server_sync.rules.reserve import Args as ReserveArgs

RESERVE = RULES["reservation.reserve"]
BLOCK = RULES["block.create"]
ID = "019a7c1e-5b20-7a3c-8d4e-6f7081920a3b"
TIMES = {"start_time": "2026-05-02T10:00:00Z", "end_time": "2026-05-02T11:00:00Z"}


def read(kind: str, **args: Any) -> msgspec.Struct | Refusal:
    return read_args(RULES[kind], msgspec.json.encode(args))


def invalid(verdict: msgspec.Struct | Refusal) -> str:
    assert isinstance(verdict, Refusal), verdict
    assert verdict.code == INVALID
    return str(verdict.details)


@pytest.mark.parametrize(
    "bad", ["", "x", ID.upper(), ID + " ", ID + "\n", "{" + ID + "}", ID[:-1], ID.replace("-", ""), "'; DROP TABLE"]
)
def test_an_id_that_is_none(bad: str) -> None:
    assert "slot_id" in invalid(read("reservation.reserve", slot_id=bad, reserved_name="A"))
    assert "participant_ids" in invalid(read("reservation.reserve", slot_id=ID, participant_ids=[bad]))
    assert "group_id" in invalid(read("reservation.reserve", slot_id=ID, group_id=bad))


def test_every_argument_that_names_an_id_is_checked() -> None:
    """No rule's arguments hold a plain text called ``…_id``: it would reach the database unchecked."""
    checked = 0
    for rule in RULES.values():
        described = msgspec.inspect.type_info(rule.args)
        assert isinstance(described, msgspec.inspect.StructType)
        for field in described.fields:
            if not field.name.endswith(("_id", "_ids")) or field.name == "external_id":
                continue
            for kind in getattr(field.type, "types", (field.type,)):
                kind = kind.item_type if isinstance(kind, msgspec.inspect.ListType) else kind
                if isinstance(kind, msgspec.inspect.StrType):
                    assert kind.pattern is not None, f"{rule.kind}: {field.name}"
                    checked += 1
    assert checked >= 20


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b'{"slot_id": 1}', b'{"slot_id": "\xff"}', b'{"slot_id": "\\ud800"}', b"{} {}"],
)
def test_what_is_no_arguments(raw: bytes) -> None:
    invalid(read_args(RESERVE, raw))


def test_a_document_nested_without_end() -> None:
    raw = b'{"slot_id":"' + ID.encode() + b'","metadata":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"
    invalid(read_args(RESERVE, raw))


def test_nul_is_refused_wherever_it_is() -> None:
    for args in ({"reserved_name": "A\0B"}, {"metadata": {"a": ["\0"]}}, {"metadata": {"\0": 1}}):
        assert "NUL" in invalid(read("reservation.reserve", slot_id=ID, **args))
    assert "NUL" in invalid(read_args(RESERVE, b'{"slot_id":"' + ID.encode() + b'","reserved_name":"\\\\\\u0000"}'))


def test_a_backslash_before_u0000_is_no_nul() -> None:
    args = read("reservation.reserve", slot_id=ID, reserved_name=r"\u0000")
    assert isinstance(args, ReserveArgs)
    assert args.reserved_name == r"\u0000"


@pytest.mark.parametrize(
    "text", ["Zoë", "李小龍", "עברית", "🎻🎹", "a\tb", "O'Neill; --", "e\u0301", "\ufeffx", "x" * 200]
)
def test_names_of_all_kinds_are_kept(text: str) -> None:
    args = read("reservation.reserve", slot_id=ID, reserved_name=text)
    assert isinstance(args, ReserveArgs)
    assert args.reserved_name == text


@pytest.mark.parametrize(
    "args",
    [
        {"reserved_name": ""},
        {"reserved_name": "x" * 201},
        {"guests": -1},
        {"guests": 1001},
        {"guests": 1.5},
        {"participant_ids": [ID] * 1001},
        {"on_full": "override"},
        {"slot_id": "S1"},
        {"special_requirements": "x" * 2001},
    ],
)
def test_values_out_of_range(args: dict[str, Any]) -> None:
    invalid(read("reservation.reserve", **{"slot_id": ID, **args}))


@pytest.mark.parametrize("naive", ["2026-05-02T10:00:00", "2026-05-02 10:00:00", "2026-05-02"])
def test_a_time_without_zone(naive: str) -> None:
    invalid(read("block.create", **{"event_id": ID, "location_id": ID, **TIMES, "start_time": naive}))


def test_a_time_without_zone_names_its_field() -> None:
    verdict = read("event.create", name="A", master_end="2026-05-02T10:00:00")
    assert isinstance(verdict, Refusal)
    assert verdict.details["field"] == "master_end"
    assert "zone" in verdict.details["problem"]


@pytest.mark.parametrize("far", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1899-12-31T00:00:00Z"])
def test_a_time_that_no_programme_has(far: str) -> None:
    assert "out of range" in invalid(read("device.invite", name="A", ceiling="admin", code_id=ID, expires_at=far))


@pytest.mark.parametrize("far", ["0001-01-01", "1899-12-31", "9999-12-31"])
def test_a_day_that_no_programme_has(far: str) -> None:
    for kind, args in (
        ("room_day.delay", {"location_id": ID, "delay_minutes": 5, "day": far}),
        ("programme.update", {"starts_on": far}),
        ("programme.create", {"name": "A", "ends_on": far}),
    ):
        assert "out of range" in invalid(read(kind, **args))
    assert not isinstance(read("programme.update", starts_on=None, ends_on="2027-03-14"), Refusal)


def test_a_later_version_is_a_kind_that_nobody_knows() -> None:
    envelope = Envelope(id=ID, kind="reservation.reserve", args=msgspec.Raw(b"{}"))
    assert rule_for(envelope) is RESERVE
    assert rule_for(msgspec.structs.replace(envelope, v=2)) is None
    assert rule_for(msgspec.structs.replace(envelope, kind="reservation.dream")) is None


def test_times_are_kept_in_utc() -> None:
    args = read("block.create", event_id=ID, location_id=ID, **{**TIMES, "end_time": "2026-05-02T14:30:00+02:00"})
    assert isinstance(args, BlockArgs)
    assert args.end_time == datetime(2026, 5, 2, 12, 30, tzinfo=UTC)
    assert args.end_time.tzinfo is UTC


def test_roles_include_the_ones_before() -> None:
    for rule in RULES.values():
        enough = [role for role in ROLES if allowed(rule, role) is None]
        assert enough == list(ROLES[ROLES.index(rule.role) :])
        for role in set(ROLES) - set(enough):
            no = allowed(rule, role)
            assert no is not None
            assert no.code == NOT_ALLOWED


def _command(**how: Any) -> Command[Any]:
    return Command(id=ID, kind="attendance.arrive", programme_id=ID, args=ReserveArgs(slot_id=ID), actor="Ada", **how)


def test_when_it_happened() -> None:
    now = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
    early = now - timedelta(minutes=10)
    assert _command().happened(now) == now
    assert _command(occurred_at=early).happened(now) == early
    assert _command(occurred_at=early, clock_offset_ms=90_000).happened(now) == early + timedelta(seconds=90)
    assert _command(occurred_at=now, clock_offset_ms=1).happened(now) == now, "never later than the server received it"
    elsewhere = msgspec.json.decode(b'"2026-05-02T13:00:00+02:00"', type=datetime)
    assert _command(occurred_at=elsewhere).happened(now).tzinfo is UTC


@pytest.mark.parametrize("extreme", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("offset", [-(10**13), 10**13])
def test_a_clock_gone_wild_does_no_harm(extreme: datetime, offset: int) -> None:
    now = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
    assert _command(occurred_at=extreme, clock_offset_ms=offset).happened(now) == now


def test_a_desk_that_was_away_is_believed_and_an_impossible_time_is_not() -> None:
    now = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
    away, impossible = now - LONGEST_AWAY, now - LONGEST_AWAY - timedelta(seconds=1)
    assert (_command(occurred_at=away).happened(now), _command(occurred_at=away).clock_was_wrong(now)) == (away, False)
    assert _command(occurred_at=impossible).happened(now) == now
    assert _command(occurred_at=impossible).clock_was_wrong(now)
    assert not _command(occurred_at=impossible, clock_offset_ms=1000).clock_was_wrong(now)
    assert not _command(occurred_at=now + timedelta(days=400)).clock_was_wrong(now), (
        "ahead is clamped, as it always was"
    )
    assert not _command().clock_was_wrong(now)


GOOD = {"id": ID, "seq": 1, "kind": "attendance.arrive", "args": {}}


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "x"},
        {"id": ID.upper()},
        {"seq": 0},
        {"seq": 2**63},
        {"v": 2**40},
        {"kind": "a\0b"},
        {"kind": "x" * 201},
        {"actor": "a\0b"},
        {"occurred_at": "2026-05-02T10:00:00"},
        {"clock_offset_ms": 10**14},
        {"depends_on": ["x"]},
    ],
)
def test_an_envelope_that_could_never_be_stored_is_not_read(bad: dict[str, Any]) -> None:
    push = {"proto": 1, "device": ID, "incarnation": 1, "commands": [{**GOOD, **bad}]}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(push), type=PushRequest)


def test_arguments_cross_untouched() -> None:
    raw = b'{"id":"' + ID.encode() + b'","kind":"k","args":{ "b": 1.0,\n"a": "\\u00e9" }}'
    envelope = msgspec.json.decode(raw, type=Envelope)
    assert bytes(envelope.args) == b'{ "b": 1.0,\n"a": "\\u00e9" }'
    assert bytes(msgspec.json.decode(msgspec.json.encode(envelope), type=Envelope).args) == bytes(envelope.args)
