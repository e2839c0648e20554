ALTER TABLE locations ADD COLUMN description TEXT;
ALTER TABLE event_time_blocks ADD COLUMN status_reason TEXT;
ALTER TABLE event_slots ADD COLUMN seated BOOLEAN;

ALTER TABLE slot_reservations ADD COLUMN any_slot BOOLEAN;
CREATE INDEX ix_slot_reservations_event_id_queued_at ON slot_reservations (event_id, queued_at)
  WHERE claim = 'waitlisted';
CREATE INDEX ix_slot_reservations_event_id_held ON slot_reservations (event_id) WHERE claim = 'held';

ALTER TABLE reservation_members ADD COLUMN waiting BOOLEAN;
ALTER TABLE reservation_members ADD CONSTRAINT ck_reservation_members_waiting_takes_no_time
  CHECK (NOT (live AND waiting));
DROP INDEX ix_reservation_members_participant_id;
CREATE INDEX ix_reservation_members_participant_id ON reservation_members (participant_id);
CREATE UNIQUE INDEX uq_reservation_members_waiting_once ON reservation_members (participant_id, slot_id)
  WHERE waiting AND deleted IS NOT TRUE;

ALTER TABLE slot_seats DROP CONSTRAINT fk_slot_seats_reservation_id;
ALTER TABLE slot_seats ADD CONSTRAINT fk_slot_seats_reservation_id
  FOREIGN KEY (reservation_id) REFERENCES slot_reservations (id) DEFERRABLE INITIALLY DEFERRED;
