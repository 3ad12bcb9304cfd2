import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { PROGRAM } from '../../support/processes/program-path.ts'
import { order, scene } from './scene.ts'

/** util-linux's, which gives a program a terminal. */
const hasScript = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0
const skip = hasScript ? false : 'there is no `script` of util-linux here'

test('on a terminal it shows tables, and asks before anything moves', { skip }, async (t) => {
  const kept = ['--sink', 'jsonl:changes.jsonl', '--state', 'file:state.json']
  const options = [...kept, '--name', 'orders']
  const { kinesis, folder, drain, status } = await scene(t, () => kept)
  const [shard] = kinesis.open(1) as [string]
  const [sequence] = kinesis.put(shard, [order(1)])
  await drain()

  const shown = await onTerminal(folder, ['status', ...options], '')
  assert.match(shown.said, new RegExp(`│ ${shard} │ .* │ ${sequence} +│`))
  assert.match(shown.said, /^orders: not running; process \d+ on /)

  const rewind = ['positions', 'rewind', ...options, '--to', 'earliest']
  for (const [answer, exitCode] of [
    ['no\n', 2],
    ['\x04', 2],
    ['\x03', 130],
  ] as const) {
    const asked = await onTerminal(folder, rewind, answer)
    assert.equal(asked.exitCode, exitCode, asked.said)
    assert.match(asked.said, new RegExp(`│ ${shard} │ behind ${sequence} of .* │ nowhere +│ begins again │`))
    assert.match(asked.said, /MIND: each change that is read again is written once more/)
    assert.equal((await status()).shards.length, 1, JSON.stringify(answer))
  }
  const done = await onTerminal(folder, rewind, 'yes\n')
  assert.equal(done.exitCode, 0, done.said)
  assert.match(done.said, /Done\.\s*$/)
  assert.deepEqual((await status()).shards, [])
  const nothing = await onTerminal(folder, rewind, '')
  assert.deepEqual([nothing.exitCode, /nothing to move/.test(nothing.said)], [0, true], nothing.said)
})

/** Runs the program on a terminal of its own. @param answer typed once it asks */
async function onTerminal(cwd: string, args: readonly string[], answer: string) {
  const words = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', `stty -echo cols 200; exec ${words}`, '/dev/null'], { cwd, stdio: 'pipe' })
  let said = ''
  child.stdout.on('data', (bytes) => {
    said += bytes
    if (answer !== '' && /Do it\? \(yes\/no\) $/.test(said)) child.stdin.write(answer)
  })
  const [exitCode] = await once(child, 'close')
  return { exitCode: exitCode as number, said }
}
