import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { configFileSchema } from '../../src/commands/config-file-schema.ts'
import { readRunConfig } from '../../src/commands/run-config.ts'
import { RUN_OPTIONS } from '../../src/commands/run-options.ts'
import { runProgram } from '../support/processes/program.ts'

function fileOf(t: TestContext, yaml: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'relay.yaml')
  writeFileSync(path, yaml)
  return path
}

test('config check: a file that is well, with what has no effect', async (t) => {
  const file = fileOf(t, 'source: file:in.jsonl\nsink: pglite:data\nexclude: [secret]\npoll-interval: 5s\n')
  const { code, stdout, stderr } = await runProgram(['config', 'check', file], { cwd: tmpdir() })
  assert.deepEqual([code, stdout], [0, `${file}: nothing is wrong with it\n`], stderr)
  assert.match(stderr, /--poll-interval \(in .*\) has no effect here/)
})

test('config check: every problem in one message, and no password', async (t) => {
  const file = fileOf(
    t,
    'source: file:in.jsonl\nsink: postgresql://u:hidden-word@h/d\nmodes: append\nmode: both\nbatch-records: 0\n',
  )
  const { code, stdout, stderr } = await runProgram(['config', 'check', file], { cwd: tmpdir() })
  assert.deepEqual([code, stdout], [2, ''])
  for (const words of [
    /3 problems/,
    /modes is not an option \(did you mean mode\?\)/,
    /--mode must be mirror or append/,
    /--batch-records/,
  ])
    assert.match(stderr, words)
  assert.ok(!stderr.includes('hidden-word'), stderr)
})

test('config check: options behind it count, as for a run', async (t) => {
  const file = fileOf(t, 'sink: jsonl:out\n')
  assert.match((await runProgram(['config', 'check', file], { cwd: tmpdir() })).stderr, /--source is missing/)
  assert.equal((await runProgram(['config', 'check', file, '--source', 'file:in'], { cwd: tmpdir() })).code, 0)
})

test('config: anything else is refused with what there is', async () => {
  for (const words of [[], ['check'], ['schema', 'x'], ['check', 'a', 'b'], ['lint']]) {
    const { code, stderr } = await runProgram(['config', ...words], { cwd: tmpdir() })
    assert.equal(code, 2, words.join(' '))
    assert.match(stderr, /config check FILE`, or `cdc-relay config schema/)
  }
})

interface Schema {
  readonly properties: Readonly<
    Record<string, { readonly type?: string | string[]; readonly enum?: string[]; readonly description: string }>
  >
}

test('the schema has each option of a file, with what it takes', async (t) => {
  const { properties } = configFileSchema() as Schema
  assert.deepEqual(
    Object.keys(properties),
    Object.keys(RUN_OPTIONS).filter((name) => name !== 'config'),
  )
  assert.deepEqual(properties.mode!.enum, ['mirror', 'append'])
  // Of each that lists its values: those are taken, and no other.
  const base = { source: 'orders', sink: 'postgresql://u@h/d' }
  for (const [name, { enum: values }] of Object.entries(properties)) {
    if (values === undefined) continue
    const isTaken = async (value: string): Promise<boolean> => {
      const file = fileOf(t, JSON.stringify({ ...base, [name]: value }))
      const problem = await readRunConfig({ config: file }, {}).then(() => '', String)
      return !problem.includes(`--${name} must be`)
    }
    for (const value of values) assert.ok(await isTaken(value), `${name}: ${value}`)
    assert.ok(!(await isTaken('none of them')), name)
  }
  assert.ok(Object.values(properties).filter(({ enum: values }) => values !== undefined).length > 10)
})
