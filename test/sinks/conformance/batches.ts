import assert from 'node:assert/strict'
import type { DeadLetter } from '../../../src/change.ts'
import { at, del, put } from '../../support/changes.ts'
import { rejection, totals } from './answers.ts'
import type { Suite } from './suite.ts'
import { signal } from './test-relay.ts'

/** A batch as a whole: what was refused of it, the one after it, and the end. */
export function describeBatches({ sink }: Suite): void {
  sink('dead letters are kept with the batch', async (relay) => {
    const source = { format: 'unknown', stream: 'changes', shard: 'shard-0', sequence: '1' } as const
    const raw = new Uint8Array([0, 255, 10])
    const letters: DeadLetter[] = [
      { kind: 'dead-letter', code: 'DECODE_NOT_TEXT', detail: 'not text', raw, source },
      { kind: 'dead-letter', code: 'TEXT_NUL', detail: 'a name "\0" and \ud800 \\u0000', raw, source },
      { kind: 'dead-letter', code: 'SINK_REFUSED', detail: 'too long', change: put('a\0', 1), source },
    ]
    await relay.batch({ changes: [], deadLetters: letters, positions: at({ 'shard-0': '1' }) })
    const found = await relay.deadLetters()
    assert.deepEqual(
      found.map(({ code, raw }) => ({ code, raw: raw === undefined ? null : [...raw] })),
      [
        { code: 'DECODE_NOT_TEXT', raw: [...raw] },
        { code: 'TEXT_NUL', raw: [...raw] },
        { code: 'SINK_REFUSED', raw: null },
      ],
    )
  })

  sink('a batch that is refused leaves nothing behind, and the next one is written', async (relay) => {
    if (!(await relay.refusesNul())) return
    await relay.write(put('a', 1))
    const failed = relay.write(put('b', 2), put('c', 2, { data: { secret: 'hunter2 \0' } }))
    const failure = await rejection(failed, 'SINK_REFUSED')
    assert.match(failure.message, /tables orders, changes 2, shards shard-0 from 2 to 2/)
    assert.doesNotMatch(`${failure.message} ${failure.stack} ${String(failure.cause)}`, /hunter2/)
    assert.deepEqual(await relay.write(put('d', 2)), one)
    assert.deepEqual((await relay.rows('orders')).map(({ key }) => key.id).sort(), ['a', 'd'])
  })

  sink('the next batch is prepared while one is written', async (relay) => {
    await relay.write(put('a', 1))
    const first = relay.prepare(put('a', 2), put('b', 2))
    const writing = first(signal())
    const second = relay.prepare(put('a', 3), del('b', 3), put('new', 1, { table: 'others' }))
    assert.deepEqual(totals(await writing), [2, 0])
    assert.deepEqual(totals(await second(signal())), [3, 0])
    assert.deepEqual(
      (await relay.rows('orders')).map(({ key, version }) => `${key.id}@${version}`),
      ['a@3'],
    )
  })

  sink('closing waits for a write, twice is fine, and so is closing what was never opened', async (relay) => {
    await relay.another().close()
    await relay.write(put('a', 1))
    const writing = relay.prepare(put('b', 1))(signal())
    await Promise.all([relay.close(), relay.close()])
    assert.deepEqual(totals(await writing), one)
    assert.equal((await relay.rows('orders')).length, 2)
  })
}
const one: [number, number] = [1, 0]
