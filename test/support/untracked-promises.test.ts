import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const { NODE_TEST_CONTEXT: _, ...ENVIRONMENT } = process.env

/** Runs statements, of which some may define tests, as a file of tests with promises left out. */
function run(statements: string): { status: number | null; stdout: string } {
  const code = `import { test } from 'node:test'; import { executionAsyncId } from 'node:async_hooks'; ${statements}`
  const flags = ['--import', new URL('untracked-promises.ts', import.meta.url).href, '--test-reporter=tap']
  const { status, stdout } = spawnSync(process.execPath, [...flags, '--input-type=module', '--eval', code], {
    env: ENVIRONMENT,
    encoding: 'utf8',
  })
  return { status, stdout }
}

test('behind an await nothing is followed', () => {
  const { status, stdout } = run(
    `test('one', async (t) => { await Promise.resolve(); t.diagnostic('follows ' + executionAsyncId()) })`,
  )
  assert.equal(status, 0, stdout)
  assert.match(stdout, /^# follows 0$/m)
})

for (const [what, statement] of [
  ['a promise that is rejected', `void Promise.reject(new Error('nobody hears this'))`],
  ['a timer that throws', `setTimeout(() => { throw new Error('nobody hears this') })`],
] as const) {
  test(`${what} behind an await still fails the file, with its message`, () => {
    const { status, stdout } = run(
      `test('one', async () => { await Promise.resolve(); ${statement}; await new Promise((resolve) => setTimeout(resolve, 20)) })`,
    )
    assert.equal(status, 1, stdout)
    assert.match(stdout, /Error: nobody hears this/)
  })
}
