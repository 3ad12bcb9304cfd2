import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Batch, Claim, Facts, Stored } from '../../../src/batch.ts'
import { type DeadLetter, type StreamChange, type TableName, tableLabel } from '../../../src/change.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import type { Seen } from '../../../src/state/seen.ts'
import { at, batchOf, canonicalJson, claimOf } from '../../support/changes.ts'
import { accounted, totals } from './answers.ts'
import type { MirrorRow, SinkTarget } from './target.ts'

export const signal = (): AbortSignal => AbortSignal.timeout(30_000)

const tableName = (table: string | TableName): TableName =>
  typeof table === 'string' ? { schema: null, name: table } : table

export const plain = (row: MirrorRow): MirrorRow => ({ ...row, key: { ...row.key } })

/** A relay of the test: one sink at a time, opened when needed, whose shard 0 moves by one with every batch. */
export class TestRelay {
  readonly #target: SinkTarget
  readonly #mode: 'mirror' | 'append'
  readonly #sinks: Sink[] = []
  #sink: Sink | undefined
  #claim: Claim = claimOf()
  #position = 0

  constructor(target: SinkTarget, mode: 'mirror' | 'append') {
    this.#target = target
    this.#mode = mode
  }

  /** A sink of its own. */
  another(positions: 'ours' | 'engine' = 'ours'): Sink {
    const sink = this.#target.sink(this.#mode, positions)
    this.#sinks.push(sink)
    return sink
  }

  async open(claim: Claim = this.#claim): Promise<Stored> {
    await this.close()
    this.#claim = claim
    await this.#target.release?.()
    const sink = this.another()
    const stored = await sink.open(claim, signal())
    this.#sink = sink
    return stored
  }

  async #opened(): Promise<Sink> {
    if (this.#sink === undefined) await this.open()
    return this.#sink!
  }

  async refusesNul(): Promise<boolean> {
    return (await this.#opened()).refusesNul
  }

  /** The sink must be open. */
  prepare(...changes: StreamChange[]) {
    return this.#prepare({ changes })
  }

  /** The sink must be open. A batch without a change. */
  prepareFacts(facts: Facts) {
    return this.#prepare({ facts })
  }

  #prepare(parts: Partial<Batch>) {
    return this.#sink!.prepare(batchOf({ ...parts, positions: at({ 'shard-0': `${++this.#position}` }) }))
  }

  /** What is stored, as the open sink sees it; undefined where it cannot look. */
  async look(): Promise<Seen | null | undefined> {
    return await (await this.#opened()).look?.()
  }

  async batch(parts: Partial<Batch>): Promise<[number, number]> {
    return totals(await (await this.#opened()).prepare(batchOf(parts))(signal()))
  }

  async learn(facts: Readonly<Record<string, string>>): Promise<void> {
    await this.#opened()
    totals(await this.prepareFacts(new Map(Object.entries(facts)))(signal()))
  }

  async write(...changes: StreamChange[]): Promise<[number, number]> {
    await this.#opened()
    const written = await this.prepare(...changes)(signal())
    const labels = new Set(changes.map(({ table }) => tableLabel(table)))
    if (written.kind === 'written') {
      assert.deepEqual(new Set(written.tables.keys()), labels)
      assert.equal(accounted(written), changes.length, 'the counts add up')
    }
    return totals(written)
  }

  async writeAll(batches: readonly StreamChange[][]): Promise<[number, number][]> {
    const counts: [number, number][] = []
    for (const changes of batches) counts.push(await this.write(...changes))
    return counts
  }

  /** Where the target stands after it was rewound. */
  standsAt(position: number): void {
    this.#position = position
  }

  async backup(): Promise<() => Promise<void>> {
    return await this.#target.backup!()
  }

  async rows(table: string | TableName): Promise<MirrorRow[]> {
    await this.close()
    const rows = await this.#target.rows(tableName(table))
    return rows.map((row) => plain({ ...row, data: canonicalJson(row.data) }))
  }

  async log(table: string | TableName): Promise<string[]> {
    await this.close()
    return (await this.#target.log(tableName(table))).map(canonicalJson)
  }

  async deadLetters(): Promise<Pick<DeadLetter, 'code' | 'detail' | 'raw'>[]> {
    await this.close()
    return await this.#target.deadLetters()
  }

  async close(): Promise<void> {
    const sink = this.#sink
    this.#sink = undefined
    await sink?.close()
  }

  async end(): Promise<void> {
    await this.close()
    for (const sink of this.#sinks) await sink.close()
    await this.#target.close()
  }
}

export async function testRelay(t: TestContext, open: () => Promise<SinkTarget>, mode: 'mirror' | 'append' = 'mirror') {
  const relay = new TestRelay(await open(), mode)
  t.after(() => relay.end())
  return relay
}
