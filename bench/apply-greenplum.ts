/**
 * The Greenplum dialects on the stand-ins of the tests: CPU time of this process per change, and the ratio to the same
 * batches that were prepared before the clock ran. The stand-in (PostgreSQL's kernel, and what hides it) is a process of
 * its own. It says nothing of what a Greenplum needs for the same statements.
 *
 *   node bench/apply-greenplum.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Change } from '../src/change.ts'
import type { Sink, Write } from '../src/sinks/sink.ts'
import { claimOf } from '../test/support/changes.ts'
import {
  GREENPLUM_KINDS,
  type GreenplumKind,
  greenplumDatabase,
  withoutGreenplum,
} from '../test/support/greenplum/greenplum.ts'
import { sqlSinkOf } from '../test/support/targets/sql-target.ts'
import { batchOf } from './compare-apply.ts'
import { orderChanges } from './dynamodb-orders.ts'

const CPU_MICROS_GOAL = 25
const CHANGES = 40_000
const BATCHES = [1_000, 4_000]
const signal = new AbortController().signal

const [, , kind] = process.argv
if (kind === undefined) await measureAll()
else await serve(kind as GreenplumKind)

async function serve(kind: GreenplumKind): Promise<void> {
  const database = await greenplumDatabase(undefined, kind)
  console.log(database.url)
  await once(process.stdin.resume(), 'end')
  await database.drop()
}

async function measureAll(): Promise<void> {
  const { changes, recordBytes } = orderChanges()
  console.log(`  records of ${recordBytes} bytes, layout document, one connection`)
  for (const kind of GREENPLUM_KINDS) {
    const why = withoutGreenplum(kind)
    if (why !== false) console.log(`  greenplum ${kind}: ${why}`)
    else for (const size of BATCHES) print(kind, size, await measure(kind, changes.slice(0, CHANGES), size))
  }
}

interface Cost {
  readonly elapsedMs: number
  readonly cpuMicros: number
}

async function measure(kind: GreenplumKind, changes: readonly Change[], size: number) {
  const batches = Array.from({ length: Math.ceil(changes.length / size) }, (_, i) =>
    batchOf(changes.slice(i * size, (i + 1) * size), new Map()),
  )
  const prepared = await inStandIn(kind, async (sink) => {
    const [first, ...others] = batches
    await sink.prepare(first!)(signal)
    const writes = others.map((batch) => sink.prepare(batch))
    // Encoding goes on in slices behind `prepare`.
    await sleep(3_000)
    return await timed(async () => {
      for (const write of writes) await write(signal)
    })
  })
  const through = await inStandIn(kind, async (sink) => {
    const [first, ...others] = batches
    await sink.prepare(first!)(signal)
    return await timed(async () => {
      let inFlight: ReturnType<Write> | undefined
      for (const batch of others) {
        const write = sink.prepare(batch)
        await inFlight
        inFlight = write(signal)
      }
      await inFlight
    })
  })
  return { prepared, through, changes: changes.length - size }
}

async function timed(work: () => Promise<void>): Promise<Cost> {
  const [began, before] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(before)
  return { elapsedMs: performance.now() - began, cpuMicros: user + system }
}

async function inStandIn<T>(kind: GreenplumKind, work: (sink: Sink) => Promise<T>): Promise<T> {
  const server = spawn(process.execPath, [import.meta.filename, kind], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(server, 'exit')
  try {
    const [url] = (await once(createInterface(server.stdout), 'line')) as [string]
    const sink = sqlSinkOf({ url, layout: 'document' })
    await sink.open(claimOf(), signal)
    const result = await work(sink)
    await sink.close()
    return result
  } finally {
    server.stdin.end()
    await ended
  }
}

function print(kind: string, size: number, { prepared, through, changes }: Awaited<ReturnType<typeof measure>>): void {
  const perSecond = ({ elapsedMs }: Cost): string => Math.round((changes / elapsedMs) * 1000).toLocaleString('en')
  const cpu = through.cpuMicros / changes
  const verdict = cpu <= CPU_MICROS_GOAL ? 'reached' : 'missed'
  console.log(
    `  greenplum ${kind}, batches of ${size.toLocaleString('en')}: ` +
      `${perSecond(through)} changes/s, ${perSecond(prepared)} prepared ahead, ratio ${(prepared.elapsedMs / through.elapsedMs).toFixed(2)}; ` +
      `${cpu.toFixed(1)} µs of CPU per change (goal ${CPU_MICROS_GOAL}: ${verdict})`,
  )
}
