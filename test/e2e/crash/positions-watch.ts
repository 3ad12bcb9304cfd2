import type { TestDatabase } from '../../support/postgres/postgres-server.ts'

/**
 * Lets the database itself refuse a position that goes back, leaves SHARD_END or disappears; and keeps count, so that
 * a watch that saw nothing is noticed. A refused move makes the relay fail, and with it the test.
 */
export async function watchPositions({ query }: TestDatabase): Promise<void> {
  await query('CREATE SEQUENCE watched_moves')
  await query(`
    CREATE FUNCTION watch_position() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM nextval('watched_moves');
      IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'the position of % disappears', OLD.shard;
      END IF;
      IF OLD.sequence = 'SHARD_END' AND NEW.sequence <> 'SHARD_END' THEN
        RAISE EXCEPTION '% is left from its end to %', OLD.shard, NEW.sequence;
      END IF;
      IF OLD.sequence ~ '^[0-9]+$' AND NEW.sequence <> 'SHARD_END' AND NEW.sequence::numeric < OLD.sequence::numeric THEN
        RAISE EXCEPTION '% goes back from % to %', OLD.shard, OLD.sequence, NEW.sequence;
      END IF;
      RETURN NEW;
    END $$`)
  await query(`
    CREATE TRIGGER watch_position BEFORE UPDATE OR DELETE ON cdc_relay.positions
    FOR EACH ROW EXECUTE PROCEDURE watch_position()`)
}

/** How many moves were watched, those that were rolled back included. */
export async function watchedMoves({ query }: TestDatabase): Promise<number> {
  const [row] = await query<{ moves: string }>('SELECT last_value::text AS moves FROM watched_moves')
  return Number(row!.moves)
}
