CREATE TRIGGER stamp_new BEFORE INSERT ON programmes FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON programmes FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON programmes
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON programmes FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON credentials FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON credentials FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON credentials
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON credentials FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON devices FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON devices FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON devices
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON devices FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON event_rules FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON event_rules FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON event_rules
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON event_rules FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON groups FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON groups FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON groups
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON groups FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON locations FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON locations FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON locations
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON locations FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON staff FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON staff FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON staff
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON staff FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON commands FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON commands FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON commands
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER stamp_new BEFORE INSERT ON enrolments FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON enrolments FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON enrolments
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON enrolments FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON events FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON events FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON events
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON events FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER count_from_nothing BEFORE INSERT ON events FOR EACH ROW
  WHEN (NEW.reserved_count <> 0) EXECUTE FUNCTION count_from_nothing();
CREATE TRIGGER count_is_kept BEFORE UPDATE ON events FOR EACH ROW
  WHEN (NEW.reserved_count IS DISTINCT FROM OLD.reserved_count AND pg_trigger_depth() = 0)
  EXECUTE FUNCTION refuse('reserved_count follows from the claims and is never written');

CREATE TRIGGER stamp_new BEFORE INSERT ON participants FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON participants FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON participants
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON participants FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON seats FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON seats FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON seats
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON seats FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON event_locations FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON event_locations FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON event_locations
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON event_locations FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON event_time_blocks FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON event_time_blocks FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON event_time_blocks
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON event_time_blocks FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER count_from_nothing BEFORE INSERT ON event_time_blocks FOR EACH ROW
  WHEN (NEW.reserved_count <> 0) EXECUTE FUNCTION count_from_nothing();
CREATE TRIGGER count_is_kept BEFORE UPDATE ON event_time_blocks FOR EACH ROW
  WHEN (NEW.reserved_count IS DISTINCT FROM OLD.reserved_count AND pg_trigger_depth() = 0)
  EXECUTE FUNCTION refuse('reserved_count follows from the claims and is never written');

CREATE TRIGGER stamp_new BEFORE INSERT ON flags FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON flags FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON flags
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON flags FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON event_slots FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON event_slots FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON event_slots
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON event_slots FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER count_from_nothing BEFORE INSERT ON event_slots FOR EACH ROW
  WHEN (NEW.reserved_count <> 0) EXECUTE FUNCTION count_from_nothing();
CREATE TRIGGER count_is_kept BEFORE UPDATE ON event_slots FOR EACH ROW
  WHEN (NEW.reserved_count IS DISTINCT FROM OLD.reserved_count AND pg_trigger_depth() = 0)
  EXECUTE FUNCTION refuse('reserved_count follows from the claims and is never written');

CREATE TRIGGER stamp_new BEFORE INSERT ON slot_reservations FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON slot_reservations FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON slot_reservations
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON slot_reservations FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON attendance FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON attendance FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON attendance
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON attendance FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON notifications FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON notifications FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON notifications
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON notifications FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON payments FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON payments FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON payments
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON payments FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON reservation_members FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON reservation_members FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON reservation_members
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON reservation_members FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON room_days FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON room_days FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON room_days
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON room_days FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER stamp_new BEFORE INSERT ON slot_seats FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id()) EXECUTE FUNCTION stamp();
CREATE TRIGGER stamp_changed BEFORE UPDATE ON slot_seats FOR EACH ROW
  WHEN (NEW.last_xid IS DISTINCT FROM pg_current_xact_id() OR NEW.updated_at IS DISTINCT FROM now())
  EXECUTE FUNCTION stamp();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON slot_seats
  EXECUTE FUNCTION refuse('rows leave by their deleted flag, or no desk would hear of it');

CREATE TRIGGER keep_identity BEFORE UPDATE ON slot_seats FOR EACH ROW
  WHEN (NEW.id <> OLD.id OR NEW.programme_id <> OLD.programme_id OR NEW.created_at <> OLD.created_at)
  EXECUTE FUNCTION refuse('id, programme_id and created_at never change');

CREATE TRIGGER keep_place BEFORE UPDATE ON event_slots FOR EACH ROW
  WHEN (NEW.time_block_id <> OLD.time_block_id OR NEW.event_id <> OLD.event_id) EXECUTE FUNCTION refuse('time_block_id and event_id never change');

CREATE TRIGGER keep_place BEFORE UPDATE ON event_time_blocks FOR EACH ROW
  WHEN (NEW.event_id <> OLD.event_id) EXECUTE FUNCTION refuse('event_id never change');

CREATE TRIGGER count_newly_limited BEFORE UPDATE ON events FOR EACH ROW
  WHEN (OLD.capacity IS NULL AND NEW.capacity IS NOT NULL) EXECUTE FUNCTION count_newly_limited();

CREATE TRIGGER count_newly_limited BEFORE UPDATE ON event_time_blocks FOR EACH ROW
  WHEN (OLD.max_capacity IS NULL AND NEW.max_capacity IS NOT NULL) EXECUTE FUNCTION count_newly_limited();

CREATE TRIGGER count_new AFTER INSERT ON slot_reservations REFERENCING NEW TABLE AS new_claims
  FOR EACH STATEMENT EXECUTE FUNCTION count_claims();
CREATE TRIGGER count_changed AFTER UPDATE ON slot_reservations
  REFERENCING OLD TABLE AS old_claims NEW TABLE AS new_claims
  FOR EACH STATEMENT EXECUTE FUNCTION count_claims();
CREATE TRIGGER count_gone AFTER DELETE ON slot_reservations REFERENCING OLD TABLE AS old_claims
  FOR EACH STATEMENT EXECUTE FUNCTION count_claims();

CREATE TRIGGER keep_verdict BEFORE UPDATE ON commands FOR EACH ROW
  WHEN ((NEW.id, NEW.principal, NEW.kind, NEW.hash, NEW.status, NEW.received_at)
        IS DISTINCT FROM (OLD.id, OLD.principal, OLD.kind, OLD.hash, OLD.status, OLD.received_at)
        OR NEW.seq IS DISTINCT FROM OLD.seq OR NEW.device_id IS DISTINCT FROM OLD.device_id)
  EXECUTE FUNCTION refuse('a verdict never changes');
CREATE TRIGGER keep_all BEFORE DELETE ON commands FOR EACH ROW
  EXECUTE FUNCTION refuse('the ledger keeps every command');
