/**
 * How long a change is under way from PutRecord to the row that others see, and what a relay costs that has nothing to do: the
 * whole program, a process of its own, over kinesalite and a PostgreSQL that syncs to disk.
 *
 *   node bench/latency.ts latency|idle [SECONDS] [CLI]
 *
 * CLI is the `src/cli.ts` of another checkout, to compare with.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kinesalite, startKinesalite } from '../test/support/kinesis/kinesalite.ts'
import { newDatabase, startPostgres, type TestDatabase } from '../test/support/postgres/postgres-server.ts'
import type { Usage } from './report-usage.ts'
import { LOOK_EVERY_MS, SeenRows } from './seen-rows.ts'

const PUT_EVERY_MS = 50
const P50_GOAL_MS = 350
const P99_GOAL_MS = 600
/** How long a relay works itself in before it is measured. */
const WARM_UP_MS = 10_000
/** After that the shards have been empty for so long that they are read less often. */
const IDLE_AFTER_MS = 35_000

const here = import.meta.dirname
const [what = '', seconds = '50', cli = join(here, '../src/cli.ts')] = process.argv.slice(2)
const durationMs = Number(seconds) * 1000

const kinesis = await startKinesalite()
// With the settings of a server that keeps what it has.
const server = await startPostgres({})
const database = await newDatabase(server)
try {
  if (what === 'latency') await measureLatency(kinesis, database)
  else if (what === 'idle') await measureIdling(kinesis, database)
  else throw new Error('The first argument is latency or idle')
} finally {
  await database.drop()
  await server.stop()
  await kinesis.close()
}

async function measureLatency(kinesis: Kinesalite, database: TestDatabase): Promise<void> {
  await kinesis.createStream('orders', 1)
  const relay = startRelay(kinesis, database)
  const seen = new SeenRows(database)
  await kinesis.put('orders', [recordOf(0)])
  while (!(await seen.isTableThere())) await sleep(LOOK_EVERY_MS)

  const putAtMs: number[] = []
  const looking = seen.look()
  const beganMs = performance.now()
  for (let id = 0; id * PUT_EVERY_MS < durationMs; id++) {
    await sleep(Math.max(0, beganMs + id * PUT_EVERY_MS - performance.now()))
    putAtMs[id] = performance.now()
    // Number 0 made the table.
    void kinesis.put('orders', [recordOf(id + 1)])
  }
  await seen.reach(putAtMs.length)
  seen.stop()
  await looking
  const usages = await relay.stop()

  const waits = putAtMs.map((ms, id) => seen.atMs.get(id + 1)! - ms).sort((a, b) => a - b)
  const at = (share: number): string => `${waits[Math.ceil(waits.length * share) - 1]!.toFixed(0)} ms`
  print([
    ['changes', `${waits.length}, one each ${PUT_EVERY_MS} ms, on one shard`],
    ['p50', `${at(0.5)} (goal: ${P50_GOAL_MS} at most)`],
    ['p99', `${at(0.99)} (goal: ${P99_GOAL_MS} at most)`],
    ['maximum', at(1)],
    ['CPU of the relay', perMinute(usages, WARM_UP_MS, durationMs)],
  ])
}

async function measureIdling(kinesis: Kinesalite, database: TestDatabase): Promise<void> {
  await kinesis.createStream('orders', 4)
  const readAtMs: number[] = []
  kinesis.observe(({ operation }) => operation === 'GetRecords' && readAtMs.push(performance.now()))
  const relay = startRelay(kinesis, database)
  await sleep(Math.max(durationMs, IDLE_AFTER_MS + WARM_UP_MS))
  const usages = await relay.stop()

  const lastMs = usages.at(-2)!.atMs
  const first = readAtMs[0]!
  const readsIn = (from: number, to: number) => readAtMs.filter((ms) => ms >= first + from && ms < first + to).length
  const row = (from: number, to: number): string =>
    `${perMinute(usages, from, to)}, ${((readsIn(from, to) * 1000) / (to - from) / 4).toFixed(1)} reads of a shard in a second`
  print([
    ['just caught up', row(WARM_UP_MS, IDLE_AFTER_MS - 6_000)],
    ['idle for long', row(IDLE_AFTER_MS, lastMs - usages[0]!.atMs)],
  ])
}

interface SeenUsage extends Usage {
  readonly atMs: number
}

/** CPU time in a part of the run, in milliseconds since its first report. */
function perMinute(usages: readonly SeenUsage[], fromMs: number, toMs: number): string {
  const startMs = usages[0]!.atMs
  const part = usages.filter(({ atMs }) => atMs >= startMs + fromMs && atMs <= startMs + toMs)
  const [first, last] = [part[0]!, part.at(-1)!]
  const msPerMinute = ((last.cpuMicros - first.cpuMicros) / 1000 / (last.atMs - first.atMs)) * 60_000
  return `${msPerMinute.toFixed(0)} ms of CPU in a minute`
}

/** The relay as a process, until it is stopped; then what it used. */
function startRelay(kinesis: Kinesalite, database: TestDatabase): { stop(): Promise<SeenUsage[]> } {
  const options = ['--source', 'orders', '--sink', database.url, '--endpoint-url', kinesis.endpoint]
  const relay = spawn(
    process.execPath,
    ['--import', join(here, 'report-usage.ts'), cli, 'run', ...options, '--dynamodb-binary', 'single'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
  )
  const usages: SeenUsage[] = []
  createInterface(relay.stdio[3] as Readable).on('line', (line) =>
    usages.push({ ...JSON.parse(line), atMs: performance.now() }),
  )
  const closed = once(relay, 'close')
  return {
    async stop() {
      relay.kill('SIGTERM')
      const [exitCode] = await closed
      if (exitCode !== 0) throw new Error(`The relay ended with exit code ${exitCode}`)
      return usages
    },
  }
}

function recordOf(id: number): { data: string } {
  const keys = { id: { N: String(id) } }
  const dynamodb = {
    ApproximateCreationDateTime: Date.now() * 1000,
    ApproximateCreationDateTimePrecision: 'MICROSECOND',
    Keys: keys,
    NewImage: { ...keys, state: { S: 'placed' }, note: { S: 'x'.repeat(500) } },
    SizeBytes: 600,
  }
  const head = { eventID: `e${id}`, eventSource: 'aws:dynamodb', eventName: 'INSERT', awsRegion: 'us-east-1' }
  return { data: JSON.stringify({ ...head, recordFormat: 'application/json', tableName: 'orders', dynamodb }) }
}

function print(rows: readonly (readonly [string, string])[]): void {
  const load = loadavg().map((one) => one.toFixed(1))
  for (const [name, value] of [...rows, ['load average', load.join(', ')]]) console.log(`  ${name!.padEnd(18)}${value}`)
}
