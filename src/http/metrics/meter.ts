import type { Written } from '../../batch.ts'
import { type DeadLetter, tableLabel } from '../../change.ts'
import type { ObservedBatch, Observer, ReadPage, WriteTimes } from '../../observe/observer.ts'

/** What a batch is measured by. Times in seconds. */
export interface BatchMeasures {
  readonly changes: number
  readonly bytes: number
  /** A phase that did not happen, or that the target does not tell, is absent. */
  readonly seconds: Readonly<Partial<Record<Phase, number>>>
}

/** `write` is without `commit`, and with the waits between attempts. */
export type Phase = 'wait' | 'prepare' | 'write' | 'commit'

/** What metrics tell beside the counts of the ledger. */
export class Meter implements Partial<Observer> {
  readonly #onBatch: (measures: BatchMeasures) => void
  /** Records that the source gave, those among them that it gave again. */
  received = 0
  /** Table (empty where it is not known) → code → dead letters that came. */
  readonly letters = new Map<string, Map<string, number>>()
  readonly tablesWithoutKey = new Set<string>()
  /** How often the target was found at older positions. */
  rewinds = 0
  isOpen = false

  constructor(onBatch: (measures: BatchMeasures) => void) {
    this.#onBatch = onBatch
  }

  begins(): void {
    this.isOpen = true
  }

  read({ records }: ReadPage): void {
    this.received += records.length
  }

  rewound(): void {
    this.rewinds++
  }

  awaitsKey(table: string): void {
    this.tablesWithoutKey.add(table)
  }

  knowsKey(table: string): void {
    this.tablesWithoutKey.delete(table)
  }

  /** A table whose key did not come. */
  parked(table: string): void {
    this.tablesWithoutKey.delete(table)
  }

  wrote(batch: ObservedBatch, { refused = [], deadLettered = 0, commitMs }: Written, times: WriteTimes): void {
    for (const letter of batch.deadLetters) this.#count(tableOf(letter), letter.code)
    for (const letter of refused) this.#count(tableOf(letter), letter.code)
    // Where the target tells only how many it refused.
    if (deadLettered > refused.length) this.#count('', 'SINK_REFUSED', deadLettered - refused.length)
    const writeMs = times.writeMs - (commitMs ?? 0)
    const seconds = {
      wait: times.waitMs / 1000,
      prepare: times.prepareMs / 1000,
      write: Math.max(0, writeMs / 1000),
      ...(commitMs !== undefined && { commit: commitMs / 1000 }),
    }
    this.#onBatch({ changes: batch.read, bytes: batch.bytes, seconds })
  }

  #count(table: string, code: string, count = 1): void {
    const ofTable = this.letters.get(table) ?? new Map<string, number>()
    ofTable.set(code, (ofTable.get(code) ?? 0) + count)
    this.letters.set(table, ofTable)
  }
}

const tableOf = ({ change }: DeadLetter): string => (change === undefined ? '' : tableLabel(change.table))
