import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fields, LEVELS, type Log } from '../../src/observe/log.ts'
import { type LogStyle, reporter } from '../../src/observe/reporter.ts'
import { terminal } from './terminal.ts'

async function linesOf(style: LogStyle, say: (log: Log) => void): Promise<string[]> {
  const { stream, text } = terminal(false)
  say((await reporter(stream, (word) => word.replaceAll('hidden', '***'), style)).log)
  return text().split('\n').slice(0, -1)
}

const sayAll = (log: Log): void => {
  for (const level of LEVELS) log[level]({ code: 'PROGRESS', level_of: level }, level)
}

test('a line of JSON names its level, and has each of its own names once', async () => {
  const [line] = await linesOf({ format: 'json' }, (log) =>
    log.warn({ code: 'TABLE_PARKED', table: 'a' }, 'a "hidden" word'),
  )
  const { time, ...rest } = JSON.parse(line!) as Record<string, unknown>
  assert.deepEqual(rest, { level: 'warn', code: 'TABLE_PARKED', table: 'a', msg: 'a "***" word' })
  assert.match(String(time), /^20\d\d-.*Z$/)
  const names = [...line!.matchAll(/"(\w+)":/g)].map(([, name]) => name)
  assert.equal(new Set(names).size, names.length, line)
})

for (const level of LEVELS) {
  for (const format of ['json', 'logfmt', 'pretty'] as const) {
    test(`${format} of level ${level}: what is less important is left out`, async () => {
      const lines = await linesOf({ format, level }, sayAll)
      assert.equal(lines.length, LEVELS.indexOf(level) + 1, lines.join('\n'))
      assert.match(lines.at(-1)!, new RegExp(level))
    })
  }
}

const fields: Fields = {
  code: 'READS',
  plain: 'shard-0',
  'odd name': 'x',
  spaced: 'two words',
  quoted: 'a"b=c',
  empty: '',
  line: 'a\nb',
  list: ['a', 1],
  none: null,
  left: undefined,
}

test('logfmt: one line whatever is said, and what needs quotes has them', async () => {
  const [line, ...more] = await linesOf({ format: 'logfmt' }, (log) => log.info(fields, 'it begins\nhere'))
  assert.deepEqual(more, [])
  const [, rest] = /^time=20\S+Z (.*)$/.exec(line!)!
  assert.equal(
    rest,
    'level=info code=READS plain=shard-0 odd_name=x spaced="two words" quoted="a\\"b=c" empty="" line="a\\nb" list="[\\"a\\",1]" none=null msg="it begins\\nhere"',
  )
})

test('for people, a code is said where it is a failure that the message does not name', async () => {
  const lines = await linesOf({ format: 'pretty' }, (log) => {
    log.info({ code: 'TABLE_MADE', table: 'a' }, 'Made a table')
    log.warn({ code: 'SINK_BUSY', attempts: 2 }, 'trying again')
    log.error({ code: 'SINK_BUSY' }, 'SINK_BUSY: no room')
  })
  assert.deepEqual(lines, [
    'Made a table (table a)',
    'warning: trying again (code SINK_BUSY, attempts 2)',
    'error: SINK_BUSY: no room',
  ])
})

test('a terminal can have lines of JSON, and then no live line', async () => {
  const { stream, text } = terminal(true)
  const { isTerminal, log } = await reporter(stream, (word) => word, { format: 'json' })
  assert.equal(isTerminal, false)
  log.info({ code: 'IDLE' }, 'idle')
  assert.equal((JSON.parse(text()) as { readonly code: string }).code, 'IDLE')
})
