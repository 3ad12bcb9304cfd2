/**
 * The whole program at work, as it is published: reads a million changes from a replaying endpoint and mirrors them into PostgreSQL, or appends
 * them through GPSS, all in processes of their own. What counts is what the process of the relay uses.
 *
 *   node bench/end-to-end.ts dynamodb|dms|gpss [CHANGES] [OPTION FOR THE RELAY …]
 *
 * The last line says the same in JSON, for `--against`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgres, testDatabase } from '../test/support/postgres/postgres.ts'
import { ORDER_TYPES } from './dms-orders.ts'
import type { EndToEndResult } from './end-to-end-result.ts'
import { startGpssProcess } from './gpss-place.ts'
import { publishedProgram, runRelay, startReplay } from './replayed-relay.ts'
import type { Usage } from './report-usage.ts'

interface Feed {
  readonly replays: 'dynamodb' | 'dms'
  readonly through: 'PostgreSQL' | 'GPSS'
  /** What the relay needs to know. */
  readonly options: readonly string[]
  readonly cpuMicrosGoal: number
}

const FEEDS: ReadonlyMap<string, Feed> = new Map([
  ['dynamodb', { replays: 'dynamodb', through: 'PostgreSQL', options: [], cpuMicrosGoal: 12 }],
  [
    'dms',
    {
      replays: 'dms',
      through: 'PostgreSQL',
      options: ORDER_TYPES.flatMap((type) => ['--type', type]),
      cpuMicrosGoal: 12,
    },
  ],
  ['gpss', { replays: 'dynamodb', through: 'GPSS', options: ['--mode', 'append'], cpuMicrosGoal: 20 }],
])

const [feedName = '', changes = '1000000', ...relayOptions] = process.argv.slice(2)
const { replays, through, options, cpuMicrosGoal } = feedOf(feedName)

const program = await publishedProgram()
const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-bench-'))
const server = await postgres()
const database = await testDatabase()
const gpss = through === 'GPSS' ? await startGpssProcess() : null
const sink = gpss === null ? database.url : await gpss.sinkUrl(database.url)
const replay = await startReplay(replays, Number(changes), folder)
try {
  const { usages, elapsedMs } = await runRelay(
    replay,
    [...process.execArgv, program],
    [
      ...['--sink', sink, ...options],
      ...(gpss === null ? [] : ['--state', `file:${join(folder, 'state.json')}`]),
      ...relayOptions,
    ],
  )
  print(replay.records, usages, elapsedMs, server.version)
} finally {
  replay.stop()
  gpss?.stop()
  await database.drop()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}

function feedOf(name: string): Feed {
  const feed = FEEDS.get(name)
  if (feed === undefined) throw new Error(`The first argument is ${[...FEEDS.keys()].join(' or ')}`)
  return feed
}

function print(records: number, usages: readonly Usage[], elapsedMs: number, postgresVersion: string): void {
  const { cpuMicros, peakRssBytes } = usages.at(-1)!
  const quarters = [0.25, 0.5, 0.75, 1].map((share) => usages[Math.ceil(usages.length * share) - 1]!.rssBytes)
  const rows = [
    ['changes', records.toLocaleString('en-US')],
    [
      'rate',
      `${Math.round((records * 1000) / elapsedMs).toLocaleString('en-US')} changes/s into ${through === 'GPSS' ? 'the GPSS test server over ' : ''}PostgreSQL ${postgresVersion}`,
    ],
    ['CPU of the relay', `${(cpuMicros / records).toFixed(1)} µs per change (goal: ${cpuMicrosGoal} at most)`],
    ['peak RSS', `${megabytes(peakRssBytes)} MB (goal: under 250)`],
    ['RSS on the way', `${quarters.map(megabytes).join(', ')} MB after each quarter of the time`],
  ]
  for (const [name, value] of rows) console.log(`  ${name!.padEnd(18)}${value}`)
  console.log(JSON.stringify({ cpuMicrosPerChange: cpuMicros / records, peakRssBytes } satisfies EndToEndResult))
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}
