import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

/** The lines that an example says. */
async function linesOf(example: string, ...args: readonly string[]): Promise<string[]> {
  const path = resolve(import.meta.dirname, '../../examples/library', example)
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...args])
  return stdout.split('\n').slice(0, -1)
}

test('the example of a sink of one’s own runs and tells both changes', async () => {
  assert.deepEqual(await linesOf('own-sink.ts'), [
    'berths: insert {"berth":14,"port":"SEGOT"}',
    'berths: delete {"berth":14,"port":"SEGOT"}',
    '2 changes',
  ])
})

test('the example of a stage of one’s own hides a column and leaves one out, in both images', async () => {
  const changes = (await linesOf('own-stage.ts')).map((line) => JSON.parse(line))
  const row = { berth: 14, port: 'SEGOT', depth: 'hidden' }
  assert.deepEqual(
    changes.map(({ before, after }) => [before, after]),
    [
      [null, row],
      [row, null],
    ],
  )
})

test('the example of a source of one’s own gives each line once, over two runs', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-'))
  t.after(() => rm(folder, { recursive: true }))
  const state = join(folder, 'state.json')
  const changes = (await linesOf('own-source.ts', state)).map((line) => JSON.parse(line))
  assert.deepEqual(
    changes.map(({ op, source }) => [op, source.shard, source.sequence]),
    [
      ['insert', 'lines', '1'],
      ['delete', 'lines', '2'],
    ],
  )
  assert.deepEqual(await linesOf('own-source.ts', state), [])
})
