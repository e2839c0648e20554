ALTER TABLE slot_reservations
  ADD CONSTRAINT ck_slot_reservations_held_until_a_time CHECK (claim <> 'held' OR expires_at IS NOT NULL);
DROP TRIGGER keep_verdict ON commands;
CREATE TRIGGER keep_verdict BEFORE UPDATE ON commands FOR EACH ROW
  WHEN ((NEW.id, NEW.programme_id, NEW.principal, NEW.actor, NEW.device_id, NEW.incarnation, NEW.seq, NEW.kind, NEW.v,
         NEW.hash, NEW.status, NEW.code, NEW.touched, NEW.occurred_at, NEW.received_at, NEW.number)
        IS DISTINCT FROM
        (OLD.id, OLD.programme_id, OLD.principal, OLD.actor, OLD.device_id, OLD.incarnation, OLD.seq, OLD.kind, OLD.v,
         OLD.hash, OLD.status, OLD.code, OLD.touched, OLD.occurred_at, OLD.received_at, OLD.number))
  EXECUTE FUNCTION refuse('a verdict never changes');
CREATE TRIGGER keep_fact BEFORE UPDATE ON attendance FOR EACH ROW
  WHEN ((NEW.reservation_id, NEW.kind, NEW.occurred_at, NEW.command_id, NEW.actor, NEW.participant_id, NEW.device_id,
         NEW.undoes, NEW.deleted)
        IS DISTINCT FROM
        (OLD.reservation_id, OLD.kind, OLD.occurred_at, OLD.command_id, OLD.actor, OLD.participant_id, OLD.device_id,
         OLD.undoes, OLD.deleted))
  EXECUTE FUNCTION refuse('what happened never changes: a later fact undoes it');
