"""What our HTTP reservations are measured against: pgbench writing the same rows into the same tables.

``STATEMENTS`` does what an ordinary server does, a transaction each: lock, look, insert claim, member and ledger.
``FUNCTION`` does the same within the server, in one call. Neither has HTTP, JSON or a token to look at.
"""

from __future__ import annotations

from typing import Final

SLOT: Final = "('00000000-0000-7000-8000-0001' || lpad(to_hex((:slot)::int), 8, '0'))::uuid"
PERSON: Final = "('00000000-0000-7000-8000-0002' || lpad(to_hex((:person)::int), 8, '0'))::uuid"
PROGRAMME: Final = "'00000000-0000-7000-8000-000000000001'::uuid"
EVENT: Final = "'00000000-0000-7000-8000-000000000002'::uuid"
ROOM: Final = "'00000000-0000-7000-8000-000000000003'::uuid"
BLOCK: Final = "'00000000-0000-7000-8000-000000000004'::uuid"

SEED: Final = f"""
INSERT INTO programmes (id, programme_id, name, time_zone, status, practice)
 VALUES ({PROGRAMME}, {PROGRAMME}, 'Benchmark', 'UTC', 'published', false);
INSERT INTO events (id, programme_id, name, category, type, is_active, points_first, points_second, points_third,
 waitlist_enabled, waitlist_order, reserved_count, overbooked_count)
 VALUES ({EVENT}, {PROGRAMME}, 'Ride', 'sports', 'individual', true, 3, 2, 1, false, 'strict', 0, 0);
INSERT INTO locations (id, programme_id, name) VALUES ({ROOM}, {PROGRAMME}, 'Start');
INSERT INTO event_time_blocks (id, programme_id, event_id, location_id, start_time, end_time, manual_slots, status,
 waived, reserved_count, overbooked_count) VALUES ({BLOCK}, {PROGRAMME}, {EVENT}, {ROOM}, '2082-03-14', '2082-03-28',
 true, 'open', false, 0, 0);
INSERT INTO event_slots (id, programme_id, time_block_id, event_id, location_id, start_time, end_time, slot_number,
 capacity, reserved_count, overbooked_count, status, created_by_admin)
 SELECT ('00000000-0000-7000-8000-0001' || lpad(to_hex(n), 8, '0'))::uuid, {PROGRAMME}, {BLOCK}, {EVENT}, {ROOM},
 '2082-03-14'::timestamptz + n * interval '1 minute', '2082-03-14'::timestamptz + (n + 1) * interval '1 minute', n,
 1000000000, 0, 0, 'open', true FROM generate_series(1, 10000) n;
"""

PEOPLE: Final = f"""
INSERT INTO participants (id, programme_id, display_name, first_name, last_name)
 SELECT ('00000000-0000-7000-8000-0002' || lpad(to_hex(n), 8, '0'))::uuid, {PROGRAMME}, 'Rider ' || n, 'Rider', n::text
 FROM generate_series($1::int, $2::int) n
"""

RECOUNT: Final = """
UPDATE event_slots s SET reserved_count = r.held FROM (SELECT slot_id, sum(spots) AS held FROM slot_reservations
 WHERE claim = 'reserved' GROUP BY 1) r WHERE r.slot_id = s.id
"""
"""The counts of slots from their claims, for claims that were loaded without triggers."""

_CLAIM: Final = f"""INSERT INTO slot_reservations (id, programme_id, slot_id, event_id, location_id, time_block_id,
 claim, spots, reserved_at, placement_version, version, participant_id, ref)
 VALUES (gen_random_uuid(), {PROGRAMME}, {{slot}}, {EVENT}, {ROOM}, {BLOCK}, 'reserved', 1, now(), 1, 1, {{person}},
 'BEN-' || nextval('bench_ref'))"""

_MEMBER: Final = f"""INSERT INTO reservation_members (id, programme_id, reservation_id, participant_id, slot_id,
 start_time, end_time, live, waived) VALUES (gen_random_uuid(), {PROGRAMME}, {{claim}}, {{person}}, {{slot}}, {{start}},
 {{end}}, true, false)"""

EFFECTS: Final = (
    '[["slot_reservations","0199a3b0-7c3e-7f44-a0e4-0d6b5f3c1a22",null,{"id":"0199a3b0-7c3e-7f44-a0e4-0d6b5f3c1a22",'
    '"programme_id":"00000000-0000-7000-8000-000000000001","slot_id":"00000000-0000-7000-8000-000100000001","event_id":'
    '"00000000-0000-7000-8000-000000000002","location_id":"00000000-0000-7000-8000-000000000003","time_block_id":'
    '"00000000-0000-7000-8000-000000000004","claim":"reserved","spots":1,"reserved_at":"2026-03-14T09:00:00.123456Z",'
    '"placement_version":1,"version":1,"ref":"RSV-7K3M9Q","participant_id":"00000000-0000-7000-8000-000200000001"}],'
    '["reservation_members","0199a3b0-7c3e-5f44-a0e4-0d6b5f3c1a22",null,{"id":"0199a3b0-7c3e-5f44-a0e4-0d6b5f3c1a22",'
    '"programme_id":"00000000-0000-7000-8000-000000000001","reservation_id":"0199a3b0-7c3e-7f44-a0e4-0d6b5f3c1a22",'
    '"participant_id":"00000000-0000-7000-8000-000200000001","slot_id":"00000000-0000-7000-8000-000100000001",'
    '"start_time":"2026-03-14T09:00:00Z","end_time":"2026-03-14T09:01:00Z","live": true,"waived": false}]]'
)

ARGS: Final = (
    '{"slot_id":"00000000-0000-7000-8000-000100000001","participant_ids":["00000000-0000-7000-8000-000200000001"]}'
)
DETAILS: Final = '{"reservation_id":"0199a3b0-7c3e-7f44-a0e4-0d6b5f3c1a22","spots":1,"ref":"RSV-7K3M9Q"}'


def ledger(kind: str, args: str, details: str, effects: str, touched: str, id: str = "gen_random_uuid()") -> str:
    """The statement that records a command; *touched* is a list of SQL expressions, the rest text as it is."""
    return f"""INSERT INTO commands (id, programme_id, principal, actor, kind, v, args, hash, status, details, effects,
 touched) VALUES ({id}, {PROGRAMME}, 'public', 'public', '{kind}', 1, '{args}',
 '\\x00112233445566778899aabbccddeeff', 'applied', '{details}', '{effects}', ARRAY[{touched}]::uuid[])"""


def _reserved(claim: str, member: str, person: str, slot: str) -> str:
    touched = f"{claim}, {member}, {person}, {slot}"
    return ledger("reservation.reserve", ARGS, DETAILS, EFFECTS, touched)


STATEMENTS: Final = f"""\\set slot random(1, :slots)
\\set i :i + 1
\\set person :first + :client_id * :share + :i
BEGIN;
SELECT capacity, reserved_count, overbooked_count, status, start_time, end_time FROM event_slots
 WHERE id = {SLOT} FOR NO KEY UPDATE;
SELECT 1 FROM participants WHERE id = {PERSON} FOR NO KEY UPDATE;
{_CLAIM.format(slot=SLOT, person=PERSON)} RETURNING id AS claim \\gset
{_MEMBER.format(
    claim=":claim", person=PERSON, slot=SLOT,
    start="'2082-03-14'::timestamptz + (:slot)::int * interval '1 minute'",
    end="'2082-03-14'::timestamptz + ((:slot)::int + 1) * interval '1 minute'",
)} RETURNING id AS member \\gset
{_reserved(":claim", ":member", PERSON, SLOT)};
COMMIT;
"""  # fmt: skip

_MEMBER_OF_FUNCTION: Final = _MEMBER.format(
    claim="made", person="person", slot="slot_wanted", start="s.start_time", end="s.end_time"
).replace("gen_random_uuid()", "member")

FUNCTION_SQL: Final = f"""
CREATE SEQUENCE IF NOT EXISTS bench_ref;
CREATE OR REPLACE FUNCTION bench_reserve(slot_wanted uuid, person uuid) RETURNS uuid LANGUAGE plpgsql AS $f$
DECLARE s event_slots; made uuid := gen_random_uuid(); member uuid := gen_random_uuid();
BEGIN
 SELECT * INTO s FROM event_slots WHERE id = slot_wanted FOR NO KEY UPDATE;
 PERFORM 1 FROM participants WHERE id = person FOR NO KEY UPDATE;
 IF s.status <> 'open' OR s.reserved_count >= s.capacity THEN RETURN NULL; END IF;
 {_CLAIM.format(slot="slot_wanted", person="person").replace("gen_random_uuid()", "made")};
 {_MEMBER_OF_FUNCTION};
 {_reserved("made", "member", "person", "slot_wanted")};
 RETURN made;
END $f$;
"""

FUNCTION: Final = f"""\\set slot random(1, :slots)
\\set i :i + 1
\\set person :first + :client_id * :share + :i
SELECT bench_reserve({SLOT}, {PERSON});
"""
