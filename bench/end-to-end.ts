/**
 * The whole program at work: reads a million changes from a replaying endpoint and mirrors them into PostgreSQL, or appends
 * them through GPSS, all in processes of their own. What counts is what the process of the relay uses.
 *
 *   node bench/end-to-end.ts dynamodb|dms|gpss [CHANGES] [OPTION FOR THE RELAY …]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { postgres, testDatabase } from '../test/support/postgres/postgres.ts'
import { ORDER_TYPES } from './dms-orders.ts'
import { startGpssProcess } from './gpss-place.ts'
import type { Usage } from './report-usage.ts'

interface Feed {
  readonly replays: 'dynamodb' | 'dms'
  readonly through: 'PostgreSQL' | 'GPSS'
  /** What the relay needs to know. */
  readonly options: readonly string[]
  readonly cpuMicrosGoal: number
}

const FEEDS: ReadonlyMap<string, Feed> = new Map([
  ['dynamodb', { replays: 'dynamodb', through: 'PostgreSQL', options: [], cpuMicrosGoal: 20 }],
  [
    'dms',
    {
      replays: 'dms',
      through: 'PostgreSQL',
      options: ORDER_TYPES.flatMap((type) => ['--type', type]),
      cpuMicrosGoal: 25,
    },
  ],
  ['gpss', { replays: 'dynamodb', through: 'GPSS', options: ['--mode', 'append'], cpuMicrosGoal: 25 }],
])

const [feedName = '', changes = '1000000', ...relayOptions] = process.argv.slice(2)
const { replays, through, options, cpuMicrosGoal } = feedOf(feedName)
const here = import.meta.dirname

const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-bench-'))
const server = await postgres()
const database = await testDatabase()
const gpss = through === 'GPSS' ? await startGpssProcess() : null
const sink = gpss === null ? database.url : await gpss.sinkUrl(database.url)
const endpoint = spawn(process.execPath, [join(here, 'replay-endpoint.ts'), replays, changes, folder], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
try {
  const { port, records } = await readyLine(endpoint)
  const { summary, usages, elapsedMs } = await measuredRelay(`http://127.0.0.1:${port}`)
  if (summary.read !== records) throw new Error(`The relay read ${summary.read} of ${records} records`)
  print(records, usages, elapsedMs, server.version)
} finally {
  endpoint.stdin!.end()
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

async function readyLine(endpoint: ChildProcess): Promise<{ port: number; records: number }> {
  for await (const line of createInterface(endpoint.stdout!)) return JSON.parse(line)
  throw new Error('The replaying endpoint did not start')
}

/** Runs the relay until the stream is drained. */
async function measuredRelay(
  endpointUrl: string,
): Promise<{ summary: { read: number }; usages: readonly Usage[]; elapsedMs: number }> {
  const startedMs = performance.now()
  const relay = spawn(
    process.execPath,
    [
      '--import',
      join(here, 'report-usage.ts'),
      ...process.execArgv,
      join(here, '../src/cli.ts'),
      'run',
      ...['--source', 'replay', '--sink', sink, '--endpoint-url', endpointUrl, '--until-latest'],
      ...options,
      ...(gpss === null ? [] : ['--state', `file:${join(folder, 'state.json')}`]),
      ...relayOptions,
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] },
  )
  // It would wait for ever for an endpoint that is gone.
  endpoint.once('exit', () => relay.kill())
  const usages: Usage[] = []
  createInterface(relay.stdio[3] as Readable).on('line', (line) => usages.push(JSON.parse(line)))
  const [summary, [exitCode]] = await Promise.all([text(relay.stdout!), once(relay, 'close')])
  if (exitCode !== 0) throw new Error(`The relay ended with exit code ${exitCode}`)
  return { summary: JSON.parse(summary), usages, elapsedMs: performance.now() - startedMs }
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
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}
