/**
 * Whether the relay still costs what it did, in half a minute and on any machine: its CPU per change from the first
 * GetRecords on, into PostgreSQL, as a multiple of what `JSON.parse` alone needs for the same records. Fails where that grew
 * by more than a third against short-ratios.json.
 *
 *   npm run bench:short [-- --record]
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { postgres, testDatabase } from '../test/support/postgres/postgres.ts'
import { ORDER_TYPES } from './dms-orders.ts'
import { parseMicrosPerRecord } from './parse-micros.ts'
import { type ReplayedFeed, replayRecords } from './replay-records.ts'
import { publishedProgram, type Replay, runRelay, startReplay } from './replayed-relay.ts'

const RATIOS = join(import.meta.dirname, 'short-ratios.json')
/** Few: much of what is measured is the engine still compiling, the same in every run. */
const CHANGES = 25_000
const ROUNDS = 4
const MOST_GROWTH = 4 / 3

const PARSED = 5_000

/** CPU of the relay by CPU of `JSON.parse`, by feed. */
type Ratios = Readonly<Record<ReplayedFeed, number>>

const OPTIONS: Readonly<Record<ReplayedFeed, readonly string[]>> = {
  dynamodb: [],
  dms: ORDER_TYPES.flatMap((type) => ['--type', type]),
}

const { values } = parseArgs({ options: { record: { type: 'boolean', default: false } } })
const recorded: Ratios = JSON.parse(await readFile(RATIOS, 'utf8'))
const program = await publishedProgram()
const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-bench-'))
const server = await postgres()
try {
  const measured = { dynamodb: await ratiosOf('dynamodb'), dms: await ratiosOf('dms') }
  if (values.record) {
    // The dearest one: what a loaded machine may show without a change being at fault.
    const dearest: Ratios = {
      dynamodb: rounded(Math.max(...measured.dynamodb)),
      dms: rounded(Math.max(...measured.dms)),
    }
    await writeFile(RATIOS, `${JSON.stringify(dearest, null, 2)}\n`)
  } else {
    // The best one: other work on the machine makes a relay dearer, and nothing makes it cheaper than it is.
    for (const feed of ['dynamodb', 'dms'] as const) judge(feed, rounded(Math.min(...measured[feed])), recorded[feed])
  }
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}

/** Of four rounds; in each both sides are measured one after the other. */
async function ratiosOf(feed: ReplayedFeed): Promise<readonly number[]> {
  const records = Array.from(replayRecords(feed, PARSED), ({ data }) => Buffer.from(data))
  const replay = await startReplay(feed, CHANGES, folder)
  const ratios: number[] = []
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const parseMicros = parseMicrosPerRecord(records)
      const relayMicros = await relayMicrosPerChange(replay, OPTIONS[feed])
      ratios.push(relayMicros / parseMicros)
      console.log(
        `${feed}: relay ${relayMicros.toFixed(1)} µs per change, JSON.parse ${parseMicros.toFixed(2)} µs per record: × ${ratios.at(-1)!.toFixed(1)}`,
      )
    }
  } finally {
    replay.stop()
  }
  return ratios
}

function rounded(ratio: number): number {
  return Number(ratio.toFixed(1))
}

async function relayMicrosPerChange(replay: Replay, options: readonly string[]): Promise<number> {
  const database = await testDatabase()
  try {
    const { usages } = await runRelay(replay, [program], ['--sink', database.url, ...options])
    const atFirstRead = usages.find(({ at }) => at === 'first GetRecords')!
    return (usages.at(-1)!.cpuMicros - atFirstRead.cpuMicros) / replay.records
  } finally {
    await database.drop()
  }
}

function judge(feed: ReplayedFeed, ratio: number, before: number): void {
  const said = `${feed}: ${ratio} times the CPU of JSON.parse; recorded are ${before}`
  if (ratio <= before * MOST_GROWTH) {
    console.log(said)
    return
  }
  console.error(
    `${said}. A change costs more than a third more than it did. If it has to: npm run bench:short -- --record`,
  )
  process.exitCode = 1
}
