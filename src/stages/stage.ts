import type { SourceTable } from '../batch.ts'
import type { Change, Skip, StreamChange } from '../change.ts'

/**
 * A step between decoder and batch: it filters, projects, renames, masks. Pure: no input or output, no clock, nothing remembered
 * that would make the same change come out another way.
 *
 * Stages run in their order, each on what the one before it made. A record is decoded, `admit` of all stages is asked, the
 * change gets its key, `change` of all stages alters it, and text that the target refuses is replaced last.
 *
 * A RelayError that a stage throws makes a dead letter of the record (or stops the relay under `--on-error stop`); any other
 * error is a bug and ends the relay.
 */
export interface Stage {
  /**
   * Asked first, of changes and schema changes as they were decoded: a Skip for what nobody wants, else null. Nothing is learned
   * from what is skipped here, and none of its rows waits for a key. `key` may still be null.
   */
  admit?(item: StreamChange): Skip | null

  /**
   * Returns the change, altered or not, or a Skip with a named reason. `key` is set where the table has one and the target
   * needs it.
   *
   * `key` itself, and the key columns in `after`, must stay as they are: two rows could become one, and a change could reach a
   * row that is not its own. Altering them ends the relay with STAGE_KEY.
   *
   * `op` may change. A filter over a mirror returns a delete (`after` null, the same key and version) for a row that no
   * longer matches, and that for every op: the target may hold an older state of the row that did match. `before` is what the
   * source sent, perhaps nothing and perhaps only a part; reading it can cost a decode that throws.
   */
  change?(change: Change): Change | Skip

  /**
   * The same for the definition of a table: its name, and its columns with their types. What `change` drops, adds or renames,
   * `table` must too, for targets make a column for each that is in the definition, and clear those that a whole row lacks.
   * Schema changes go through it as well; a Skip skips them, and keeps the table from the target. Of a feed that defines no
   * tables it is never asked.
   *
   * The key must stay as it is. @see Stage.change
   */
  table?(table: SourceTable): SourceTable | Pick<Skip, 'kind' | 'reason'>
}
