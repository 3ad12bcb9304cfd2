import type { Batch, Facts, LetterOfBatch, SourceTable, Written } from './batch.ts'
import { compareDecimal, type DeadLetter, tableLabel } from './change.ts'
import { changeFromJson } from './decode/change-json.ts'
import { requireAccounted } from './deliver/accounted.ts'
import { ChangeReader, type Examined, type ReadOptions } from './deliver/change-reader.ts'
import { isOfTable, tableAtFault } from './deliver/parking.ts'
import { TableGaps } from './deliver/table-gaps.ts'
import { PARKED, RelayError } from './errors.ts'
import { KeyUnknownYet, type TableFacts } from './feeds/table-facts.ts'
import { type Observer, observers } from './observe/observer.ts'
import { FACT_RULES, type ReadingOptions, readOptions } from './open-relay.ts'
import { retrying } from './retry.ts'
import { letterOutcomes } from './sinks/letter-outcomes.ts'
import type { FailedLetter, LetterFilter, LetterStore, WholeLetter } from './sinks/letter-store.ts'
import type { ForLetters, Sink } from './sinks/sink.ts'
import { leftOut } from './wanted-tables.ts'

export interface ReplayOptions extends Omit<ReadingOptions, 'sink' | 'source' | 'onError'> {
  readonly sink: Sink
  /** The relay's. */
  readonly name: string
  /** The relay's: others are refused. */
  readonly settings: Readonly<Record<string, string>>
  /** Where the sink does not keep them itself. */
  readonly letters?: LetterStore
  /** Which of them; each once, and none that comes once the last was read. */
  readonly filter?: LetterFilter
  /** Hears of retries. */
  readonly observer?: Partial<Observer>
  /** Called for each letter that stays, with what was wrong this time. */
  readonly onFailed?: (letter: FailedLetter) => void
}

/** What became of the letters that were read. The first number is the sum of the others. */
export interface ReplayCounts {
  readonly read: number
  readonly applied: number
  /** The target holds something newer: they change nothing, and go. */
  readonly superseded: number
  /** A stage, or `--include`, leaves them out by now: they go. */
  readonly skipped: number
  /** They stay, with their new reason. */
  readonly failed: number
  /** Somebody else wrote or discarded them meanwhile. */
  readonly gone: number
}

/** Letters that are written together. Far fewer than of records: none of them is in a hurry, and fewer than could accuse a table. */
const LETTERS_OF_BATCH = 50

/**
 * Writes dead letters again: each goes through decoder (or is the change that it was), stages and sink, under the same rule as
 * every change, so that one that is out of date undoes nothing. What succeeds leaves the place where letters are kept, in the
 * transaction of its row or after that is durable; what fails again stays.
 *
 * The relay may run meanwhile. Nothing is claimed, no position moves, and nothing is learned: a letter that says how a table is
 * defined stays. An abort of `signal` ends it after the batch in hand.
 *
 * @throws RelayError what only the operator can fix; the signal's reason, if it aborts while the target is away. Nothing is lost then
 */
export async function replayLetters(options: ReplayOptions, signal: AbortSignal): Promise<ReplayCounts> {
  const { filter = {} } = options
  const replay = await Replay.begin(options, signal)
  let from: string | null = null
  do {
    const page = await replay.ask('read dead letters', () => replay.letters.read(filter, from, LETTERS_OF_BATCH))
    await replay.writeAll(page.letters)
    from = page.next
  } while (from !== null && !signal.aborted)
  return replay.counts
}

/** About a table, and not about the target: other tables' letters are written all the same. */
const isTrouble = (error: unknown): error is RelayError =>
  tableAtFault(error) !== null || (error instanceof RelayError && error.code === 'SCHEMA_CHANGE')

/** So many letters fail alone while the table takes none: then all of its letters do. */
const ENOUGH_FOR_A_TABLE = 3

/** A letter, and what it says now. */
interface ReadLetter {
  readonly letter: WholeLetter
  readonly items: readonly Examined[]
}

class Replay {
  readonly #options: ReplayOptions
  readonly #observer: Observer
  readonly #signal: AbortSignal
  readonly letters: LetterStore
  #facts: Facts
  readonly #gaps: TableGaps | null
  /** True if they go with their rows. */
  readonly #isSettled: boolean
  /** By the name of their stream, which is nearly always one. */
  readonly #readers = new Map<string, LetterReader>()
  /** By table: letters that failed for what looks like its fault, and whether it took another. */
  readonly #troubles = new Map<string, { failed: number; hasTaken: boolean }>()
  readonly #counts = { read: 0, applied: 0, superseded: 0, skipped: 0, failed: 0, gone: 0 }

  private constructor(options: ReplayOptions, { facts, settings, letters }: ForLetters, signal: AbortSignal) {
    this.#options = options
    this.#observer = observers(options.observer ?? {})
    this.#facts = facts
    const leftOutOf = options.sink.needsKeys ? leftOut(settings) : null
    this.#gaps = leftOutOf === null ? null : new TableGaps(leftOutOf)
    this.#isSettled = letters !== null
    this.letters = letters ?? options.letters!
    this.#signal = signal
  }

  static async begin(options: ReplayOptions, signal: AbortSignal): Promise<Replay> {
    const { sink, name, settings } = options
    if (sink.openForLetters === undefined) {
      throw new RelayError('CONFIGURATION', 'Dead letters cannot be written again to this sink')
    }
    const mayChangeKeys = options.filter?.code === PARKED
    const replaying = { relay: { name, settings }, factRules: FACT_RULES, mayChangeKeys }
    const observer = observers(options.observer ?? {})
    const open = () => sink.openForLetters!(replaying, signal)
    return new Replay(options, await retrying(open, { signal, observer, what: 'open the target' }), signal)
  }

  get counts(): ReplayCounts {
    return { ...this.#counts }
  }

  ask<Answer>(what: string, work: () => Promise<Answer>): Promise<Answer> {
    return retrying(work, { signal: this.#signal, observer: this.#observer, what, hasWorked: () => true })
  }

  async writeAll(letters: readonly WholeLetter[]): Promise<void> {
    this.#counts.read += letters.length
    const { readFacts } = this.#options.sink
    if (readFacts !== undefined) this.#facts = await this.ask('read what the relay knows', readFacts)
    for (const ofStream of grouped(letters, ({ source }) => source.stream)) await this.#write(ofStream)
  }

  /** Of one stream. Where a table is at fault, its letters fail, and those of others do not. */
  async #write(letters: readonly WholeLetter[]): Promise<void> {
    const reader = this.#readerOf(letters[0]!.source.stream)
    reader.knows(this.#facts)
    const read: ReadLetter[] = []
    for (const letter of [...letters].sort(byPlace)) {
      read.push({ letter, items: this.#withoutGaps(letter, await reader.read(letter)) })
    }
    try {
      await this.#writeRead(read, reader.tables())
    } catch (error) {
      if (!isTrouble(error)) throw error
      const ofTables = grouped(read, tableOf)
      if (ofTables.length > 1) for (const ofTable of ofTables) await this.#write(lettersOf(ofTable))
      else await this.#writeApart(read, error)
    }
  }

  /** What was parked for a gap stays parked. */
  #withoutGaps(letter: WholeLetter, items: readonly Examined[]): readonly Examined[] {
    if (this.#gaps === null || letter.code !== PARKED) return items
    return items.map((item) => {
      const gap = item.kind === 'change' ? this.#gaps!.of(item.table) : null
      return gap === null ? item : deadLetter(letter, gap)
    })
  }

  /** Of one table, which is perhaps at fault: or one of the letters is, whose key is another's. */
  async #writeApart(read: readonly ReadLetter[], error: RelayError): Promise<void> {
    const table = tableOf(read[0]!)
    const trouble = this.#troubles.get(table) ?? { failed: 0, hasTaken: false }
    this.#troubles.set(table, trouble)
    const isAtFault = !trouble.hasTaken && trouble.failed >= ENOUGH_FOR_A_TABLE
    if (read.length === 1 || isAtFault) {
      trouble.failed += read.length
      return await this.#writeRead(read.map(failing(error)), new Map())
    }
    const middle = read.length >> 1
    await this.#write(lettersOf(read.slice(0, middle)))
    await this.#write(lettersOf(read.slice(middle)))
  }

  async #writeRead(read: readonly ReadLetter[], tables: ReadonlyMap<string, SourceTable>): Promise<void> {
    const { sink } = this.#options
    const batch = batchOf(read, tables)
    const write = sink.prepare(batch)
    const written = await this.ask('write dead letters', () => write(this.#signal))
    if (written.kind === 'rewound') return await this.#writeLeft(read)
    requireAccounted(batch, written)
    const failed = [...batch.deadLetters, ...(written.refused ?? [])]
    if (failed.length < batch.deadLetters.length + (written.deadLettered ?? 0)) {
      throw new RelayError('INTERNAL', 'The target does not tell which changes it refused: the letters stay')
    }
    const { done, again } = letterOutcomes(batch, failed)
    if (!this.#isSettled) await this.ask('let dead letters go', async () => this.letters.settle!(done, again))
    for (const { table } of batch.changes) {
      const trouble = this.#troubles.get(tableLabel(table))
      if (trouble !== undefined) trouble.hasTaken = true
    }
    for (const letter of again) this.#options.onFailed?.(letter)
    this.#count(read, written, again.length)
  }

  /** Some were gone when their rows were written, and nothing was written. */
  async #writeLeft(read: readonly ReadLetter[]): Promise<void> {
    const ids = read.map(({ letter }) => letter.id)
    const { letters } = await this.ask('read dead letters', () => this.letters.read({ ids }, null, ids.length))
    if (letters.length === ids.length) {
      throw new RelayError('INTERNAL', 'Dead letters could not be let go, and are all there: nothing was written')
    }
    this.#counts.gone += ids.length - letters.length
    if (letters.length > 0) await this.#write(letters)
  }

  #count(read: readonly ReadLetter[], written: Written, failed: number): void {
    const { length: left } = read.filter(({ items }) => items.every(({ kind }) => kind === 'skip'))
    const skipped = left + sum(written.skips?.values() ?? [])
    const applied = sum(Array.from(written.tables.values(), (table) => table.applied))
    this.#counts.applied += applied
    this.#counts.skipped += skipped
    this.#counts.failed += failed
    // Two letters of one record, too.
    this.#counts.superseded += read.length - applied - skipped - failed
  }

  #readerOf(stream: string): LetterReader {
    const reader = this.#readers.get(stream) ?? new LetterReader(this.#readOptions(stream))
    this.#readers.set(stream, reader)
    return reader
  }

  #readOptions(stream: string): ReadOptions {
    const { tables } = this.#options
    // Nobody else is going to tell a key while a letter waits.
    const options = { ...this.#options, tables: { ...tables, keyWaitMs: 0 }, onError: 'dead-letter' } as const
    const source = { positions: 'engine' } as const
    return readOptions({ ...options, source }, stream, this.#observer, () => this.#signal)
  }
}

/** Reads letters of one stream: each alone, with what the relay knows. */
class LetterReader {
  readonly #facts: TableFacts
  readonly #reader: ChangeReader
  #known: Facts = new Map()

  constructor(options: ReadOptions) {
    this.#facts = options.facts
    this.#reader = new ChangeReader(options)
  }

  knows(facts: Facts): void {
    this.#known = facts
    this.#facts.restore(facts)
  }

  /** What the target is to see of the tables that were read. */
  tables(): ReadonlyMap<string, SourceTable> {
    return this.#reader.take().tables
  }

  async read(letter: WholeLetter): Promise<readonly Examined[]> {
    try {
      return await this.#readOnce(letter)
    } catch (error) {
      if (!(error instanceof KeyUnknownYet)) throw error
      return await this.#readWithKey(letter, error)
    }
  }

  /** The target, or another process, may know the key. */
  async #readWithKey(letter: WholeLetter, unknown: KeyUnknownYet): Promise<readonly Examined[]> {
    try {
      await unknown.askTarget()
      return await this.#readOnce(letter)
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'KEY_UNKNOWN') throw error
      return [deadLetter(letter, error)]
    }
  }

  async #readOnce(letter: WholeLetter): Promise<readonly Examined[]> {
    const { raw, change, binary, source } = letter
    if (change !== null) return [this.#readChange(letter, change, binary)]
    if (raw === null) return [deadLetter(letter, new RelayError('DECODE_VALUE', 'The dead letter holds no record'))]
    const { shard, sequence, subSequence } = source
    const record = { shard, sequence, arrivedAt: null, data: raw, ...(subSequence !== undefined && { subSequence }) }
    const items = this.#reader.read(record)
    if (items.every(({ kind }) => kind !== 'schema')) return items
    // Nothing of it counts.
    this.#facts.restore(this.#known)
    return [deadLetter(letter, new RelayError('LETTER_SCHEMA', 'The record changes how its table is defined'))]
  }

  #readChange(letter: WholeLetter, json: string, binary: WholeLetter['binary']): Examined {
    try {
      return this.#reader.readAgain(changeFromJson(json, binary))
    } catch (error) {
      if (!(error instanceof RelayError) || !error.code.startsWith('DECODE_')) throw error
      return deadLetter(letter, error)
    }
  }
}

function deadLetter(letter: WholeLetter, error: RelayError): DeadLetter {
  const source = { format: 'unknown', ...letter.source } as const
  return { kind: 'dead-letter', code: codeOf(letter, error), detail: error.detail, source }
}

/** Why it failed. A table stays parked for as long as what is wrong is the table. */
const codeOf = ({ code }: WholeLetter, error: RelayError): string =>
  code === PARKED && isOfTable(error.code) ? PARKED : error.code

/** @param read of one stream */
function batchOf(read: readonly ReadLetter[], tables: ReadonlyMap<string, SourceTable>): Batch {
  // The last letter of a record counts.
  const places = new Map<string, { ids: string[]; place: LetterOfBatch['place']; items: readonly Examined[] }>()
  for (const { letter, items } of read) {
    const { shard, sequence, subSequence } = letter.source
    const text = JSON.stringify([shard, sequence, subSequence ?? null])
    const ids = [...(places.get(text)?.ids ?? []), letter.id]
    const place = { shard, sequence, ...(subSequence !== undefined && { subSequence }) }
    places.set(text, { ids, place, items })
  }
  const items = [...places.values()].flatMap((place) => place.items)
  return {
    tables,
    facts: new Map(),
    changes: items.filter((item) => item.kind === 'change'),
    deadLetters: items.filter((item) => item.kind === 'dead-letter'),
    positions: new Map(),
    forgotten: [],
    letters: Array.from(places.values(), ({ ids, place }) => ({ ids, place })),
  }
}

/** The same as dead letters, but what is one, or left out, already. */
const failing =
  (error: RelayError) =>
  ({ letter, items }: ReadLetter): ReadLetter => {
    const why = { kind: 'dead-letter', code: codeOf(letter, error), detail: error.detail } as const
    return {
      letter,
      items: items.map((item) => (item.kind === 'change' ? { ...why, change: item, source: item.source } : item)),
    }
  }

const lettersOf = (read: readonly ReadLetter[]): WholeLetter[] => read.map(({ letter }) => letter)

const tableOf = ({ letter, items: [first] }: ReadLetter): string =>
  first?.kind === 'change' ? tableLabel(first.table) : (letter.table ?? '')

/** The order of each shard, which not every place of letters keeps. */
const byPlace = ({ source: a }: WholeLetter, { source: b }: WholeLetter): number =>
  a.shard === b.shard ? compareDecimal(a.sequence, b.sequence) : a.shard < b.shard ? -1 : 1

/** In order of the first of each kind. */
function grouped<Item>(items: readonly Item[], kindOf: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const kind = kindOf(item)
    const group = groups.get(kind)
    if (group === undefined) groups.set(kind, [item])
    else group.push(item)
  }
  return [...groups.values()]
}

function sum(numbers: Iterable<number>): number {
  let all = 0
  for (const number of numbers) all += number
  return all
}
