"""What the database does by itself: stamps for the feed, counts of places, and refusals of what nobody may do.

Each text is the current one; a migration holds its own copy of what it brought. The rules of counting are those of
``State.apply``, which the tests hold against each other.
"""

from __future__ import annotations

from typing import Final

from server_sync.authority.tables.base import metadata
from server_sync.authority.tables.search import SEARCH, TRIGGERS

EXTENSIONS: Final = ("btree_gist", "pg_trgm", "unaccent")
"""The last is of the first schema; nothing uses it any more."""

__all__ = ["CLAIMS", "COUNT", "EXTENSIONS", "FACTS", "LEDGER", "LIMIT", "SEARCH", "SEED", "STAMP", "triggers"]

STAMP: Final = """
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.last_xid := pg_current_xact_id();
  NEW.updated_at := now();
  RETURN NEW;
END $$;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%: %', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
END $$;
"""

COUNT: Final = """
CREATE FUNCTION count_claims() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  in_slots uuid[];
  in_blocks uuid[];
  in_events uuid[];
  in_programmes uuid[];
  limited_blocks uuid[];
  limited_events uuid[];
  places int[];
  one uuid;
  before uuid;
  locked text;
  uncounted bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'claims can only be written in a READ COMMITTED transaction'
      USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
  END IF;
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(slot_id) FILTER (WHERE takes), array_agg(time_block_id) FILTER (WHERE takes),
           array_agg(event_id) FILTER (WHERE takes), array_agg(programme_id) FILTER (WHERE takes),
           array_agg(spots) FILTER (WHERE takes), count(*) FILTER (WHERE NOT takes)
      INTO in_slots, in_blocks, in_events, in_programmes, places, uncounted
      FROM (SELECT *, claim IN ('held', 'reserved') AND deleted IS NOT TRUE AS takes FROM new_claims) c;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(slot_id), array_agg(time_block_id), array_agg(event_id), array_agg(programme_id),
           array_agg(-spots), 0
      INTO in_slots, in_blocks, in_events, in_programmes, places, uncounted
      FROM old_claims WHERE claim IN ('held', 'reserved') AND deleted IS NOT TRUE;
  ELSE
    SELECT array_agg(slot_id), array_agg(time_block_id), array_agg(event_id), array_agg(programme_id),
           array_agg(more), (SELECT count(*) FROM new_claims WHERE claim NOT IN ('held', 'reserved') OR deleted)
      INTO in_slots, in_blocks, in_events, in_programmes, places, uncounted
      FROM (SELECT slot_id, time_block_id, event_id, programme_id, sum(spots) AS more
              FROM (SELECT slot_id, time_block_id, event_id, programme_id, spots FROM new_claims
                     WHERE claim IN ('held', 'reserved') AND deleted IS NOT TRUE
                    UNION ALL
                    SELECT slot_id, time_block_id, event_id, programme_id, -spots FROM old_claims
                     WHERE claim IN ('held', 'reserved') AND deleted IS NOT TRUE) c
             GROUP BY 1, 2, 3, 4 HAVING sum(spots) <> 0) d;
  END IF;
  IF uncounted > 0 THEN
    IF EXISTS (SELECT 1 FROM new_claims c JOIN event_slots s ON s.id = c.slot_id
                WHERE (s.time_block_id, s.event_id, s.programme_id)
                   IS DISTINCT FROM (c.time_block_id, c.event_id, c.programme_id)) THEN
      PERFORM refuse_place();
    END IF;
  END IF;
  IF in_slots IS NULL THEN
    RETURN NULL;
  END IF;
  FOREACH one IN ARRAY in_events || in_blocks LOOP
    IF one IS DISTINCT FROM before THEN
      locked := pg_advisory_xact_lock_shared(25442, uuid_hash(one) & 1023);
      before := one;
    END IF;
  END LOOP;
  SELECT (SELECT array_agg(id) FROM events WHERE id = ANY (in_events) AND capacity IS NOT NULL),
         (SELECT array_agg(id) FROM event_time_blocks WHERE id = ANY (in_blocks) AND max_capacity IS NOT NULL)
    INTO limited_events, limited_blocks;
  IF limited_events IS NOT NULL THEN
    PERFORM count_in_events(limited_events, in_events, places);
  END IF;
  IF limited_blocks IS NOT NULL THEN
    PERFORM count_in_blocks(limited_blocks, in_blocks, places);
  END IF;
  PERFORM count_in_slots(in_slots, in_blocks, in_events, in_programmes, places);
  RETURN NULL;
END $$;

CREATE FUNCTION refuse_place() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a claim names no slot, or another block, event or programme than its slot does'
    USING ERRCODE = 'foreign_key_violation', TABLE = 'slot_reservations', CONSTRAINT = 'fk_slot_reservations_slot_id';
END $$;

CREATE FUNCTION count_in_slots(ids uuid[], blocks uuid[], events uuid[], programmes uuid[], places int[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  wanted bigint := 1;
  changed bigint;
BEGIN
  IF cardinality(ids) > 1 THEN
    PERFORM 1 FROM event_slots WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
    SELECT array_agg(id), array_agg(block), array_agg(event), array_agg(programme), array_agg(n), count(*)
      INTO ids, blocks, events, programmes, places, wanted
      FROM (SELECT id, block, event, programme, sum(n) AS n
              FROM unnest(ids, blocks, events, programmes, places) AS u (id, block, event, programme, n)
             GROUP BY 1, 2, 3, 4) d;
  END IF;
  UPDATE event_slots s
     SET reserved_count = s.reserved_count + d.n,
         overbooked_count = CASE WHEN d.n < 0
           THEN least(s.overbooked_count, greatest(0, s.reserved_count + d.n - s.capacity))
           ELSE s.overbooked_count END,
         last_xid = pg_current_xact_id(), updated_at = now()
    FROM unnest(ids, blocks, events, programmes, places) AS d (id, block, event, programme, n)
   WHERE s.id = d.id
     AND (s.time_block_id, s.event_id, s.programme_id) IS NOT DISTINCT FROM (d.block, d.event, d.programme);
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed <> wanted THEN
    PERFORM refuse_place();
  END IF;
END $$;

CREATE FUNCTION count_in_blocks(limited uuid[], ids uuid[], places int[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM event_time_blocks WHERE id = ANY (limited) ORDER BY id FOR NO KEY UPDATE;
  UPDATE event_time_blocks b
     SET reserved_count = b.reserved_count + d.n,
         overbooked_count = CASE WHEN d.n < 0
           THEN least(b.overbooked_count, greatest(0, b.reserved_count + d.n - b.max_capacity))
           ELSE b.overbooked_count END
    FROM (SELECT id, sum(n)::int AS n FROM unnest(ids, places) AS u (id, n) GROUP BY id HAVING sum(n) <> 0) d
   WHERE b.id = d.id AND b.max_capacity IS NOT NULL;
END $$;

CREATE FUNCTION count_in_events(limited uuid[], ids uuid[], places int[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM events WHERE id = ANY (limited) ORDER BY id FOR NO KEY UPDATE;
  UPDATE events e
     SET reserved_count = e.reserved_count + d.n,
         overbooked_count = CASE WHEN d.n < 0
           THEN least(e.overbooked_count, greatest(0, e.reserved_count + d.n - e.capacity))
           ELSE e.overbooked_count END
    FROM (SELECT id, sum(n)::int AS n FROM unnest(ids, places) AS u (id, n) GROUP BY id HAVING sum(n) <> 0) d
   WHERE e.id = d.id AND e.capacity IS NOT NULL;
END $$;
"""
"""Adds what a statement took and gave back, in the order in which the authority locks: events, blocks, slots.

Arrays stand between the claims and the counts, so that a plan made for many claims is never used for one. That an event
or block has no limit is believed only under its shared lock: see LIMIT. What a lock waited for must then be seen, hence
READ COMMITTED.

A claim must name its slot's own block, event and programme, or it would evade their limits. A foreign key over all four
columns could see to that, but where the tables are young its check reads every slot of the programme: the planner then
takes any of their indexes. Hence IS DISTINCT FROM as well, which no index serves.
Slots are stamped in passing, which saves a call of stamp() for each.
"""

LIMIT: Final = """
CREATE FUNCTION count_from_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.reserved_count := 0;
  RETURN NEW;
END $$;

CREATE FUNCTION count_newly_limited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION '%: a limit can only be set in a READ COMMITTED transaction', TG_TABLE_NAME
      USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
  END IF;
  PERFORM pg_advisory_xact_lock(25442, uuid_hash(NEW.id) & 1023);
  IF TG_TABLE_NAME = 'events' THEN
    SELECT coalesce(sum(r.spots), 0) INTO NEW.reserved_count
      FROM event_slots s JOIN slot_reservations r ON r.slot_id = s.id
     WHERE s.event_id = NEW.id AND r.claim IN ('held', 'reserved') AND r.deleted IS NOT TRUE;
  ELSE
    SELECT coalesce(sum(r.spots), 0) INTO NEW.reserved_count
      FROM event_slots s JOIN slot_reservations r ON r.slot_id = s.id
     WHERE s.time_block_id = NEW.id AND r.claim IN ('held', 'reserved') AND r.deleted IS NOT TRUE;
  END IF;
  RETURN NEW;
END $$;
"""
"""A row that begins to be limited is counted afresh. The lock waits for every claim in flight, and has those that come
later wait; what they then read is the new limit. It is an advisory lock, since these are served in order (whoever waits
for a row while others share it may wait for ever) and write nothing; 1024 of them stand for all rows, so that an import
never fills the lock table."""

_STAMPED: Final = """
CREATE TRIGGER stamp_new BEFORE INSERT ON {table} FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON {table} FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table}
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');
"""
"""The column's default has stamped a new row already; the function is called only where somebody wrote another."""

_KEPT: Final = """
CREATE TRIGGER keep_identity BEFORE UPDATE ON {table} FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');
"""

_PLACED: Final = """
CREATE TRIGGER keep_place BEFORE UPDATE ON {table} FOR EACH ROW
  WHEN ({changed}) EXECUTE FUNCTION refuse('{kept} never change');
"""
"""Claims are counted by the block and event that their slot had when they were made."""

_COUNTED: Final = """
CREATE TRIGGER count_from_nothing BEFORE INSERT ON {table} FOR EACH ROW
  WHEN (NEW.reserved_count <> 0) EXECUTE FUNCTION count_from_nothing();
CREATE TRIGGER count_is_kept BEFORE UPDATE ON {table} FOR EACH ROW
  WHEN (NEW.reserved_count IS DISTINCT FROM OLD.reserved_count AND pg_trigger_depth() = 0)
  EXECUTE FUNCTION refuse('reserved_count follows from the claims and is never written');
"""

_LIMITED: Final = """
CREATE TRIGGER count_newly_limited BEFORE UPDATE ON {table} FOR EACH ROW
  WHEN (OLD.{limit} IS NULL AND NEW.{limit} IS NOT NULL) EXECUTE FUNCTION count_newly_limited();
"""

CLAIMS: Final = """
CREATE TRIGGER count_new AFTER INSERT ON slot_reservations REFERENCING NEW TABLE AS new_claims
  FOR EACH STATEMENT EXECUTE FUNCTION count_claims();
CREATE TRIGGER count_changed AFTER UPDATE ON slot_reservations
  REFERENCING OLD TABLE AS old_claims NEW TABLE AS new_claims
  FOR EACH STATEMENT EXECUTE FUNCTION count_claims();
CREATE TRIGGER count_gone AFTER DELETE ON slot_reservations REFERENCING OLD TABLE AS old_claims
  FOR EACH STATEMENT EXECUTE FUNCTION count_claims();
"""

LEDGER: Final = """
CREATE TRIGGER keep_verdict BEFORE UPDATE ON commands FOR EACH ROW
  WHEN ((NEW.id, NEW.programme_id, NEW.principal, NEW.actor, NEW.device_id, NEW.incarnation, NEW.seq, NEW.kind, NEW.v,
         NEW.hash, NEW.status, NEW.code, NEW.touched, NEW.occurred_at, NEW.received_at, NEW.number)
        IS DISTINCT FROM
        (OLD.id, OLD.programme_id, OLD.principal, OLD.actor, OLD.device_id, OLD.incarnation, OLD.seq, OLD.kind, OLD.v,
         OLD.hash, OLD.status, OLD.code, OLD.touched, OLD.occurred_at, OLD.received_at, OLD.number))
  EXECUTE FUNCTION refuse('a verdict never changes');
CREATE TRIGGER keep_all BEFORE DELETE ON commands FOR EACH ROW
  EXECUTE FUNCTION refuse('the ledger keeps every command');
"""
"""What a command said and did may be redacted, when a person is erased; that it was, and its verdict, may not."""

FACTS: Final = """
CREATE TRIGGER keep_fact BEFORE UPDATE ON attendance FOR EACH ROW
  WHEN ((NEW.reservation_id, NEW.kind, NEW.occurred_at, NEW.command_id, NEW.actor, NEW.participant_id, NEW.device_id,
         NEW.undoes, NEW.deleted)
        IS DISTINCT FROM
        (OLD.reservation_id, OLD.kind, OLD.occurred_at, OLD.command_id, OLD.actor, OLD.participant_id, OLD.device_id,
         OLD.undoes, OLD.deleted))
  EXECUTE FUNCTION refuse('what happened never changes: a later fact undoes it');
"""

SEED: Final = """
INSERT INTO server_settings (epoch, secret)
SELECT gen_random_uuid()::text,
       decode(replace(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
"""


def triggers() -> str:
    """The triggers of every table, in the order of the tables."""
    parts: list[str] = []
    for table in metadata.sorted_tables:
        if "last_xid" in table.c:
            parts.append(_STAMPED.format(table=table.name))
        if "created_at" in table.c and "programme_id" in table.c:
            parts.append(_KEPT.format(table=table.name))
        if "reserved_count" in table.c:
            parts.append(_COUNTED.format(table=table.name))
    parts.append(
        _PLACED.format(
            table="event_slots",
            changed="NEW.time_block_id <> OLD.time_block_id OR NEW.event_id <> OLD.event_id",
            kept="time_block_id and event_id",
        )
    )
    parts.append(_PLACED.format(table="event_time_blocks", changed="NEW.event_id <> OLD.event_id", kept="event_id"))
    parts.append(_LIMITED.format(table="events", limit="capacity"))
    parts.append(_LIMITED.format(table="event_time_blocks", limit="max_capacity"))
    return "".join([*parts, CLAIMS, LEDGER, FACTS, TRIGGERS])
