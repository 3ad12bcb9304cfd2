import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testDatabase } from '../support/postgres/postgres.ts'
import { runProgramAgain } from '../support/processes/many-runs.ts'
import type { RunAnswer } from '../support/processes/many-runs-child.ts'

// A table of DMS gets another key while a relay follows it, and is loaded again.

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 20, 40, second)).toISOString()

const told = (second: number, type: string, operation: string, rest: object): string =>
  `${JSON.stringify({
    ...rest,
    metadata: {
      timestamp: at(second),
      'record-type': type,
      operation,
      'partition-key-type': 'schema-table',
      'schema-name': 'shop',
      'table-name': 'items',
    },
  })}\n`

const create = (second: number, key: readonly string[]): string =>
  told(second, 'control', 'create-table', {
    control: {
      'table-def': {
        columns: { id: { type: 'INT32' }, r: { type: 'STRING' }, v: { type: 'STRING' } },
        ...(key.length === 0 ? {} : { 'primary-key': key }),
      },
    },
  })
const drop = (second: number): string => told(second, 'control', 'drop-table', {})
const row = (second: number, operation: string, data: object): string => told(second, 'data', operation, { data })

const FIRST = [row(2, 'load', { id: 1, r: 'eu', v: 'a' }), row(3, 'insert', { id: 2, r: 'eu', v: 'a' })].join('')
/** Of the second run, with what came before the new definition did. */
const SECOND = (key: readonly string[]): string =>
  [
    row(50, 'insert', { id: 3, r: 'eu', v: 'late' }),
    row(51, 'delete', key.includes('r') ? { id: 2 } : { id: 2, r: 'eu' }),
    drop(90),
    create(91, key),
    row(92, 'load', { id: 1, r: 'eu', v: 'b' }),
    row(93, 'load', { id: 3, r: 'eu', v: 'b' }),
    row(95, 'update', { id: 3, r: 'eu', v: 'c' }),
    row(96, 'insert', { id: 4, r: 'us', v: 'c' }),
    // Deletes are remembered under the new key.
    row(98, 'delete', { id: 5, r: 'us' }),
    row(97, 'update', { id: 5, r: 'us', v: 'late' }),
  ].join('')
const ROWS = ['1 eu b', '3 eu c', '4 us c']

interface Followed {
  run(): Promise<RunAnswer>
  grow(text: string): Promise<void>
  rows(): Promise<string[]>
  sql(statement: string): Promise<void>
}

async function follow(t: TestContext, name: string): Promise<Followed> {
  const database = await testDatabase(t)
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-key-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'capture.jsonl')
  await writeFile(path, '')
  return {
    run: () => runProgramAgain(['run', '--source', `file:${path}`, '--sink', database.url, '--name', name]),
    grow: (text) => appendFile(path, text),
    rows: async () =>
      (await database.query('SELECT id, r, v FROM shop.items ORDER BY id, r')).map(({ id, r, v }) => `${id} ${r} ${v}`),
    sql: async (statement) => void (await database.query(statement)),
  }
}

const changes: readonly (readonly [from: readonly string[], to: readonly string[], words: string])[] = [
  [['id'], ['id', 'r'], 'The key of the table was "id", and is now "id", "r"'],
  [['id', 'r'], ['id'], 'The key of the table was "id", "r", and is now "id"'],
  [[], ['id'], 'The key of the table was none, and is now "id"'],
]

for (const [from, to, words] of changes) {
  const title = `the key of a table of DMS changes from (${from}) to (${to})`

  /** Up to the refusal. */
  async function refused(t: TestContext): Promise<Followed & { readonly said: string }> {
    const followed = await follow(t, 'items')
    await followed.grow(create(1, from) + FIRST)
    assert.equal((await followed.run()).exitCode, 0)
    await followed.grow(SECOND(to))
    const { exitCode, stderr } = await followed.run()
    assert.equal(exitCode, 2, stderr)
    const said = stderr.replaceAll('\\"', '"').replaceAll('\\n', '\n')
    assert.ok(said.includes(words), said)
    assert.ok(!said.includes('any more'), said)
    return { ...followed, said }
  }

  test(`${title}: dropped as the message says, the table is made again, and the relay goes on from where it stood`, async (t) => {
    const { said, sql, run, rows } = await refused(t)
    const statement = /DROP TABLE "shop"\."items"/.exec(said)![0]
    await sql(statement)
    const { exitCode, stderr } = await run()
    assert.equal(exitCode, 0, stderr)
    assert.deepEqual(await rows(), ROWS)
  })

  test(`${title}: altered as the message says, it keeps its rows`, async (t) => {
    const { said, sql, run, rows } = await refused(t)
    const fixes = [...said.matchAll(/^ {2}- [^:]*: (.*);$/gm)].map(([, statement]) => statement!)
    assert.ok(fixes.length > 0, said)
    for (const fix of fixes) await sql(fix)
    const { exitCode, stderr } = await run()
    assert.equal(exitCode, 0, stderr)
    // The delete of row 2 named no key that counted then.
    const left = from.length === 2 ? ROWS : ['1 eu b', '2 eu a', '3 eu c', '4 us c']
    assert.deepEqual(await rows(), left)
  })
}

test('the key of a table of DMS changes within one batch: the new key counts, and what changed is said', async (t) => {
  const { grow, run, rows } = await follow(t, 'items')
  await grow(create(1, ['id']) + FIRST + SECOND(['id', 'r']))
  const { exitCode, stderr } = await run()
  assert.equal(exitCode, 0, stderr)
  assert.match(stderr.replaceAll('\\"', '"'), /The key of shop\.items was "id", and is now "id", "r"/)
  assert.deepEqual(await rows(), ROWS)
})
