CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;

CREATE FUNCTION folded(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, $1)) $$;

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

CREATE FUNCTION count_claims() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  in_slots uuid[];
  in_blocks uuid[];
  in_events uuid[];
  places int[];
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'claims can only be written in a READ COMMITTED transaction'
      USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
  END IF;
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(slot_id), array_agg(time_block_id), array_agg(event_id), array_agg(more)
      INTO in_slots, in_blocks, in_events, places
      FROM (SELECT slot_id, time_block_id, event_id, sum(spots) AS more FROM new_claims
             WHERE claim IN ('held', 'reserved') AND deleted IS NOT TRUE GROUP BY 1, 2, 3) d;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(slot_id), array_agg(time_block_id), array_agg(event_id), array_agg(-less)
      INTO in_slots, in_blocks, in_events, places
      FROM (SELECT slot_id, time_block_id, event_id, sum(spots) AS less FROM old_claims
             WHERE claim IN ('held', 'reserved') AND deleted IS NOT TRUE GROUP BY 1, 2, 3) d;
  ELSE
    SELECT array_agg(slot_id), array_agg(time_block_id), array_agg(event_id), array_agg(more)
      INTO in_slots, in_blocks, in_events, places
      FROM (SELECT slot_id, time_block_id, event_id, sum(spots) AS more
              FROM (SELECT slot_id, time_block_id, event_id, spots FROM new_claims
                     WHERE claim IN ('held', 'reserved') AND deleted IS NOT TRUE
                    UNION ALL
                    SELECT slot_id, time_block_id, event_id, -spots FROM old_claims
                     WHERE claim IN ('held', 'reserved') AND deleted IS NOT TRUE) c
             GROUP BY 1, 2, 3 HAVING sum(spots) <> 0) d;
  END IF;
  IF in_slots IS NOT NULL THEN
    PERFORM count_in_events(in_events, places);
    PERFORM count_in_blocks(in_blocks, places);
    PERFORM count_in_slots(in_slots, places);
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION count_in_slots(ids uuid[], places int[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  wanted bigint;
  changed bigint;
BEGIN
  IF cardinality(ids) > 1 THEN
    PERFORM 1 FROM event_slots WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
    SELECT array_agg(id), array_agg(n), count(*) INTO ids, places, wanted
      FROM (SELECT id, sum(n) AS n FROM unnest(ids, places) AS u (id, n) GROUP BY id HAVING sum(n) <> 0) d;
  ELSE
    wanted := 1;
  END IF;
  UPDATE event_slots s
     SET reserved_count = s.reserved_count + d.n,
         overbooked_count = CASE WHEN d.n < 0
           THEN least(s.overbooked_count, greatest(0, s.reserved_count + d.n - s.capacity))
           ELSE s.overbooked_count END
    FROM unnest(ids, places) AS d (id, n) WHERE s.id = d.id;
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed <> wanted THEN
    RAISE EXCEPTION 'a claim names a slot that does not exist yet' USING ERRCODE = 'foreign_key_violation',
      TABLE = 'slot_reservations', CONSTRAINT = 'fk_slot_reservations_slot';
  END IF;
END $$;

CREATE FUNCTION count_in_blocks(ids uuid[], places int[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  limited uuid[];
BEGIN
  SELECT array_agg(id) FILTER (WHERE max_capacity IS NOT NULL) INTO limited
    FROM (SELECT id, max_capacity FROM event_time_blocks WHERE id = ANY (ids) ORDER BY id FOR KEY SHARE) b;
  IF limited IS NULL THEN
    RETURN;
  END IF;
  PERFORM 1 FROM event_time_blocks WHERE id = ANY (limited) ORDER BY id FOR NO KEY UPDATE;
  UPDATE event_time_blocks b
     SET reserved_count = b.reserved_count + d.n,
         overbooked_count = CASE WHEN d.n < 0
           THEN least(b.overbooked_count, greatest(0, b.reserved_count + d.n - b.max_capacity))
           ELSE b.overbooked_count END
    FROM (SELECT id, sum(n)::int AS n FROM unnest(ids, places) AS u (id, n) GROUP BY id HAVING sum(n) <> 0) d
   WHERE b.id = d.id AND b.max_capacity IS NOT NULL;
END $$;

CREATE FUNCTION count_in_events(ids uuid[], places int[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  limited uuid[];
BEGIN
  SELECT array_agg(id) FILTER (WHERE capacity IS NOT NULL) INTO limited
    FROM (SELECT id, capacity FROM events WHERE id = ANY (ids) ORDER BY id FOR KEY SHARE) e;
  IF limited IS NULL THEN
    RETURN;
  END IF;
  PERFORM 1 FROM events WHERE id = ANY (limited) ORDER BY id FOR NO KEY UPDATE;
  UPDATE events e
     SET reserved_count = e.reserved_count + d.n,
         overbooked_count = CASE WHEN d.n < 0
           THEN least(e.overbooked_count, greatest(0, e.reserved_count + d.n - e.capacity))
           ELSE e.overbooked_count END
    FROM (SELECT id, sum(n)::int AS n FROM unnest(ids, places) AS u (id, n) GROUP BY id HAVING sum(n) <> 0) d
   WHERE e.id = d.id AND e.capacity IS NOT NULL;
END $$;

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
  IF TG_TABLE_NAME = 'events' THEN
    PERFORM 1 FROM events WHERE id = NEW.id FOR UPDATE;
    SELECT coalesce(sum(r.spots), 0) INTO NEW.reserved_count
      FROM event_slots s JOIN slot_reservations r ON r.slot_id = s.id
     WHERE s.event_id = NEW.id AND r.claim IN ('held', 'reserved') AND r.deleted IS NOT TRUE;
  ELSE
    PERFORM 1 FROM event_time_blocks WHERE id = NEW.id FOR UPDATE;
    SELECT coalesce(sum(r.spots), 0) INTO NEW.reserved_count
      FROM event_slots s JOIN slot_reservations r ON r.slot_id = s.id
     WHERE s.time_block_id = NEW.id AND r.claim IN ('held', 'reserved') AND r.deleted IS NOT TRUE;
  END IF;
  RETURN NEW;
END $$;
