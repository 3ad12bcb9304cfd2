import type { ChangeSource, DeadLetter, Decoded, RawRecord, TableName } from '../change.ts'
import type { Facts, SourceTable } from '../batch.ts'
import type { Decoder } from '../decode/decoder.ts'
import { RelayError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import { OddNulls } from '../feeds/dms/odd-nulls.ts'
import type { Route } from '../stages/route.ts'
import { mayHoldRefusedText, type Screening, screenNames, screenText } from './screen.ts'
import type { SourceTables } from '../feeds/dms/source-tables.ts'
import { TaskTrouble } from '../feeds/dms/task-trouble.ts'

export type Examined = Decoded | DeadLetter

/** What stands between the records of a stream and the batches. */
export interface Examiner {
  /**
   * A record → everything that it says.
   * @throws NotYet where it must wait; RelayError under `--on-error stop` for what would be a dead letter
   */
  examine(record: RawRecord): readonly Examined[]

  /**
   * Learns what a record says of tables that stands behind one that waits: two shards could else wait for each other. It is
   * examined when its turn comes, and then says the same again.
   */
  glance(record: RawRecord): void

  /** What is known of the tables now, and what was learned since the last call: both go with the batch that is cut. */
  learned(): Learned

  /** Begins with what is durable: at the start, and when the target was set back. */
  restore(lessons: Facts): void
}

export interface Learned {
  readonly tables: ReadonlyMap<string, SourceTable>
  readonly facts: Facts
}

/** Thrown for a row whose table's key is not known yet: its shard waits in front of it, and the record comes again. */
export class NotYet extends Error {
  readonly table: TableName
  /** Asks the target; resolves when it has answered, whatever it said. @throws RelayError what asking met; KEY_UNKNOWN once the wait is over */
  readonly ask: () => Promise<void>

  constructor(table: TableName, ask: () => Promise<void>) {
    super('the key of the table is not known yet')
    this.table = table
    this.ask = ask
  }
}

export interface ExamineOptions {
  readonly decode: Decoder
  readonly route: Route
  /** What is known of the tables; it is this examiner's alone. */
  readonly tables: SourceTables
  /** The stream's name, for the source of a dead letter. */
  readonly stream: string
  readonly onError: 'dead-letter' | 'stop'
  /** True if the target is given `before`. */
  readonly readsBefore: boolean
  /** Asked for each record; null where the target takes any text. */
  readonly screening: () => Screening | null
  readonly onTextReplaced: () => void
  readonly log: Log
}

/**
 * Decodes a record, routes what it says, completes it with what is known of its table, and screens it. What cannot be
 * decoded or kept becomes a dead letter with the record's bytes.
 */
export function examiner(options: ExamineOptions): Examiner {
  const { decode, route, tables, stream, onError, readsBefore, onTextReplaced, log } = options
  const trouble = new TaskTrouble(log)
  const oddNulls = new OddNulls(log)

  const examineItem = (item: Decoded, screening: Screening | null): Decoded => {
    const routed = route(item)
    if (routed.kind === 'skip') {
      trouble.look(routed)
      return routed
    }
    if (routed.kind === 'change') oddNulls.look(routed)
    // First of all, for what is learned of a table is kept under its name.
    if (screening !== null) screenNames(routed, screening)
    const completed = tables.pass(routed)
    if (readsBefore) decodeBefore(completed)
    return screening === null ? completed : screenText(completed, screening, onTextReplaced)
  }

  const screeningOf = (record: RawRecord): Screening | null => {
    const screening = options.screening()
    return screening !== null && mayHoldRefusedText(record, screening) ? screening : null
  }

  return {
    examine(record) {
      try {
        const items = decode(record)
        const screening = screeningOf(record)
        return items.map((item) => examineItem(item, screening))
      } catch (error) {
        if (!(error instanceof RelayError)) throw error
        const source = sourceOf(record, stream)
        if (onError === 'stop') throw error.at({ stream, shard: source.shard, sequence: source.sequence })
        return [{ kind: 'dead-letter', code: error.code, detail: error.detail, raw: record.data, source }]
      }
    },
    glance(record) {
      try {
        const screening = screeningOf(record)
        for (const item of decode(record)) {
          if (item.kind === 'schema' && item.op === 'create-table') examineItem(item, screening)
        }
      } catch (error) {
        // What is wrong with the record is said when its turn comes.
        if (!(error instanceof RelayError)) throw error
      }
    },
    learned: () => tables.learned(),
    restore: (lessons) => tables.restore(lessons),
  }
}

/** `before` is decoded when it is first asked for, and what cannot be decoded must be met here. */
function decodeBefore(item: Decoded): void {
  if (item.kind === 'change') void item.before
}

function sourceOf(record: RawRecord, stream: string): ChangeSource {
  return {
    format: 'unknown',
    stream,
    ...(record.origin ?? { shard: record.shard, sequence: record.sequence }),
    ...(record.subSequence === undefined ? {} : { subSequence: record.subSequence }),
  }
}
