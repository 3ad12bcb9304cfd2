import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeadLetter } from '../../src/change.ts'
import { sayDeadLetters } from '../../src/observe/dead-letters.ts'
import { put } from '../support/changes.ts'
import { listening } from './said.ts'

const refused = (id: string): DeadLetter => {
  const change = put(id, 1)
  return {
    kind: 'dead-letter',
    code: 'SINK_REFUSED',
    detail: 'SQLSTATE 22000',
    change,
    source: { ...change.source, sequence: id },
  }
}
const undecoded = (sequence: string): DeadLetter => ({
  kind: 'dead-letter',
  code: 'DECODE_NOT_JSON',
  detail: 'not JSON',
  raw: Buffer.from('secret'),
  source: { format: 'unknown', stream: 'changes', shard: 'a', sequence },
})

test('the first dead letter of a code and table is said at once, with its place and without what is in it', () => {
  const { log, said } = listening()
  sayDeadLetters(log, { nowMs: () => 0 }).written([refused('1'), undecoded('2'), refused('3')])
  const { stream, shard } = put('1', 1).source
  assert.deepEqual(said, [
    {
      level: 'warn',
      fields: { code: 'SINK_REFUSED', table: 'orders', stream, shard, sequence: '1', detail: 'SQLSTATE 22000' },
      message: 'A record became a dead letter',
    },
    {
      level: 'warn',
      fields: { code: 'DECODE_NOT_JSON', stream: 'changes', shard: 'a', sequence: '2', detail: 'not JSON' },
      message: 'A record became a dead letter',
    },
  ])
})

test('more of them are said at a falling rate, none is left out of the numbers, and the last are said at the end', () => {
  const { log, said } = listening()
  let nowMs = 0
  const news = sayDeadLetters(log, { nowMs: () => nowMs })
  for (let i = 0; i < 100; i++, nowMs += 100) news.written([undecoded(String(i)), undecoded(`${i}b`)])
  assert.equal(said.length, 4)
  nowMs += 1000
  news.say()
  assert.equal(said.length, 4, 'nothing is due')
  news.say(true)
  news.say(true)
  const counts = said.map(({ fields }) => [fields.sequence, fields.count ?? 1, fields.total ?? 1])
  assert.deepEqual(counts, [
    ['0', 1, 1],
    ['10b', 21, 22],
    ['30b', 40, 62],
    ['70b', 80, 142],
    ['99b', 58, 200],
  ])
})

test('what the target said is left out, unless it is asked for', () => {
  for (const showsValues of [false, true]) {
    const { log, said } = listening()
    sayDeadLetters(log, { showsValues }).written([{ ...refused('1'), said: () => 'secret-value' }])
    assert.equal(JSON.stringify(said).includes('secret-value'), showsValues)
  }
})

test('what was held back is said when it is due, also if nothing follows', () => {
  const { log, said } = listening()
  let nowMs = 0
  const news = sayDeadLetters(log, { nowMs: () => nowMs })
  news.written([undecoded('1'), undecoded('2')])
  nowMs = 1000
  news.say()
  assert.deepEqual(
    said.map(({ fields }) => fields.count),
    [undefined, 1],
  )
})
