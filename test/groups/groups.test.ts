import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { entryOf, grouped } from './groups.ts'

test('each test file is in one group, or stands alone', () => {
  const { groups, alone } = grouped()
  const files = globSync('**/*.test.ts', { cwd: join(import.meta.dirname, '..'), exclude: ['**/node_modules'] })
  assert.equal([...groups.values()].flat().length + alone.length, files.length)
  assert.equal(new Set([...groups.values()].flat().concat(alone)).size, files.length)
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
