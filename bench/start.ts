/**
 * What the program costs before it reads anything, as it is published: CPU from the start of its process to the first
 * GetRecords, from a replaying endpoint into a PostgreSQL that is there.
 *
 *   node bench/start.ts [COMMIT]
 *
 * With a commit, that one is packed, too, and both are started in turns.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { postgres, testDatabase } from '../test/support/postgres/postgres.ts'
import { checkOut } from './checkout.ts'
import { median } from './median.ts'
import { type Replay, runRelay, startReplay } from './replayed-relay.ts'

const STARTS = 5
const GOAL_MS = 500
const OWN_FOLDER = join(import.meta.dirname, '..')
const [commit] = process.argv.slice(2)

interface Program {
  readonly title: string
  readonly path: string
  readonly cpuMs: number[]
}

const run = promisify(execFile)
const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-bench-'))
const other = commit === undefined ? null : await checkOut(commit, new AbortController().signal)
const programs: Program[] = []
if (other !== null) programs.push({ title: other.commit, path: await packed(other.folder, 'other'), cpuMs: [] })
programs.push({ title: 'this checkout', path: await packed(OWN_FOLDER, 'own'), cpuMs: [] })
const server = await postgres()
const database = await testDatabase()
const replay = await startReplay('dynamodb', 100, folder)
try {
  for (let start = 1; start <= STARTS; start++) {
    for (const { path, cpuMs } of programs) cpuMs.push(await cpuOfStart(path, replay, database.url))
  }
  for (const { title, cpuMs } of programs) {
    const all = cpuMs.map((ms) => ms.toFixed(0)).join(', ')
    console.log(`  ${title.padEnd(18)}${median(cpuMs).toFixed(0)} ms of CPU (goal: under ${GOAL_MS}); ${all}`)
  }
} finally {
  replay.stop()
  await database.drop()
  await server.stop()
  await other?.remove()
  await rm(folder, { recursive: true, force: true })
}

/** Builds and packs a checkout, and unpacks that beside the packages of the checkout. Resolves to the program. */
async function packed(checkout: string, name: string): Promise<string> {
  const place = join(folder, name)
  await mkdir(place)
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', place], { cwd: checkout })
  await run('tar', ['-xzf', stdout.trim().split('\n').at(-1)!], { cwd: place })
  await symlink(join(checkout, 'node_modules'), join(place, 'node_modules'))
  return join(place, 'package/bin/cdc-relay.cjs')
}

/** Milliseconds. */
async function cpuOfStart(program: string, replay: Replay, sink: string): Promise<number> {
  const { usages } = await runRelay(replay, [program], ['--sink', sink, '--name', `start-${performance.now()}`])
  return usages.find(({ at }) => at === 'first GetRecords')!.cpuMicros / 1000
}
