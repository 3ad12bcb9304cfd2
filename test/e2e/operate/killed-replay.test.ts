import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { linesOf } from '../../../src/sinks/line-output.ts'
import { sqlSink } from '../../../src/sinks/sql/sink.ts'
import { fileStateStore } from '../../../src/state/file.ts'
import { refused } from '../../sinks/letters/conformance.ts'
import { at, batchOf, claimOf, put } from '../../support/changes.ts'
import { postgres, testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { type RelayProcess, startRelay } from '../../support/processes/relay-process.ts'
import { startWireProxy } from '../../support/wire/wire-proxy.ts'
import type { Seen } from '../../support/wire/wire-proxy-protocol.ts'

/** More than two batches of letters. */
const LETTERS = 120

/** What passes on the wire when a batch of letters is written, in this order. */
const MOMENTS: Readonly<Record<string, (seen: Seen) => boolean>> = {
  'its rows are sent': ({ kind, statement }) => kind === 'sent' && /insert into "/i.test(statement.text),
  'its rows are written': ({ kind, statement }) => kind === 'answered' && /insert into "/i.test(statement.text),
  'its letters are sent': ({ kind, statement }) => kind === 'sent' && LETS_GO.test(statement.text),
  'its letters are let go': ({ kind, statement }) => kind === 'answered' && LETS_GO.test(statement.text),
  'COMMIT is sent': ({ kind, statement }) => kind === 'sent' && /^\s*commit/i.test(statement.text),
  'COMMIT is answered': ({ kind, statement }) => kind === 'answered' && /^\s*commit/i.test(statement.text),
}

const LETS_GO = /delete from cdc_relay\.dead_letters/i

for (const mode of ['mirror', 'append'] as const) {
  for (const [moment, isMoment] of Object.entries(MOMENTS)) {
    test(`${mode}: a replay that is killed when ${moment} loses nothing and writes nothing twice`, async (t) => {
      const database = await shop(t, mode)
      const { killed, end } = await replayKilled(database, mode, isMoment)
      assert.equal(killed, true, end.stderr)
      await sessionsEnd(database)
      await requireTruth(database, mode)
      const rest = await startRelay(argsOf(database.url, mode)).ended
      assert.equal(rest.exitCode, 0, rest.stderr)
      await requireTruth(database, mode)
      assert.deepEqual(await database.query('SELECT FROM cdc_relay.dead_letters'), [])
    })
  }
}

for (const mode of ['mirror', 'append'] as const) {
  test(`${mode}: a COMMIT whose answer is lost counts once`, async (t) => {
    const database = await shop(t, mode)
    const { killed, end } = await replayCut(database, mode, MOMENTS['COMMIT is sent']!, () => {})
    assert.equal(killed, true)
    assert.equal(end.exitCode, 0, end.stderr)
    const counts = { read: LETTERS, applied: LETTERS, superseded: 0, skipped: 0, failed: 0, gone: 0 }
    assert.deepEqual(JSON.parse(end.stdout), counts)
    await requireTruth(database, mode)
  })
}

test('a file: a replay that is killed while its lines are written loses nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-letters-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [target, kept, state] = ['changes.jsonl', 'letters.jsonl', 'state.json'].map((name) => join(folder, name))
  const store = fileStateStore(state!)
  await store.claim(claimOf({ settings: jsonlSettings }), AbortSignal.timeout(10_000))
  await store.close()
  const letters = Array.from({ length: LETTERS }, (_, i) => refused(put(`${i}`, i + 1)))
  writeFileSync(kept!, linesOf(letters))
  const options = ['--sink', `jsonl:${target}`, '--state', `file:${state}`, '--dead-letters', `file:${kept}`]
  const args = ['dead-letters', 'replay', '--name', 'relay', ...options]
  const replay = startRelay(args)
  while (!existsSync(target!) || readFileSync(target!, 'utf8') === '') {
    if (replay.child.exitCode !== null) break
    await sleep(1)
  }
  replay.child.kill('SIGKILL')
  await replay.ended
  const open = linesOf(letters)
    .trimEnd()
    .split('\n')
    .filter((line) => readFileSync(kept!, 'utf8').includes(line))
  const written = new Set(idsIn(readFileSync(target!, 'utf8')))
  assert.ok(open.every((line) => line.startsWith('{"kind":"dead-letter"')))
  for (let i = 0; i < LETTERS; i++) {
    assert.ok(written.has(`${i}`) || open.some((line) => line.includes(`"key":{"id":"${i}"}`)), `letter ${i} is lost`)
  }
  const rest = await startRelay(args).ended
  assert.equal(rest.exitCode, 0, rest.stderr)
  assert.equal(new Set(idsIn(readFileSync(target!, 'utf8'))).size, LETTERS)
  assert.equal(readFileSync(kept!, 'utf8'), '')
})

/** What `run` without other options is known by. */
const jsonlSettings = { mode: 'mirror', deletes: 'hard' }

/** Of whole lines. */
const idsIn = (text: string): string[] =>
  text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { key: { id: string } }).key.id)

/** A relay that is stopped has kept letters. */
async function shop(t: TestContext, mode: 'mirror' | 'append'): Promise<TestDatabase> {
  const database = await testDatabase(t)
  const sink = sqlSink({ url: database.url, mode })
  const signal = AbortSignal.timeout(30_000)
  await sink.open(claimOf({ settings: { mode, deletes: 'hard' } }), signal)
  const letters = Array.from({ length: LETTERS }, (_, i) => refused(put(`${i}`, i + 1)))
  const batch = batchOf({ changes: [put('first', 1000)], deadLetters: letters, positions: at({ 'shard-0': '1' }) })
  await sink.prepare(batch)(signal)
  await sink.close()
  return database
}

const argsOf = (url: string, mode: string): string[] => [
  ...['dead-letters', 'replay', '--sink', url, '--name', 'relay', '--mode', mode],
]

/** Kills it in its second batch. */
const replayKilled = (database: TestDatabase, mode: string, isMoment: (seen: Seen) => boolean) =>
  replayCut(database, mode, isMoment, (replay) => void replay.child.kill('SIGKILL'))

/** Cuts its connection in its second batch. */
async function replayCut(
  database: TestDatabase,
  mode: string,
  isMoment: (seen: Seen) => boolean,
  onCut: (replay: RelayProcess) => void,
) {
  const { port } = await postgres()
  let batches = 0
  let killed = false
  const proxy = await startWireProxy({ host: '127.0.0.1', port }, (seen) => {
    if (seen.kind === 'sent' && /insert into "/i.test(seen.statement.text)) batches++
    if (killed || batches < 2 || !isMoment(seen)) return 'pass'
    killed = true
    onCut(replay)
    return 'cut-after'
  })
  const url = new URL(database.url)
  url.port = String(proxy.port)
  const replay = startRelay(argsOf(url.href, mode))
  try {
    return { end: await replay.ended, killed }
  } finally {
    await proxy.close()
  }
}

/** Each letter is there, or its row, and never both, nor two rows. */
async function requireTruth({ query }: TestDatabase, mode: 'mirror' | 'append'): Promise<void> {
  const id = mode === 'mirror' ? 'id' : `key->>'id'`
  const rows = await query<{ id: string }>(`SELECT ${id} AS id FROM orders WHERE ${id} <> 'first'`)
  const letters = await query<{ id: string }>(`SELECT change->'key'->>'id' AS id FROM cdc_relay.dead_letters`)
  const all = [...rows, ...letters].map((row) => Number(row.id))
  assert.deepEqual(
    all.sort((a, b) => a - b),
    Array.from({ length: LETTERS }, (_, i) => i),
  )
}

/** What a killed process sent last may still be at work. */
async function sessionsEnd({ query }: TestDatabase): Promise<void> {
  const others = `
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'cdc-relay'`
  while ((await query(others)).length > 0) await sleep(5)
}
