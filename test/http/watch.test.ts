import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import type { DeadLetter } from '../../src/change.ts'
import { Events } from '../../src/http/watch/events.ts'
import { History } from '../../src/http/watch/history.ts'
import { LastLetters } from '../../src/http/watch/last-letters.ts'
import { LastWarnings } from '../../src/http/watch/last-warnings.ts'
import { Lag } from '../../src/observe/lag.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { listening } from '../observe/said.ts'

const batch = (deadLetters: readonly DeadLetter[] = []) => ({
  ...{ read: 0, bytes: 0, changes: [], deadLetters, skips: new Map<string, number>(), positions: new Map() },
})

const page = (shard: string, behindMs: number) => ({
  shard,
  records: [],
  end: { sequence: '1', arrivedAt: null, caughtUpAt: null },
  behindMs,
})

test('history: rates, lags and means of what came since the point before', () => {
  const [ledger, lag] = [new Ledger(), new Lag()]
  const history = new History(ledger, lag)
  history.tick(1000)
  assert.deepEqual(history.points, [])
  ledger.wrote(batch(), { kind: 'written', tables: new Map([['a', { applied: 10, superseded: 5 }]]) })
  history.batch({ changes: 15, bytes: 1, seconds: { wait: 0.1, write: 0.2 } })
  history.batch({ changes: 1, bytes: 1, seconds: { wait: 0.3, write: 0.4, commit: 0.1 } })
  lag.read(page('s', 1500))
  history.tick(6000)
  history.tick(11_000)
  assert.deepEqual(history.points, [
    {
      at: 6000,
      perSecond: { applied: 2, superseded: 1, skipped: 0, deadLettered: 0 },
      lag: { s: 1.5 },
      batch: { wait: 0.2, write: 0.3, commit: 0.05 },
    },
    { at: 11_000, perSecond: { applied: 0, superseded: 0, skipped: 0, deadLettered: 0 }, lag: { s: 1.5 }, batch: {} },
  ])
})

test('history: an hour and no more, and of many shards the worst', () => {
  const lag = new Lag()
  const history = new History(new Ledger(), lag)
  for (let i = 0; i < 20; i++) lag.read(page(`s${i}`, i * 1000))
  for (let i = 0; i <= 800; i++) history.tick(i * 5000)
  assert.equal(history.points.length, 720)
  assert.equal(history.points.at(-1)!.at, 4_000_000)
  const { lag: lags } = history.points.at(-1)!
  assert.equal(Object.keys(lags).length, 13)
  assert.equal(lags.other, 19)
})

test('warnings: the newest first, each once, with what to do; and nothing of their fields', () => {
  const { log, said } = listening()
  const warnings = new LastWarnings()
  const heard = warnings.of(log)
  heard.info({ code: 'IDLE' }, 'all is well')
  heard.warn({ code: 'SINK_BUSY', said: 'secret' }, 'Could not write')
  heard.error({ code: 'SINK_TABLE' }, 'Table a is parked')
  heard.warn({ code: 'SINK_BUSY', said: 'secret' }, 'Could not write')
  assert.equal(said.length, 4)
  assert.deepEqual(
    warnings.all.map(({ at: _, ...rest }) => rest),
    [
      {
        level: 'warning',
        code: 'SINK_BUSY',
        message: 'Could not write',
        help: 'The target is overloaded or a lock was not free. The relay tries again.',
        count: 2,
      },
      { level: 'error', code: 'SINK_TABLE', message: 'Table a is parked', help: null, count: 1 },
    ],
  )
  for (let i = 0; i < 100; i++) heard.warn({ code: 'WARNING' }, `${i}`)
  assert.equal(warnings.all.length, 50)
  assert.equal(warnings.all[0]!.message, '99')
})

test('dead letters: the last that came, as far as they may be shown', () => {
  const letters = new LastLetters()
  const letter = (sequence: string): DeadLetter =>
    ({
      kind: 'dead-letter',
      code: 'X',
      detail: 'why',
      raw: Buffer.from('secret'),
      source: { shard: 's', sequence },
      said: () => 'secret',
    }) as unknown as DeadLetter
  letters.wrote(batch([letter('1')]), { kind: 'written', tables: new Map(), refused: [letter('2')] })
  assert.deepEqual(
    letters.all.map(({ at: _, ...rest }) => rest),
    ['2', '1'].map((sequence) => ({ code: 'X', table: null, detail: 'why', shard: 's', sequence })),
  )
  letters.wrote(batch(Array.from({ length: 80 }, (_, i) => letter(`${i}`))), { kind: 'written', tables: new Map() })
  assert.equal(letters.all.length, 50)
  assert.equal(letters.all[0]!.sequence, '79')
})

/** A client, and what it was sent. */
function client(unsentBytes = 0) {
  const sent: string[] = []
  const response = Object.assign(new EventEmitter(), {
    writableLength: unsentBytes,
    write: (text: string) => sent.push(text),
    destroy: () => response.emit('close'),
    end: () => response.emit('close'),
  })
  return { response: response as unknown as ServerResponse, sent }
}

test('events: who comes gets all, who does not take it is let go, and nothing is made for nobody', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let made = 0
  const events = new Events({ first: () => ({ all: 1 }), state: () => ({ made: ++made }) }, (error) =>
    assert.fail(`${error}`),
  )
  t.mock.timers.tick(5000)
  assert.equal(made, 0)
  const [one, stuck] = [client(), client(5 * 1024 * 1024)]
  assert.ok(events.join(one.response) && events.join(stuck.response))
  assert.match(one.sent[0]!, /event: first\ndata: \{"all":1\}\n\nevent: state\ndata: \{"made":1\}\n\n$/)
  t.mock.timers.tick(1000)
  assert.equal(made, 3)
  assert.equal(stuck.sent.length, 1)
  events.point({ at: 7 })
  assert.equal(one.sent.at(-1), 'event: point\ndata: {"at":7}\n\n')
  for (let i = 1; i < 30; i++) assert.ok(events.join(client().response))
  assert.ok(!events.join(client().response))
  events.close()
  made = 0
  t.mock.timers.tick(5000)
  assert.equal(made, 0)
})

test('events: a state that cannot be made is told to the relay, and the next one comes', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const failures: unknown[] = []
  let made = 0
  const state = (): object => {
    if (++made === 2) throw new Error('broken')
    return { made }
  }
  const events = new Events({ first: () => ({}), state }, (error) => failures.push(error))
  const one = client()
  events.join(one.response)
  t.mock.timers.tick(2000)
  assert.deepEqual(failures.map(String), ['Error: broken'])
  assert.equal(one.sent.at(-1), 'event: state\ndata: {"made":3}\n\n')
  events.close()
})
