import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { EXIT_CODES, FAILURES } from '../../src/errors.ts'
import { errorsPage } from './errors-page.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('docs/errors.md says what src/errors.ts says; else: npm run docs:errors', () => {
  const page = read('docs/errors.md')
  assert.equal(page, errorsPage())
  for (const [code, { means, help }] of Object.entries(FAILURES)) {
    const line = page.split('\n').find((text) => text.startsWith(`| \`${code}\` |`))
    assert.ok(line?.includes(means.replaceAll('|', '\\|')) && line.includes(help), code)
  }
})

test('the README has the same exit codes', () => {
  const rows = [...read('README.md').matchAll(/^\| (\d) +\| (.*?) +\|$/gm)].map(([, exit, meaning]) => [exit, meaning])
  assert.deepEqual(rows, Object.entries(EXIT_CODES))
})
