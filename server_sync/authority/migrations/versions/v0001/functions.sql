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
