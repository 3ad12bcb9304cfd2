import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { type CrateOptions, startCrate } from '../../support/crate/crate.ts'
import { writeJson } from '../../support/crate/values.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { type TestEnd, testDatabase } from '../../support/postgres/postgres.ts'
import { runProgram } from '../../support/processes/program.ts'
import { ddlOf, REFUSING, raise, recordsOf, SECRET } from './secret-rows.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-values-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

interface Place {
  readonly url: string
  query(text: string): Promise<Record<string, string | null>[]>
  /** For the program, where only one can have it open. */
  release(): Promise<void>
}

/** A place of the tests of one target. */
async function placeOf(target: 'postgresql' | 'pglite', end: TestEnd): Promise<Place> {
  if (target === 'pglite') return await pgliteFolder()
  const { url, query } = await testDatabase(end)
  return { url, query: (text) => query(text), release: async () => {} }
}

const STOPS = raise('stops', 'P0002')

/** One statement after another, for PGlite takes no more at once. */
async function make(place: Place): Promise<void> {
  await place.query('CREATE SCHEMA shop')
  for (const statement of [...REFUSING, STOPS].flatMap(ddlOf)) await place.query(statement)
  await place.release()
}

for (const target of ['postgresql', 'pglite'] as const) {
  describe(target, () => {
    const ends: (() => Promise<void>)[] = []
    let database: Place

    before(async () => {
      database = await placeOf(target, { after: (work) => void ends.push(work) })
      await make(database)
    })
    after(async () => {
      for (const end of ends) await end()
    })

    test('rows that are refused in words with their values: none of these in log, summary or reason', async (t) => {
      const cwd = folderOf(t)
      writeFileSync(join(cwd, 'in.jsonl'), `${REFUSING.flatMap(recordsOf).join('\n')}\n`)
      const args = ['run', '--source', 'file:in.jsonl', '--sink', database.url]

      const { code, stdout, stderr, log } = await runProgram(args, { cwd })
      assert.equal(code, 0, stderr)
      assert.ok(!`${stdout}${stderr}`.includes(SECRET), stderr)
      const letters = await database.query('SELECT detail, change::text AS held FROM cdc_relay.dead_letters')
      await database.release()
      // The value of the tsquery is set aside: its row is written.
      assert.equal(letters.length, REFUSING.length - 1, stderr)
      for (const { detail, held } of letters) {
        assert.ok(!detail!.includes(SECRET), detail!)
        assert.ok(held!.includes(SECRET), 'the dead letter itself holds the row')
      }
      assert.equal(log.filter(({ msg }) => msg === 'A record became a dead letter').length, letters.length)
    })

    test('a relay that stops in front of such a row does not show it; with --log-values it does', async (t) => {
      const cwd = folderOf(t)
      writeFileSync(join(cwd, 'in.jsonl'), `${recordsOf(STOPS).join('\n')}\n`)
      const args = ['run', '--source', 'file:in.jsonl', '--sink', database.url, '--name', 'stops', '--on-error', 'stop']
      const { code, stderr, stdout } = await runProgram(args, { cwd })
      assert.equal(code, 3, stderr)
      assert.ok(!`${stdout}${stderr}`.includes(SECRET), stderr)
      const shown = await runProgram([...args, '--log-values'], { cwd })
      assert.match(String(shown.log.at(-1)!.said), new RegExp(`not ${SECRET}`), shown.stderr)
      const kept = await runProgram([...args.slice(0, -2), '--log-values'], { cwd })
      assert.equal(kept.code, 0, kept.stderr)
      assert.match(kept.stderr, new RegExp(`"said":"not ${SECRET} \\| ${SECRET} \\| ${SECRET}`))
    })
  })
}

/** What CrateDB says of a row of a table. */
const WORDS: Readonly<Record<string, string>> = {
  odd: `Something about ${SECRET} is odd`,
  checked: `Failed CONSTRAINT c CHECK ("q" = 'good') for values: [${SECRET}]`,
}

test('cratedb: rows that are refused in whatever words: no value of them in log, summary or reason', async (t) => {
  const refusal: CrateOptions['refusal'] = (table, row) =>
    writeJson(new Map(row)).includes(SECRET)
      ? (Object.entries(WORDS).find(([name]) => table.includes(name))?.[1] ?? null)
      : null
  const crate = await startCrate({ refusal })
  t.after(crate.stop)
  const cwd = folderOf(t)
  const names = Object.keys(WORDS)
  writeFileSync(join(cwd, 'in.jsonl'), `${names.flatMap((name) => recordsOf({ name })).join('\n')}\n`)
  const args = ['run', '--source', 'file:in.jsonl', '--sink', crate.url]
  const { code, stdout, stderr, log } = await runProgram(args, { cwd })
  assert.equal(code, 0, stderr)
  assert.ok(!`${stdout}${stderr}`.includes(SECRET), stderr)
  const told = log.filter(({ msg }) => msg === 'A record became a dead letter')
  assert.deepEqual(told.map(({ table }) => table).sort(), names.map((name) => `shop.${name}`).sort())
})

/** Records that cannot be decoded, each with the secret where the reason could quote it. */
const BROKEN: readonly string[] = [
  SECRET,
  `{"a": ${SECRET}}`,
  `["${SECRET}"]`,
  `"${SECRET}"`,
  `{"x": "${SECRET}"}`,
  `{"eventSource":"aws:dynamodb","eventName":"INSERT","tableName":"t","dynamodb":"${SECRET}"}`,
  ...[`{"S":1,"N":"${SECRET}"}`, `{"N":"${SECRET}"}`, `{"B":"${SECRET}!"}`, `{"BOOL":"${SECRET}"}`, `"${SECRET}"`].map(
    (value) =>
      `{"eventSource":"aws:dynamodb","eventName":"INSERT","tableName":"t","dynamodb":{"ApproximateCreationDateTime":1754300000112233,"Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"},"v":${value}}}}`,
  ),
  `{"eventSource":"aws:dynamodb","eventName":"INSERT","tableName":"t","dynamodb":{"ApproximateCreationDateTime":"${SECRET}","Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"}}}}`,
  `{"data":"${SECRET}","metadata":{"record-type":"data","operation":"insert","schema-name":"s","table-name":"t","timestamp":"2026-01-01T00:00:00Z"}}`,
  `{"data":{"id":1},"metadata":{"record-type":"data","operation":"insert","schema-name":"s","table-name":"t","timestamp":"${SECRET}"}}`,
  `{"data":{"v":"${SECRET}"},"metadata":{"record-type":"data","operation":"update","schema-name":"s","table-name":"t","timestamp":"2026-01-01T00:00:00Z"}}`,
  `{"data":{"id":"${SECRET}","v":1e999999},"metadata":{"record-type":"data","operation":"insert","schema-name":"s","table-name":"t","timestamp":"2026-01-01T00:00:00Z"}}`,
]

test('records that cannot be decoded: no value of them in log, summary or reason', async (t) => {
  const cwd = folderOf(t)
  writeFileSync(join(cwd, 'in.jsonl'), `${BROKEN.join('\n')}\n`)
  const sink = ['run', '--source', 'file:in.jsonl', '--sink', 'jsonl:out.jsonl']
  const { code, stderr, stdout } = await runProgram(sink, { cwd })
  assert.equal(code, 0, stderr)
  assert.ok(!`${stdout}${stderr}`.includes(SECRET), stderr)
  const letters = readFileSync(join(cwd, 'in.jsonl.dead-letters.jsonl'), 'utf8').trimEnd().split('\n')
  assert.ok(letters.length >= BROKEN.length - 3, 'nearly all of them are dead letters')
  for (const letter of letters) assert.ok(!(JSON.parse(letter) as { detail: string }).detail.includes(SECRET), letter)
})
