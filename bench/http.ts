/**
 * What it costs to be watched: CPU per change of the relay, from the first GetRecords on, with `--http` and a scrape a second as a multiple
 * of that without, in turns. Goal: 1.03 at most.
 *
 *   node bench/http.ts [CHANGES] [ROUNDS]
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgres, testDatabase } from '../test/support/postgres/postgres.ts'
import { median } from './median.ts'
import { publishedProgram, type Replay, runRelay, startReplay } from './replayed-relay.ts'

const SCRAPE_EVERY_MS = 1_000

const [changes = '400000', rounds = '5'] = process.argv.slice(2)
const program = await publishedProgram()
const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-bench-'))
const server = await postgres()
const replay = await startReplay('dynamodb', Number(changes), folder)
try {
  const withouts: number[] = []
  const withins: number[] = []
  for (let round = 1; round <= Number(rounds); round++) {
    // Whoever is second may find a warmer machine.
    const isWatchedFirst = round % 2 === 0
    if (isWatchedFirst) withins.push(await watched(replay))
    withouts.push(await micros(replay, []))
    if (!isWatchedFirst) withins.push(await watched(replay))
    console.log(`  round ${round}   ${withouts.at(-1)!.toFixed(2)} → ${withins.at(-1)!.toFixed(2)} µs per change`)
  }
  const ratios = withins.map((within, i) => within / withouts[i]!)
  // Other work on the machine makes a relay dearer, and nothing makes it cheaper than it is.
  const best = Math.min(...withins) / Math.min(...withouts)
  console.log(
    `  median of the ratios × ${median(ratios).toFixed(3)}, ratio of the best × ${best.toFixed(3)} (goal: 1.03 at most)`,
  )
} finally {
  replay.stop()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}

async function watched(of: Replay): Promise<number> {
  const port = await freePort()
  let scrapes = 0
  const timer = setInterval(async () => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`)
      await response.text()
      scrapes++
    } catch {
      // It has not begun yet, or has ended.
    }
  }, SCRAPE_EVERY_MS)
  const found = await micros(of, ['--http', String(port)]).finally(() => clearInterval(timer))
  if (scrapes === 0) throw new Error('The relay was never scraped: take more changes')
  return found
}

async function micros(of: Replay, options: readonly string[]): Promise<number> {
  const database = await testDatabase()
  try {
    const { usages } = await runRelay(of, [program], ['--sink', database.url, ...options])
    const atFirstRead = usages.find(({ at }) => at === 'first GetRecords')!
    return (usages.at(-1)!.cpuMicros - atFirstRead.cpuMicros) / of.records
  } finally {
    await database.drop()
  }
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, 'close')
  return port
}
