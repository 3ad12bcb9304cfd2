/**
 * The GPSS sink against a bare client that sends the same loads, encoded beforehand, through the same connection code.
 * GPSS (the test server) and PostgreSQL are processes of their own: the CPU time is that of the client alone.
 *
 *   node bench/gpss.ts
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Change } from '../src/change.ts'
import { gpssAddress } from '../src/sinks/gpss/address.ts'
import { appendTarget } from '../src/sinks/gpss/append-target.ts'
import { gpssCatalogue } from '../src/sinks/gpss/catalogue.ts'
import { openGpss } from '../src/sinks/gpss/connection.ts'
import { type GpssOptions, gpssEmitter } from '../src/sinks/gpss/emitter.ts'
import { mirrorTarget } from '../src/sinks/gpss/mirror-target.ts'
import type { Load } from '../src/sinks/gpss/session.ts'
import { groupByTable } from '../src/sinks/tables/planning.ts'
import { DEFAULT_RULES, type TargetRules } from '../src/sinks/tables/rules.ts'
import { withState } from '../src/sinks/with-state.ts'
import { fileStateStore } from '../src/state/file.ts'
import { claimOf } from '../test/support/changes.ts'
import { startPostgres } from '../test/support/postgres/postgres-server.ts'
import { BATCH, batchOf, inNewDatabase, ROUNDS, runs, writeThrough } from './compare-apply.ts'
import { orderChanges } from './dynamodb-orders.ts'
import { type GpssProcess, startGpssProcess } from './gpss-place.ts'

type Mode = Options['mode']

interface Cost {
  readonly elapsedMs: number
  /** Of this process, user and system. */
  readonly cpuMicros: number
}

const CPU_MICROS_GOAL = 25
const NEVER: Cost = { elapsedMs: Number.POSITIVE_INFINITY, cpuMicros: 0 }

const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-bench-'))
const postgres = await startPostgres({})
const gpss = await startGpssProcess()
try {
  const { changes, recordBytes } = orderChanges()
  console.log(`  records of ${recordBytes} bytes, batches of ${BATCH}, best of ${ROUNDS} each`)
  for (const mode of ['append', 'mirror'] as const) print(mode, changes.length, await compare(mode, changes, gpss))
} finally {
  gpss.stop()
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
}

async function compare(mode: Mode, changes: readonly Change[], gpss: GpssProcess) {
  const best: { bare: Cost; sink: Cost } = { bare: NEVER, sink: NEVER }
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of ['bare', 'sink'] as const) {
      const name = `${mode}_${way}_${round}`
      const cost = await inNewDatabase(postgres, name, async (databaseUrl) => {
        const url = await gpss.sinkUrl(databaseUrl)
        const options = optionsOf(mode, url, join(folder, `${name}.state.json`))
        return way === 'bare' ? await bareClient(options, changes) : await throughSink(options, changes)
      })
      if (cost.elapsedMs < best[way].elapsedMs) best[way] = cost
    }
  }
  return best
}

type Options = TargetRules & GpssOptions & { readonly relay: string; readonly state: string }

function optionsOf(mode: Mode, url: string, state: string): Options {
  return {
    ...DEFAULT_RULES,
    url,
    relay: 'relay',
    mode,
    onError: 'stop',
    deadLetters: '-',
    state,
  }
}

/** With its positions in a file. */
async function throughSink(options: Options, changes: readonly Change[]): Promise<Cost> {
  const sink = withState(gpssEmitter(options), fileStateStore(options.state))
  const signal = new AbortController().signal
  await sink.open(claimOf(), signal)
  const cost = await costOf(() => writeThrough(sink, changes, new Map(), signal))
  await sink.close()
  return cost
}

/** Nothing is decided or encoded while the clock runs, and no positions are kept. */
async function bareClient(options: Options, changes: readonly Change[]): Promise<Cost> {
  const address = gpssAddress(options.url, {})
  const gpss = openGpss(address)
  const { relay } = options
  const tables = { relay, gpss, catalogue: gpssCatalogue(gpss), defaultSchema: address.schema, rules: options }
  const target = options.mode === 'append' ? appendTarget(tables) : mirrorTarget(tables)
  const loads: Load[] = []
  for (const run of runs(changes)) {
    const [group] = groupByTable(batchOf(run, new Map()), options.mode === 'mirror')
    if (loads.length === 0) await target.prepare(group!)
    const plan = await target.plan(group!, group!.changes, false)
    loads.push(plan!.load!)
  }
  const cost = await costOf(async () => {
    for (const load of loads) {
      const { kind } = await gpss.load(load)
      if (kind !== 'loaded') throw new Error(`The outcome of a load is ${kind}`)
    }
  })
  await gpss.close()
  return cost
}

async function costOf(work: () => Promise<void>): Promise<Cost> {
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { elapsedMs: performance.now() - began, cpuMicros: user + system }
}

function print(mode: Mode, changes: number, { sink, bare }: { sink: Cost; bare: Cost }): void {
  const rate = ({ elapsedMs }: Cost) => Math.round((changes / elapsedMs) * 1000).toLocaleString('en-US')
  const micros = ({ cpuMicros }: Cost) => (cpuMicros / changes).toFixed(1)
  console.log(
    `  ${mode}: ${rate(sink)} changes/s through the sink, ${rate(bare)} by a bare client that sends the same loads, ` +
      `ratio ${(bare.elapsedMs / sink.elapsedMs).toFixed(2)}; CPU of the process ${micros(sink)} µs per change ` +
      `(goal: ${CPU_MICROS_GOAL} at most), of the bare client ${micros(bare)} µs`,
  )
}
