import type { Change, ChangeSource, DeadLetter, Decoded, RawRecord, StreamChange, TableName } from '../change.ts'
import type { Decoder } from '../decode/decoder.ts'
import { RelayError } from '../errors.ts'
import { KeyUnknownYet, type Known, type TableFacts } from '../feeds/table-facts.ts'
import type { Stage } from '../stages/stage.ts'
import { mayHoldRefusedText, type Screening, screenNames, screenText } from './screen.ts'
import { Stages } from './stages.ts'

export type Examined = Decoded | DeadLetter

export interface ReadOptions {
  readonly decode: Decoder
  /** In their order. */
  readonly stages: readonly Stage[]
  /** What is known of the tables; it is this relay's alone. */
  readonly facts: TableFacts
  /** The stream's name, for the source of a dead letter. */
  readonly stream: string
  readonly onError: 'dead-letter' | 'stop'
  /** True if the target is given `before`. */
  readonly readsBefore: boolean
  /** Asked for each record; null where the target takes any text. */
  readonly screening: () => Screening | null
  readonly onTextReplaced: () => void
  /** Whether what comes for the table becomes a dead letter: then its key need not be known. Absent: none does. */
  readonly isParked?: (table: TableName) => boolean
  /** Sees what each record says that the stages admit, and each skip: to warn of what the source tells between the lines. */
  readonly onDecoded?: (item: Decoded) => void
}

/** Turns a record into what is written of it: decoded, admitted, completed with what is known of its table, altered, screened. */
export class ChangeReader {
  readonly #options: ReadOptions
  readonly #stages: Stages

  constructor(options: ReadOptions) {
    this.#options = options
    this.#stages = new Stages(options.stages)
  }

  /**
   * A record → everything that it says. What cannot be decoded or kept becomes a dead letter with the record's bytes.
   * @throws KeyUnknownYet where it must wait; RelayError under `--on-error stop` for what would be a dead letter, and
   * STAGE_KEY always
   */
  read(record: RawRecord): readonly Examined[] {
    try {
      const items = this.#options.decode(record)
      const screening = isClean(items) ? null : this.#screeningOf(record)
      if (items.length === 1) {
        const read = this.#readItem(items[0]!, screening)
        return read === items[0] ? items : [read]
      }
      return items.map((item) => this.#readItem(item, screening))
    } catch (error) {
      return [this.#deadLetter(record, error)]
    }
  }

  /**
   * The same of a change that was read before, and kept as a dead letter.
   * @throws KeyUnknownYet; RelayError STAGE_KEY
   */
  readAgain(change: Change): Examined {
    try {
      return this.#readItem(change, this.#options.screening())
    } catch (error) {
      if (!(error instanceof RelayError) || error.code === 'STAGE_KEY') throw error
      return { kind: 'dead-letter', code: error.code, detail: error.detail, change, source: change.source }
    }
  }

  /**
   * Learns table definitions from a record queued behind one that waits for a key. Otherwise two shards could wait for each
   * other. The record is read again in its turn, with the same result.
   */
  learnSchemas(record: RawRecord): void {
    try {
      const screening = this.#screeningOf(record)
      for (const item of this.#options.decode(record)) {
        if (item.kind === 'schema' && item.op === 'create-table') this.#readItem(item, screening)
      }
    } catch (error) {
      // What is wrong with the record is said when its turn comes.
      if (!(error instanceof RelayError)) throw error
    }
  }

  get hasNews(): boolean {
    return this.#options.facts.hasNews
  }

  /** What is known, as the target is to see it; and the facts since the last call. */
  take(): Known {
    const { tables, facts } = this.#options.facts.take()
    return { tables: this.#stages.tables(tables), facts }
  }

  #readItem(item: Decoded, screening: Screening | null): Decoded {
    const { facts, readsBefore, onDecoded, onTextReplaced } = this.#options
    const admitted = item.kind === 'skip' ? item : (this.#stages.admit(item) ?? item)
    onDecoded?.(admitted)
    if (admitted.kind === 'skip') return admitted
    // First of all, for what is learned of a table is kept under its name.
    if (screening !== null) screenNames(admitted, screening)
    const isParked = this.#options.isParked?.(admitted.table) === true
    const altered = this.#stages.alter(isParked ? orAsItIs(admitted, facts) : facts.complete(admitted))
    if (readsBefore || isParked) decodeBefore(altered)
    return screening === null ? altered : screenText(altered, screening, onTextReplaced)
  }

  #screeningOf(record: RawRecord): Screening | null {
    const screening = this.#options.screening()
    return screening !== null && mayHoldRefusedText(record, screening) ? screening : null
  }

  #deadLetter(record: RawRecord, error: unknown): DeadLetter {
    // A stage that alters keys does so for many rows: no file of dead letters is meant for that.
    if (!(error instanceof RelayError) || error.code === 'STAGE_KEY') throw error
    const { stream, onError } = this.#options
    const source = sourceOf(record, stream)
    if (onError === 'stop') throw error.at({ stream, shard: source.shard, sequence: source.sequence })
    // A copy: a dead letter may be kept for longer than the page.
    return { kind: 'dead-letter', code: error.code, detail: error.detail, raw: Buffer.from(record.data), source }
  }
}

/** Nothing of it needs to be screened: the decoder looked. */
function isClean(items: readonly Decoded[]): boolean {
  const item = items[0]
  return item?.kind === 'change' && (item.unread !== undefined || item.afterJson !== undefined)
}

/** Completed, if its key is known. */
function orAsItIs(item: StreamChange, facts: TableFacts): StreamChange {
  try {
    return facts.complete(item)
  } catch (error) {
    if (!(error instanceof KeyUnknownYet)) throw error
    return item
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
