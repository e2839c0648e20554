"""What our check-ins are measured against: pgbench doing the same to the same rows, and the claims for both.

As with reservations ``STATEMENTS`` is a transaction of one statement after the other (lock the claim, look who is in it
and what is known of them, then write claim, fact and ledger), and ``FUNCTION`` the same in one call.
"""

from __future__ import annotations

from typing import Final

from tests.bench.reference import BLOCK, EVENT, PROGRAMME, ROOM, ledger


def _id(table: str, number: str) -> str:
    return f"('00000000-0000-7000-8000-{table}' || lpad(to_hex(({number})::int), 8, '0'))::uuid"


FIRST_PERSON: Final = 0x10000000
"""The people of the claims have numbers from here on, apart from those who are still to reserve."""

CLAIM: Final = _id("0005", ":claim")
_PERSON: Final = _id("0002", f"n + {FIRST_PERSON}")
_SLOT: Final = _id("0001", "n % 10000 + 1")

CLAIMS: Final = (
    f"""INSERT INTO participants (id, programme_id, display_name, first_name, last_name)
 SELECT {_PERSON}, {PROGRAMME}, 'Guest ' || n, 'Guest', n::text FROM generate_series($1::int, $2::int) n""",
    f"""INSERT INTO slot_reservations (id, programme_id, slot_id, event_id, location_id, time_block_id, claim, spots,
 reserved_at, placement_version, version, participant_id)
 SELECT {_id("0005", "n")}, {PROGRAMME}, {_SLOT}, {EVENT}, {ROOM}, {BLOCK}, 'reserved', 1, now(), 1, 1, {_PERSON}
 FROM generate_series($1::int, $2::int) n""",
    f"""INSERT INTO reservation_members (id, programme_id, reservation_id, participant_id, slot_id, start_time,
 end_time, live, waived) SELECT {_id("0006", "n")}, {PROGRAMME}, {_id("0005", "n")}, {_PERSON}, {_SLOT},
 '2082-03-14'::timestamptz + (n % 10000 + 1) * interval '1 minute',
 '2082-03-14'::timestamptz + (n % 10000 + 2) * interval '1 minute', true, false
 FROM generate_series($1::int, $2::int) n""",
)
"""Claims number $1 to $2, one person each, spread over the slots."""

_ARGS: Final = '{"reservation_id":"00000000-0000-7000-8000-000500000001"}'
_DETAILS: Final = (
    '{"reservation_id":"00000000-0000-7000-8000-000500000001","kind":"arrived",'
    '"occurred_at":"2026-03-14T09:00:00.123456Z","members":1}'
)
_EFFECTS: Final = (
    '[["slot_reservations","00000000-0000-7000-8000-000500000001",{"version":1},{"version":2}],'
    '["attendance","0199a3b0-7c3e-5f44-a0e4-0d6b5f3c1a22",null,{"id":"0199a3b0-7c3e-5f44-a0e4-0d6b5f3c1a22",'
    '"programme_id":"00000000-0000-7000-8000-000000000001","reservation_id":"00000000-0000-7000-8000-000500000001",'
    '"kind":"arrived","occurred_at":"2026-03-14T09:00:00.123456Z","command_id":"0199a3b0-7c3e-7f44-a0e4-0d6b5f3c1a22",'
    '"actor":"Desk","participant_id":"00000000-0000-7000-8000-000210000001",'
    '"device_id":"0199a3b0-7c3e-7f44-a0e4-0d6b5f3c1a23"}]]'
)


def _fact(id: str, claim: str, command: str, person: str) -> str:
    return f"""INSERT INTO attendance (id, programme_id, reservation_id, kind, occurred_at, command_id, actor,
 participant_id) VALUES ({id}, {PROGRAMME}, {claim}, 'arrived', now(), {command}, 'Desk', {person})"""


def _recorded(command: str, touched: str) -> str:
    return ledger("attendance.arrive", _ARGS, _DETAILS, _EFFECTS, touched, command)


STATEMENTS: Final = f"""\\set i :i + 1
\\set claim :first + :client_id * :share + :i
BEGIN;
SELECT claim AS state, version, placement_version, slot_id AS slot, deleted, gen_random_uuid() AS command,
 gen_random_uuid() AS fact FROM slot_reservations WHERE id = {CLAIM} FOR NO KEY UPDATE \\gset
SELECT participant_id AS person FROM reservation_members WHERE reservation_id = {CLAIM} AND deleted IS NOT TRUE \\gset
SELECT kind, participant_id, occurred_at, undoes FROM attendance WHERE reservation_id = {CLAIM}
 AND deleted IS NOT TRUE;
UPDATE slot_reservations SET version = version + 1 WHERE id = {CLAIM};
{_fact(":fact", CLAIM, ":command", ":person")};
{_recorded(":command", f":fact, {CLAIM}, :person, :slot")};
COMMIT;
"""

FUNCTION_SQL: Final = f"""
CREATE OR REPLACE FUNCTION bench_arrive(wanted uuid) RETURNS uuid LANGUAGE plpgsql AS $f$
DECLARE c slot_reservations; person uuid; known int; command uuid := gen_random_uuid();
 fact uuid := gen_random_uuid();
BEGIN
 SELECT * INTO c FROM slot_reservations WHERE id = wanted FOR NO KEY UPDATE;
 SELECT participant_id INTO person FROM reservation_members WHERE reservation_id = wanted AND deleted IS NOT TRUE;
 SELECT count(*) INTO known FROM attendance WHERE reservation_id = wanted AND deleted IS NOT TRUE;
 IF c.claim <> 'reserved' OR known > 0 THEN RETURN NULL; END IF;
 UPDATE slot_reservations SET version = version + 1 WHERE id = wanted;
 {_fact("fact", "wanted", "command", "person")};
 {_recorded("command", "fact, wanted, person, c.slot_id")};
 RETURN command;
END $f$;
"""

FUNCTION: Final = f"""\\set i :i + 1
\\set claim :first + :client_id * :share + :i
SELECT bench_arrive({CLAIM});
"""
