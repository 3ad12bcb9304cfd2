import pg from 'pg'
import type { Batch } from '../src/batch.ts'
import type { Change } from '../src/change.ts'
import type { Sink } from '../src/sinks/sink.ts'
import type { SqlSinkOptions } from '../src/sinks/sql/sink-options.ts'
import { claimOf } from '../test/support/changes.ts'
import { type PostgresServer, startPostgres } from '../test/support/postgres/postgres-server.ts'
import { sqlSinkOf } from '../test/support/targets/sql-target.ts'

/** Changes to be written to PostgreSQL, and how. */
export interface ApplyWork {
  /** No key twice within `BATCH` of them. */
  readonly changes: readonly Change[]
  /** What is known of their tables. */
  readonly tables: Batch['tables']
  readonly sink: Partial<SqlSinkOptions>
  readonly bare: BareLoop
}

/** What is sent without any thought: the statements that the sink sends, of one table and without deletes. */
export interface BareLoop {
  /** Creates the table, and an empty one of tombstones. */
  readonly tables: string
  /** One parameter: the rows of a batch as a JSON array. */
  readonly upsert: string
  row(change: Change): string
}

/** Changes written in a second, the best of the rounds. */
export interface ApplyResult {
  readonly sinkPerSecond: number
  /** A loop that sends the same rows in ready-made parameters and does nothing else. */
  readonly barePerSecond: number
  readonly ratio: number
}

export const BATCH = 2_000
export const ROUNDS = 3

/** One connection each, one server for both, with its default settings. */
export async function compareApply(work: ApplyWork): Promise<ApplyResult> {
  const server = await startPostgres({})
  let [sinkMs, bareMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  try {
    for (let round = 0; round < ROUNDS; round++) {
      bareMs = Math.min(bareMs, await inNewDatabase(server, `bare_${round}`, (url) => bareLoop(url, work)))
      sinkMs = Math.min(sinkMs, await inNewDatabase(server, `sink_${round}`, (url) => throughSink(url, work)))
    }
  } finally {
    await server.stop()
  }
  const perSecond = (ms: number): number => Math.round((work.changes.length / ms) * 1000)
  return { sinkPerSecond: perSecond(sinkMs), barePerSecond: perSecond(bareMs), ratio: bareMs / sinkMs }
}

async function throughSink(url: string, { changes, tables, sink: options }: ApplyWork): Promise<number> {
  const sink = sqlSinkOf({ url, ...options })
  const signal = new AbortController().signal
  await sink.open(claimOf(), signal)
  const began = performance.now()
  await writeThrough(sink, changes, tables, signal)
  const elapsed = performance.now() - began
  await sink.close()
  return elapsed
}

/** As the relay does it: the next batch is prepared while one is written. */
export async function writeThrough(
  sink: Sink,
  changes: readonly Change[],
  tables: Batch['tables'],
  signal: AbortSignal,
): Promise<void> {
  let inFlight: Promise<unknown> = Promise.resolve()
  for (const run of runs(changes)) {
    const write = sink.prepare(batchOf(run, tables))
    await inFlight
    inFlight = write(signal)
  }
  await inFlight
}

export function batchOf(changes: readonly Change[], tables: Batch['tables']): Batch {
  const { shard, sequence } = changes.at(-1)!.source
  const positions = new Map([[shard, { sequence, arrivedAt: 0, caughtUpAt: null }]])
  return { changes, tables, facts: new Map(), deadLetters: [], positions, forgotten: [] }
}

export function* runs(changes: readonly Change[]): Generator<readonly Change[]> {
  for (let i = 0; i < changes.length; i += BATCH) yield changes.slice(i, i + BATCH)
}

const POSITIONS = `
  CREATE TABLE positions (name text, shard text, sequence text, PRIMARY KEY (name, shard)) WITH (fillfactor = 50);
  INSERT INTO positions VALUES ('relay', 'shardId-000000000000', '');`

const MOVE = `
  UPDATE positions p SET sequence = s.new FROM jsonb_to_recordset($1::jsonb) AS s(shard text, old text, new text)
  WHERE p.name = $2 AND p.shard = s.shard AND p.sequence IS NOT DISTINCT FROM s.old`

/** What no sink can beat with these statements: nothing is decided or encoded while the clock runs. */
async function bareLoop(url: string, { changes, bare }: ApplyWork): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(bare.tables)
  await client.query(POSITIONS)
  let old = ''
  const parameters = [...runs(changes)].map((run) => {
    const { shard, sequence } = run.at(-1)!.source
    const move = JSON.stringify([{ shard, old, new: sequence }])
    old = sequence
    return { rows: `[${run.map(bare.row).join(',')}]`, size: run.length, move }
  })
  const began = performance.now()
  for (const { rows, size, move } of parameters) {
    await client.query('BEGIN')
    const upserted = await client.query(bare.upsert, [rows])
    if (upserted.rowCount !== size) throw new Error('not every change was applied')
    const moved = await client.query(MOVE, [move, 'relay'])
    if (moved.rowCount !== 1) throw new Error('the position did not move')
    await client.query('COMMIT')
  }
  const elapsed = performance.now() - began
  await client.end()
  return elapsed
}

export async function inNewDatabase<T>(
  server: PostgresServer,
  name: string,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: server.url() })
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  try {
    return await work(server.url(name))
  } finally {
    await client.query(`DROP DATABASE ${name}`)
    await client.end()
  }
}

/** @param recordBytes mean size of the records that the changes were read from */
export function applyText(name: string, { sinkPerSecond, barePerSecond, ratio }: ApplyResult, recordBytes: number) {
  return (
    `${name}: ${sinkPerSecond.toLocaleString('en')} changes/s through the sink, ` +
    `${barePerSecond.toLocaleString('en')} changes/s by a bare loop of the same statements, ratio ${ratio.toFixed(2)} ` +
    `(records of ${recordBytes} bytes, batches of ${BATCH}, one connection, best of ${ROUNDS} each)`
  )
}
