import pg from 'pg'

import { type Change, toJson } from '../src/change.ts'
import { recordDecoder } from '../src/decode/decoder.ts'
import type { Batch } from '../src/sinks/sink.ts'
import { claimOf } from '../test/support/changes.ts'
import { type PostgresServer, startPostgres } from '../test/support/postgres.ts'
import { sqlSinkOf } from '../test/support/sql-target.ts'

/** Changes written to PostgreSQL in a second, the best of the rounds. */
export interface ApplyResult {
  readonly sinkPerSecond: number
  /** A loop that sends the same rows in ready-made parameters and does nothing else. */
  readonly barePerSecond: number
  readonly ratio: number
  readonly recordBytes: number
}

const CHANGES = 100_000
/** Every key is written twice: half of the rows are inserted, half are updated. */
const KEYS = CHANGES / 2
const BATCH = 2_000
const ROUNDS = 3

/** One connection each, one server for both, with its default settings. */
export async function benchApply(): Promise<ApplyResult> {
  const { changes, recordBytes } = orderChanges()
  const server = await startPostgres({})
  let [sinkMs, bareMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  try {
    for (let round = 0; round < ROUNDS; round++) {
      bareMs = Math.min(bareMs, await inNewDatabase(server, `bare_${round}`, (url) => bareLoop(url, changes)))
      sinkMs = Math.min(sinkMs, await inNewDatabase(server, `sink_${round}`, (url) => throughSink(url, changes)))
    }
  } finally {
    await server.stop()
  }
  const perSecond = (ms: number): number => Math.round((CHANGES / ms) * 1000)
  return { sinkPerSecond: perSecond(sinkMs), barePerSecond: perSecond(bareMs), ratio: bareMs / sinkMs, recordBytes }
}

/** As the relay does it: the next batch is prepared while one is written. */
async function throughSink(url: string, changes: readonly Change[]): Promise<number> {
  const sink = sqlSinkOf({ url })
  const signal = new AbortController().signal
  await sink.open(claimOf(), signal)
  const began = performance.now()
  let inFlight: Promise<unknown> = Promise.resolve()
  for (const batch of batches(changes)) {
    const write = sink.prepare(batch)
    await inFlight
    inFlight = write(signal)
  }
  await inFlight
  const elapsed = performance.now() - began
  await sink.close()
  return elapsed
}

function* batches(changes: readonly Change[]): Generator<Batch> {
  for (let i = 0; i < changes.length; i += BATCH) {
    const run = changes.slice(i, i + BATCH)
    const { shard, sequence } = run.at(-1)!.source
    yield { changes: run, deadLetters: [], moves: new Map([[shard, { sequence, arrivedAt: 0, caughtUpAt: null }]]) }
  }
}

const BARE_TABLES = `
  CREATE TABLE orders (customer text COLLATE "C" NOT NULL, "order" numeric NOT NULL, data jsonb, cdc_version bigint,
    PRIMARY KEY (customer, "order")) WITH (fillfactor = 85);
  CREATE TABLE tombstones (target text, key text COLLATE "C", version bigint NOT NULL, PRIMARY KEY (target, key));
  CREATE TABLE positions (name text, shard text, sequence text, PRIMARY KEY (name, shard)) WITH (fillfactor = 50);
  INSERT INTO positions VALUES ('relay', 'shardId-000000000000', '');`

const BARE_UPSERT = `
  INSERT INTO orders AS x (customer, "order", data, cdc_version)
  SELECT s.k1, s.k2, s.doc, s.v
  FROM jsonb_to_recordset($1::jsonb) AS s(k1 text, k2 numeric, doc jsonb, v bigint, key text)
  WHERE NOT EXISTS (SELECT FROM tombstones b WHERE b.target = $2 AND b.key = s.key AND b.version > s.v)
  ON CONFLICT (customer, "order") DO UPDATE SET data = excluded.data, cdc_version = excluded.cdc_version
  WHERE x.cdc_version IS NULL OR excluded.cdc_version >= x.cdc_version`

const BARE_MOVE = `
  UPDATE positions p SET sequence = s.new FROM jsonb_to_recordset($1::jsonb) AS s(shard text, old text, new text)
  WHERE p.name = $2 AND p.shard = s.shard AND p.sequence IS NOT DISTINCT FROM s.old`

/** What no sink can beat with these statements: nothing is decided or encoded while the clock runs. */
async function bareLoop(url: string, changes: readonly Change[]): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(BARE_TABLES)
  let old = ''
  const parameters = [...batches(changes)].map(({ changes }) => {
    const { shard, sequence } = changes.at(-1)!.source
    const move = JSON.stringify([{ shard, old, new: sequence }])
    old = sequence
    return { rows: `[${changes.map(bareRow).join(',')}]`, move }
  })
  const began = performance.now()
  for (const { rows, move } of parameters) {
    await client.query('BEGIN')
    await client.query(BARE_UPSERT, [rows, 'orders'])
    const { rowCount } = await client.query(BARE_MOVE, [move, 'relay'])
    if (rowCount !== 1) throw new Error('the position did not move')
    await client.query('COMMIT')
  }
  const elapsed = performance.now() - began
  await client.end()
  return elapsed
}

function bareRow({ key, after, version }: Change): string {
  const [k1, k2] = [toJson(key!.customer!), toJson(key!.order!)]
  return `{"k1":${k1},"k2":${k2},"doc":${toJson(after)},"v":${version},"key":${JSON.stringify(`[${k1},${k2}]`)}}`
}

async function inNewDatabase(server: PostgresServer, name: string, work: (url: string) => Promise<number>) {
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

/** Decoded from records as a DynamoDB table's Kinesis destination writes them. */
function orderChanges(): { changes: Change[]; recordBytes: number } {
  const decode = recordDecoder({ format: 'auto', stream: 'orders-changes', binary: 'double' })
  let bytes = 0
  const changes = Array.from({ length: CHANGES }, (_, i): Change => {
    const data = Buffer.from(JSON.stringify(orderRecord(i)))
    bytes += data.byteLength
    const [change] = decode({ shard: 'shardId-000000000000', sequence: String(i + 1), arrivedAt: null, data })
    if (change?.kind !== 'change') throw new Error('every record holds a change')
    return change
  })
  return { changes, recordBytes: Math.round(bytes / CHANGES) }
}

function orderRecord(i: number): unknown {
  const key = (i * 7919) % KEYS
  const keys = { customer: { S: `c-${100_000 + (key % 700)}` }, order: { N: String(4_000_000 + key) } }
  const line = (sku: string, price: string) => ({ M: { sku: { S: sku }, quantity: { N: '2' }, price: { N: price } } })
  return {
    awsRegion: 'eu-north-1',
    eventID: `5c1d4b0e-7a44-4e3e-9c57-${String(i).padStart(12, '0')}`,
    eventName: i < KEYS ? 'INSERT' : 'MODIFY',
    userIdentity: null,
    recordFormat: 'application/json',
    tableName: 'orders',
    dynamodb: {
      ApproximateCreationDateTime: 1_754_300_000_112_233 + i,
      Keys: keys,
      NewImage: {
        ...keys,
        status: { S: i < KEYS ? 'open' : 'shipped' },
        total: { N: `${100 + (i % 50)}.95` },
        note: { S: 'Leave it with the neighbour at number 7, please' },
        lines: { L: [line(`A-${i % 97}`, '49.5'), line(`B-${i % 89}`, '30.95'), line(`C-${i % 83}`, '0.5')] },
      },
      SizeBytes: 231,
      ApproximateCreationDateTimePrecision: 'MICROSECOND',
    },
    eventSource: 'aws:dynamodb',
  }
}

if (import.meta.main) {
  const { sinkPerSecond, barePerSecond, ratio, recordBytes } = await benchApply()
  console.log(
    `apply: ${sinkPerSecond.toLocaleString('en')} changes/s through the sink, ` +
      `${barePerSecond.toLocaleString('en')} changes/s by a bare loop of the same statements, ratio ${ratio.toFixed(2)} ` +
      `(records of ${recordBytes} bytes, batches of ${BATCH}, one connection, best of ${ROUNDS} each)`,
  )
}
