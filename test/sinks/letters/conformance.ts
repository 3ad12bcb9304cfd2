import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Binary, type Change, type DeadLetter, Numeric, recordToJson } from '../../../src/change.ts'
import { changeFromJson } from '../../../src/decode/change-json.ts'
import type { LetterFilter, LetterStore } from '../../../src/sinks/letter-store.ts'
import { canonicalJson, put, row } from '../../support/changes.ts'

/** A place that keeps dead letters, for a test. */
export interface LettersPlace {
  /** As the relay of that name does. */
  keep(relay: string, letters: readonly DeadLetter[]): Promise<void>
  open(relay: string): Promise<LetterStore>
}

export interface LettersSuite {
  /** False: letters of one batch are in no order; absent: they are in their order. */
  readonly hasOrder?: boolean
  /** Absent: it keeps no times. */
  readonly keepsTimes?: true
  readonly skip?: string | false
}

/** What every place that keeps dead letters must do. */
export function describeLetters(
  name: string,
  place: (t: TestContext) => Promise<LettersPlace>,
  { hasOrder = true, keepsTimes, skip = false }: LettersSuite = {},
): void {
  const suite = (title: string, work: (place: LettersPlace, t: TestContext) => Promise<void>): void =>
    void test(`${name}: ${title}`, { skip }, async (t) => work(await place(t), t))

  suite('letters are listed in their order, without values, a page at a time', async ({ keep, open }, t) => {
    await keep('relay', [raw('1'), refused(put('a', 7, { sequence: '2' }))])
    await keep('relay', [raw('3')])
    await keep('other', [raw('4')])
    const store = await opened(t, open)
    const first = await store.list({}, null, 2)
    const second = await store.list({}, first.next, 2)
    assert.deepEqual(
      [...first.letters, ...second.letters].map(({ source }) => source.sequence),
      hasOrder ? ['1', '2', '3'] : await sequencesOf(store, {}),
    )
    assert.equal(first.letters.length, 2)
    assert.equal(second.next, null)
    const { letters } = await store.list({}, null, 10)
    const [bytes, change] = ['1', '2'].map((sequence) => letters.find(({ source }) => source.sequence === sequence))
    assert.deepEqual(
      { ...bytes, id: '', recordedAt: null },
      {
        id: '',
        recordedAt: null,
        code: 'DECODE_NOT_JSON',
        detail: 'it is no JSON',
        table: null,
        version: null,
        source: { stream: 'changes', shard: 'shard-0', sequence: '1', subSequence: 3 },
        attempts: 0,
        triedAt: null,
        ...(keepsTimes && { raw: null, change: null, binary: [] }),
      },
    )
    assert.deepEqual([change!.table, change!.version, change!.source.eventId], ['orders', '7', 'event-7'])
    assert.equal(bytes!.recordedAt === null, keepsTimes === undefined)
    assert.equal(await store.knowsRelay(), true)
  })

  suite('letters are found by table, code, shard, id and all of them', async ({ keep, open }, t) => {
    await keep('relay', [
      raw('1'),
      refused(put('a', 7, { sequence: '2' })),
      refused(put('b', 8, { sequence: '3', table: { schema: 'shop', name: 'my table' }, shard: 'shard-1' })),
    ])
    const store = await opened(t, open)
    const found = async (filter: LetterFilter): Promise<string[]> => (await sequencesOf(store, filter)).sort()
    const { letters } = await store.list({}, null, 10)
    const second = letters.find(({ source }) => source.sequence === '2')
    assert.deepEqual(await found({ table: 'orders' }), ['2'])
    assert.deepEqual(await found({ table: 'shop."my table"' }), ['3'])
    assert.deepEqual(await found({ code: 'SINK_REFUSED' }), ['2', '3'])
    assert.deepEqual(await found({ shard: 'shard-1' }), ['3'])
    assert.deepEqual(await found({ ids: [second!.id] }), ['2'])
    assert.deepEqual(await found({ ids: [second!.id.slice(0, 12), 'no such', ''.padEnd(64, '9')] }), ['2'])
    assert.deepEqual(await found({ ids: [] }), [])
    if (second!.id.length > 8)
      assert.deepEqual(await found({ ids: [second!.id.slice(0, 7)] }), [], 'too short to name one')
    assert.deepEqual(await found({ code: 'SINK_REFUSED', shard: 'shard-0' }), ['2'])
    assert.deepEqual(await found({ code: "it's; --" }), [])
  })

  suite('values are read as they were: bytes, all digits, binary', async ({ keep, open }, t) => {
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i)
    const digits = '12345678901234567890123456789012345.678'
    const data = {
      number: new Numeric(digits),
      blob: Binary.fromBase64Text('AP8='),
      list: ['AP8=', Binary.fromBase64Text('AAE='), row({ inner: Binary.fromBase64Text('AAI=') })],
      text: 'AP8=',
    }
    const change = put(Binary.fromBase64Text('AAM='), 7, { data })
    await keep('relay', [raw('1', bytes), refused(change)])
    const store = await opened(t, open)
    const { letters } = await store.read({}, null, 10)
    const first = letters.find(({ raw }) => raw !== null)
    const second = letters.find(({ change }) => change !== null)
    assert.deepEqual([Buffer.from(first!.raw!), first!.change], [Buffer.from(bytes), null])
    assert.equal(second!.raw, null)
    assert.equal(canonicalJson(second!.change!), canonicalJson(recordToJson(change)))
    const read = changeFromJson(second!.change!, second!.binary)
    assert.deepEqual({ ...read.after! }, { ...change.after! })
    assert.deepEqual({ ...read.key! }, { ...change.key! })
    assert.ok(read.key!.id instanceof Binary && read.after!.number instanceof Numeric)
  })

  suite('a letter goes once, and one that is not there is no harm', async ({ keep, open }, t) => {
    await keep(
      'relay',
      ['1', '2', '3'].map((sequence) => raw(sequence)),
    )
    await keep('other', [raw('1')])
    const store = await opened(t, open)
    const { letters } = await store.list({}, null, 10)
    const [first, second, third] = letters
    assert.equal(await store.remove([first!.id, second!.id]), 2)
    assert.equal(await store.remove([first!.id]), 0)
    assert.equal(await store.remove([]), 0)
    const left = [third!.source.sequence]
    assert.deepEqual(await sequencesOf(store, {}), left)
    await store.close()
    assert.deepEqual(await sequencesOf(await opened(t, open), {}), left)
    assert.deepEqual(await sequencesOf(await opened(t, open, 'other'), {}), ['1'])
  })

  suite('a page begins where the one before ended, whatever is let go meanwhile', async ({ keep, open }, t) => {
    await keep(
      'relay',
      ['1', '2', '3', '4'].map((sequence) => raw(sequence)),
    )
    const store = await opened(t, open)
    const first = await store.list({}, null, 2)
    await store.remove(first.letters.map(({ id }) => id))
    await store.close()
    const again = await opened(t, open)
    const second = await again.list({}, first.next, 2)
    assert.equal(second.letters.length, 2)
    assert.deepEqual(second.letters, (await again.list({}, null, 10)).letters)
  })

  suite('letters that come later are behind those that are there', async ({ keep, open }, t) => {
    await keep('relay', [raw('1'), raw('2')])
    const store = await opened(t, open)
    const [first] = (await store.list({}, null, 10)).letters
    await store.remove([first!.id])
    await keep('relay', [raw('3')])
    await store.close()
    assert.deepEqual(await sequencesOf(await opened(t, open), {}), [first!.source.sequence === '1' ? '2' : '1', '3'])
  })

  if (keepsTimes) {
    suite('letters are found by their time', async ({ keep, open }, t) => {
      await keep('relay', [raw('1')])
      const store = await opened(t, open)
      const [letter] = (await store.list({}, null, 10)).letters
      const ms = Date.parse(letter!.recordedAt!)
      const count = async (filter: LetterFilter): Promise<number> => (await store.list(filter, null, 10)).letters.length
      assert.deepEqual(
        [
          await count({ sinceMs: ms - 1 }),
          await count({ sinceMs: ms + 1 }),
          await count({ untilMs: ms + 1 }),
          await count({ untilMs: ms - 1 }),
        ],
        [1, 0, 1, 0],
      )
    })
  }
}

const sequencesOf = async (store: LetterStore, filter: LetterFilter): Promise<string[]> =>
  (await store.list(filter, null, 10)).letters.map(({ source }) => source.sequence)

async function opened(t: TestContext, open: LettersPlace['open'], relay = 'relay'): Promise<LetterStore> {
  const store = await open(relay)
  t.after(() => store.close())
  return store
}

export const raw = (sequence: string, bytes: Uint8Array = Buffer.from('no record')): DeadLetter => ({
  kind: 'dead-letter',
  code: 'DECODE_NOT_JSON',
  detail: 'it is no JSON',
  raw: bytes,
  source: { format: 'unknown', stream: 'changes', shard: 'shard-0', sequence, subSequence: 3 },
})

export const refused = (change: Change, detail = 'it does not fit'): DeadLetter => ({
  kind: 'dead-letter',
  code: 'SINK_REFUSED',
  detail,
  change,
  source: change.source,
})
