import type { Batch } from '../src/batch.ts'
import type { Sink } from '../src/sinks/sink.ts'
import { at, batchOf, claimOf, dmsPut, sourceTable } from '../test/support/changes.ts'
import { newDatabase, startPostgres } from '../test/support/postgres/postgres-server.ts'
import { sqlSinkOf } from '../test/support/targets/sql-target.ts'

/** What values cost that their column does not take: batches of 5,000 rows, of which none or 40 % have such a value. */

const ROWS = 5_000
const BATCHES = 8
const NONE = 0
const MANY = 0.4

const TYPES: Readonly<Record<string, { good: (i: number) => string; bad: (i: number) => string; setUp?: string }>> = {
  mood: { good: () => 'fine', bad: (i) => `new ${i % 7}`, setUp: `CREATE TYPE mood AS ENUM ('fine', 'sad')` },
  evens: {
    good: (i) => `${2 * i}`,
    bad: (i) => `${2 * i + 1}`,
    setUp: 'CREATE DOMAIN evens AS int CHECK (VALUE % 2 = 0)',
  },
  ltree: { good: (i) => `a.b.n${i}`, bad: (i) => `a..n${i}`, setUp: 'CREATE EXTENSION ltree' },
  hstore: { good: (i) => `"a"=>"${i}"`, bad: (i) => `a=> ${i} =`, setUp: 'CREATE EXTENSION hstore' },
  tsquery: { good: (i) => `'a' & 'n${i}'`, bad: (i) => `n${i} &` },
}

const server = await startPostgres()
for (const [type, { good, bad, setUp = 'SELECT 1' }] of Object.entries(TYPES)) {
  const times = new Map<number, number[]>()
  for (const share of [NONE, MANY]) {
    const database = await newDatabase(server)
    await database.query(`CREATE SCHEMA shop; ${setUp}`)
    await database.query(`CREATE TABLE shop.orders (id int PRIMARY KEY, v ${type}, note text, qty int, at timestamptz)`)
    const sink = sqlSinkOf({ url: database.url, layout: 'columns', onError: 'dead-letter' })
    await sink.open(claimOf({}), AbortSignal.timeout(60_000))
    const table = sourceTable({ v: 'text', note: 'text', qty: 'int32', at: 'timestamp' })
    const took: number[] = []
    for (let batch = 0; batch < BATCHES; batch++) {
      const changes = Array.from({ length: ROWS }, (_, row) => {
        const i = batch * ROWS + row
        const v = row % 10 < share * 10 ? bad(i) : good(i)
        return dmsPut(i, 1, { data: { v, note: `order ${i}`, qty: i, at: '2026-01-01T00:00:00Z' } })
      })
      const begun = performance.now()
      await write(
        sink,
        batchOf({ changes, tables: new Map([['shop.orders', table]]), positions: at({ shard: `${batch + 1}` }) }),
      )
      took.push(performance.now() - begun)
    }
    times.set(share, took)
    await sink.close()
    await database.drop()
  }
  const usual = (share: number) => median(times.get(share)!.slice(2))
  const first = times.get(MANY)![0]! / times.get(NONE)![0]!
  const ratio = usual(MANY) / usual(NONE)
  const figures = `${usual(NONE).toFixed(0)} ms, with 40 % refused ${usual(MANY).toFixed(0)} ms: ${ratio.toFixed(1)} times`
  console.log(`${type.padEnd(8)} ${figures} (the first batch ${first.toFixed(1)} times)`)
}
await server.stop()

async function write(sink: Sink, batch: Batch): Promise<void> {
  const written = await sink.prepare(batch)(AbortSignal.timeout(120_000))
  if (written.kind !== 'written' || written.deadLettered !== 0) throw new Error('a row was not written')
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!
}
