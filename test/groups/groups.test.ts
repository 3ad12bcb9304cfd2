import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { entryOf, grouped } from './groups.ts'

test('each test file is in one group, or stands alone', () => {
  const { groups, alone } = grouped()
  const files = globSync('**/*.test.ts', { cwd: join(import.meta.dirname, '..'), exclude: ['**/node_modules'] })
  assert.equal([...groups.values()].flat().length + alone.length, files.length)
  assert.equal(new Set([...groups.values()].flat().concat(alone)).size, files.length)
})

test('what npm test leaves out, test:compat plays', () => {
  const top = join(import.meta.dirname, '../..')
  const listed = execFileSync(process.execPath, [join(import.meta.dirname, 'files.ts')], { cwd: top, encoding: 'utf8' })
  const left = grouped()
    .alone.map((file) => relative(top, file))
    .filter((file) => !listed.split('\n').includes(file))
  assert.deepEqual(left, ['test/e2e/http/page.test.ts'])
  assert.ok(readFileSync(join(top, '.ci/compat'), 'utf8').includes(left[0]!))
})

test('each group has a file that imports it, and no other', () => {
  const { groups } = grouped()
  for (const [group, files] of groups) {
    assert.ok(files.length > 0, `${group} is empty`)
    assert.ok(readFileSync(entryOf(group), 'utf8').includes(`importTests('${group}')`), group)
  }
  for (const entry of globSync('*.group.ts', { cwd: import.meta.dirname })) {
    assert.ok(groups.has(entry.replace('.group.ts', '')), `${entry} is of no group`)
    assert.ok(existsSync(join(import.meta.dirname, entry)))
  }
})
