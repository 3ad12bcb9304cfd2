import prettyMs from 'pretty-ms'
import { type Change, type ChangeSource, type TableName, tableLabel } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Observer } from '../../observe/observer.ts'
import { KeyUnknownYet } from '../table-facts.ts'

export interface KeyWaitsOptions {
  /** How long rows wait for the key of their table. */
  readonly keyWaitMs: number
  /** Asks the target for the key of a table; null if it cannot tell. */
  readonly askTarget: (table: TableName) => Promise<readonly string[] | null>
  /** Called with what the target answered. */
  readonly onAnswer: (table: TableName, key: readonly string[]) => void
  readonly observer: KeyObserver
}

/** Hears that rows wait, and that they wait no longer. */
export type KeyObserver = Partial<Pick<Observer, 'awaitsKey' | 'knowsKey'>>

interface Wait {
  /** On the clock of `performance.now`. */
  readonly sinceMs: number
  asking: Promise<readonly string[] | null> | null
}

/**
 * The tables whose rows wait for their key. It ends with the first of: the table's `create-table`, which may be on another
 * shard; a target table with a primary key, which the operator may make meanwhile; `keyWaitMs`.
 */
export class KeyWaits {
  readonly #options: KeyWaitsOptions
  /** By label of the table. */
  readonly #waits = new Map<string, Wait>()

  constructor(options: KeyWaitsOptions) {
    this.#options = options
  }

  /** What to throw for a change whose table has no known key. */
  keyUnknownYet({ table, source }: Change): KeyUnknownYet {
    const label = tableLabel(table)
    if (!this.#waits.has(label)) {
      this.#waits.set(label, { sinceMs: performance.now(), asking: null })
      this.#options.observer.awaitsKey?.(label, source)
    }
    return new KeyUnknownYet(table, () => this.#ask(table, source))
  }

  /** The key of a table is known now, from wherever. */
  end(table: TableName, key: readonly string[]): void {
    const label = tableLabel(table)
    if (this.#waits.delete(label)) this.#options.observer.knowsKey?.(label, key)
  }

  /** Nothing waits: the stream is read again. */
  forget(): void {
    this.#waits.clear()
  }

  async #ask(table: TableName, source: ChangeSource): Promise<void> {
    const { askTarget, onAnswer, keyWaitMs } = this.#options
    const wait = this.#waits.get(tableLabel(table))
    if (wait === undefined) return
    // Several shards may wait for one table.
    wait.asking ??= askTarget(table).finally(() => {
      wait.asking = null
    })
    const key = await wait.asking
    if (this.#waits.get(tableLabel(table)) !== wait) return
    if (key !== null) return onAnswer(table, key)
    const waitedMs = performance.now() - wait.sinceMs
    if (waitedMs >= keyWaitMs) throw keyUnknown(table, source, waitedMs)
  }
}

function keyUnknown(table: TableName, { stream, shard, sequence }: ChangeSource, waitedMs: number): RelayError {
  const label = tableLabel(table)
  const waited = prettyMs(waitedMs, { secondsDecimalDigits: 0 })
  return new RelayError(
    'KEY_UNKNOWN',
    `The key of table ${label} is not known: its rows waited ${waited} for a create-table that names it, and the target has no table with a primary key for them`,
    { table: label, stream, shard, sequence },
  )
}
