import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { LOG_CODES } from '../../src/observe/log-codes.ts'
import { logsPage } from './logs-page.ts'

const ROOT = new URL('../../', import.meta.url)

test('docs/logs.md says what src/observe/log-codes.ts says; else: npm run docs:logs', () => {
  assert.equal(readFileSync(new URL('docs/logs.md', ROOT), 'utf8'), logsPage())
})

test('each code is one that some line of the log has', () => {
  const used = execFileSync('grep', ['-rhoE', "'[A-Z_]{4,}'", 'src', '--include=*.ts', '--exclude=log-codes.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  const names = new Set(used.split('\n').map((name) => name.slice(1, -1)))
  assert.deepEqual(
    Object.keys(LOG_CODES).filter((code) => !names.has(code)),
    [],
  )
})
