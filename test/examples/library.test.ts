import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('the example of a sink of one’s own runs and tells both changes', async () => {
  const example = resolve(import.meta.dirname, '../../examples/library/own-sink.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [example])
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    'berths: insert {"berth":14,"port":"SEGOT"}',
    'berths: delete {"berth":14,"port":"SEGOT"}',
    '2 changes',
  ])
})
