import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, afterEach, type TestContext, test } from 'node:test'
import type { Claim, Stored } from '../../src/batch.ts'
import { type FailureCode, RelayError } from '../../src/errors.ts'
import { type Log, SILENT } from '../../src/observe/log.ts'
import { type Position, type Positions, SHARD_END } from '../../src/position.ts'
import { type DynamodbStateOptions, dynamodbStateStore } from '../../src/state/dynamodb.ts'
import type { StateStore } from '../../src/state/store.ts'
import { withoutSettings } from '../../src/state/stored.ts'
import { progress } from '../support/changes.ts'
import { startDynalite } from '../support/dynalite.ts'
import { anySeed, seededRandom } from '../support/life/random.ts'
import { startNode } from '../support/processes/node-process.ts'
import { describeStateStore, type StateMemory } from './conformance.ts'

const dynamodb = await startDynalite()
after(() => dynamodb.close())
afterEach(() => dynamodb.script(undefined))

let tables = 0

async function emptyTable(): Promise<string> {
  const table = `state-${++tables}`
  await dynamodb.createTable(table, 'relay', 'item')
  return table
}

/** A holder that lives says so often enough to be recognised at once. */
const openStore = (table: string, options: Partial<DynamodbStateOptions> = {}): StateStore =>
  dynamodbStateStore({ table, endpointUrl: dynamodb.endpoint, heartbeatMs: 50, log: SILENT, ...options })

describeStateStore('dynamodb', async (): Promise<StateMemory> => {
  const table = await emptyTable()
  return {
    store: () => openStore(table),
    backup: () => backup(table),
    size: async () => JSON.stringify(await dynamodb.items(table)).length,
    async close() {},
  }
})

/** The function puts the items back and removes all others. */
async function backup(table: string): Promise<() => Promise<void>> {
  const items = await dynamodb.items(table)
  return async () => {
    for (const { relay, item } of await dynamodb.items(table))
      await dynamodb.remove(table, { relay: relay!, item: item! })
    for (const item of items) await dynamodb.put(table, item)
  }
}

test('dynamodb: killed while it moves, it leaves what it stored last, to the next relay once its heartbeat is old', async (t) => {
  const { table, store } = await place(t)
  const mover = startNode(import.meta.resolve('./move-dynamodb.ts'), [dynamodb.endpoint, table, '1000000'])
  t.after(() => mover.kill())
  let said = 0
  for await (const line of mover.lines) {
    said = Number(line)
    if (said >= 20) break
  }
  await assert.rejects(store().claim(CLAIM, signal()), code('STATE_HELD', `process ${mover.child.pid} on`))
  await mover.kill()

  const { positions, facts } = await store({ now: inOneMinute }).claim(CLAIM, signal())
  const stored = Number(positions.get('a')?.sequence)
  assert.ok(stored >= said, `stands at ${stored}, but had said that ${said} is stored`)
  assert.equal(facts.get('how far'), String(stored))
})

test('dynamodb: a process with a claim ends by itself', async (t) => {
  const { table } = await place(t)
  const mover = startNode(import.meta.resolve('./move-dynamodb.ts'), [dynamodb.endpoint, table, '1'])
  t.after(() => mover.kill())
  assert.deepEqual(await once(mover.child, 'exit'), [0, null])
})

test('dynamodb: a holder that was only slow stops, names the relay that took its name, and changes nothing', async (t) => {
  const { store } = await place(t)
  const slow = store({ heartbeatMs: 1_000_000 })
  await slow.claim(CLAIM, signal())
  await slow.move(progress(at('5')), signal())
  const next = store({ now: inOneMinute })
  assert.deepEqual((await next.claim(CLAIM, signal())).positions, at('5'))
  await assert.rejects(slow.move(progress(at('6')), signal()), code('STATE_HELD', `process ${process.pid} on`))
  await slow.close()
  assert.equal(await next.move(progress(at('7')), signal()), null)
  await next.close()
  assert.deepEqual((await store().claim(CLAIM, signal())).positions, at('7'))
})

test('dynamodb: of three that find a name of the dead at the same time, one gets it', async (t) => {
  const { store } = await place(t)
  await store({ heartbeatMs: 1_000_000 }).claim(CLAIM, signal())
  const claims = [1, 2, 3].map(() => store({ now: inOneMinute }).claim(CLAIM, signal()))
  const ends = await Promise.allSettled(claims)
  const refused = ends.filter((end) => end.status === 'rejected')
  assert.equal(refused.length, 2)
  for (const { reason } of refused) code('STATE_HELD')(reason)
})

test('dynamodb: a relay that waits for a name says so once, and stops when its signal aborts', async (t) => {
  const { store } = await place(t)
  await store({ heartbeatMs: 1_000_000 }).claim(CLAIM, signal())
  const stop = new AbortController()
  const said: string[] = []
  const log: Log = {
    ...SILENT,
    info(_, message) {
      said.push(message)
    },
  }
  let looks = 0
  dynamodb.script((operation) => {
    if (operation === 'GetItem' && ++looks === 3) stop.abort()
    return undefined
  })
  await assert.rejects(store({ log }).claim(CLAIM, stop.signal), { name: 'AbortError' })
  assert.equal(said.length, 1)
  assert.match(said[0]!, new RegExp(`process ${process.pid} on .* last heard of 20`))
})

test('dynamodb: requests and answers are lost, and nothing else', async (t) => {
  const { table, store } = await place(t)
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const random = seededRandom(seed)
  const lost = new Set<string>()
  dynamodb.script((operation) => {
    const isFirst = !lost.has(operation)
    if (!isFirst && random.chance(0.1)) return 'cut'
    if (!isFirst && !random.chance(0.3)) return undefined
    lost.add(operation)
    return 'lose answer'
  })
  const MOVES = 12
  const only = store({ heartbeatMs: 1_000_000 })
  const first = at('0', 'b')
  const claim = { ...CLAIM, firstPositions: async () => first }
  assert.deepEqual(withoutSettings(await again(() => only.claim(claim, signal()))), { positions: first, facts: NONE })
  for (let n = 1; n <= MOVES; n++) {
    // So large that it is more than the head holds twice.
    const facts = new Map([[`fact ${n}`, String(n).repeat(35_000)]])
    assert.equal(await again(() => only.move(progress(at(String(n)), facts), signal())), null)
  }
  await only.close()
  dynamodb.script(undefined)
  assert.deepEqual([...lost].sort(), ['DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'])

  const { positions, facts } = await store({ now: inOneMinute }).claim(CLAIM, signal())
  assert.deepEqual(positions, new Map([...first, ...at(String(MOVES))]))
  assert.deepEqual(
    [...facts.keys()],
    Array.from({ length: MOVES }, (_, i) => `fact ${i + 1}`),
  )
  await assertNoStrayPages(table)
})

test('dynamodb: a move after another one whose answer was lost is added to it', async (t) => {
  const { store } = await place(t)
  const only = store({ heartbeatMs: 1_000_000 })
  await only.claim(CLAIM, signal())
  dynamodb.script(() => 'lose answer')
  await assert.rejects(only.move(progress(at('5'), new Map([['a', '1']])), signal()), code('STATE_UNREACHABLE'))
  dynamodb.script(undefined)
  assert.equal(await only.move(progress(at('1', 'b'), new Map([['b', '2']])), signal()), null)
  await only.close()
  assert.deepEqual(withoutSettings(await store().claim(CLAIM, signal())), {
    positions: new Map([...at('5'), ...at('1', 'b')]),
    facts: new Map([
      ['a', '1'],
      ['b', '2'],
    ]),
  })
})

test('dynamodb: the answer to the new claim on a restored table is lost: still a rewind, not another holder', async (t) => {
  const { table, store } = await place(t)
  const only = store({ heartbeatMs: 1_000_000 })
  await only.claim(CLAIM, signal())
  await only.move(progress(at('5')), signal())
  const restore = await backup(table)
  await only.move(progress(at('6')), signal())
  await restore()
  let updates = 0
  // The first is the move itself.
  dynamodb.script((operation) => (operation === 'UpdateItem' && ++updates === 2 ? 'lose answer' : undefined))
  await assert.rejects(only.move(progress(at('7')), signal()), code('STATE_UNREACHABLE'))
  assert.deepEqual((await only.move(progress(at('7')), signal()))?.positions, at('5'))
  assert.equal(await only.move(progress(at('6')), signal()), null)
})

test('dynamodb: 500 shards', async (t) => {
  const { table, store } = await place(t)
  const only = store()
  assert.deepEqual(
    (await only.claim({ ...CLAIM, firstPositions: async () => shards(500, 1) }, signal())).positions,
    shards(500, 1),
  )
  for (let n = 2; n <= 20; n++) assert.equal(await only.move(progress(shards(500, n)), signal()), null)
  await only.close()
  assert.deepEqual((await store().claim(CLAIM, signal())).positions, shards(500, 20))
  assert.equal((await dynamodb.items(table)).length, 1)
})

test('dynamodb: 5000 shards, more than an item holds, restored and again', async (t) => {
  const { table, store } = await place(t)
  const only = store()
  await only.claim({ ...CLAIM, firstPositions: async () => shards(5000, 1) }, signal())
  assert.equal(await only.move(progress(shards(5000, 2)), signal()), null)
  assert.equal(await only.move(progress(shards(3, 3)), signal()), null)
  const restore = await backup(table)
  assert.equal(await only.move(progress(shards(5000, 4)), signal()), null)
  await restore()

  const old = new Map([...shards(5000, 2), ...shards(3, 3)])
  assert.deepEqual((await only.move(progress(shards(1, 5)), signal()))?.positions, old)
  assert.equal(await only.move(progress(shards(1, 4)), signal()), null)
  await only.close()
  assert.deepEqual((await store().claim(CLAIM, signal())).positions, new Map([...old, ...shards(1, 4)]))
  await assertNoStrayPages(table)
})

test('dynamodb: 10,000 shards that come and go, more at a time than an item holds', async (t) => {
  const { table, store } = await place(t)
  const only = store()
  const generation = (n: number): Positions =>
    new Map(n < 0 || n > 3 ? [] : [...shards(2500, 1)].map(([shard, position]) => [`${n} ${shard}`, position]))
  const ended = (n: number): Positions =>
    new Map([...generation(n)].map(([shard, position]) => [shard, { ...position, sequence: SHARD_END }]))
  await only.claim(CLAIM, signal())
  const sizes: number[] = []
  for (let n = 0; n < 6; n++) {
    const moves = new Map([...generation(n), ...ended(n - 1), ...at(String(n))])
    assert.equal(await only.move(progress(moves, NONE, [...generation(n - 2).keys()]), signal()), null)
    await assertNoStrayPages(table)
    sizes.push(JSON.stringify(await dynamodb.items(table)).length)
  }
  assert.ok(Math.max(...sizes) <= 2 * sizes[1]!, `stored: ${sizes}`)
  // What is left needs no page.
  assert.equal((await dynamodb.items(table)).length, 1)
  await only.close()
  assert.deepEqual(withoutSettings(await store().claim(CLAIM, signal())), { positions: at('5'), facts: NONE })
})

test('dynamodb: a shard that pages hold is forgotten with them or not at all', async (t) => {
  const { table, store } = await place(t)
  const only = store()
  await only.claim({ ...CLAIM, firstPositions: async () => shards(5000, 1) }, signal())
  const [first] = shards(1, 1).keys()
  await only.move(progress(new Map([[first!, { sequence: SHARD_END, arrivedAt: null, caughtUpAt: null }]])), signal())
  const before = (await store({ now: inOneMinute }).claim({ ...CLAIM, takeOver: true }, signal())).positions
  const next = store()
  await next.claim({ ...CLAIM, takeOver: true }, signal())
  dynamodb.script((operation) => (operation === 'UpdateItem' ? 'cut' : undefined))
  await assert.rejects(next.move(progress(new Map(), NONE, [first!]), signal()), code('STATE_UNREACHABLE'))
  dynamodb.script(undefined)
  assert.deepEqual((await store().claim({ ...CLAIM, takeOver: true }, signal())).positions, before)

  const last = store()
  await last.claim({ ...CLAIM, takeOver: true }, signal())
  dynamodb.script((operation) => (operation === 'UpdateItem' ? 'lose answer' : undefined))
  await assert.rejects(last.move(progress(new Map(), NONE, [first!]), signal()), code('STATE_UNREACHABLE'))
  dynamodb.script(undefined)
  assert.equal(await last.move(progress(new Map(), NONE, [first!]), signal()), null)
  await last.close()
  const left = new Map([...before].filter(([shard]) => shard !== first))
  assert.deepEqual((await store().claim(CLAIM, signal())).positions, left)
  await assertNoStrayPages(table)
})

test('dynamodb: stopped between the pages and the head, it stands where it stood', async (t) => {
  const { table, store } = await place(t)
  const only = store()
  await only.claim({ ...CLAIM, firstPositions: async () => shards(5000, 1) }, signal())
  const before = await dynamodb.items(table)
  dynamodb.script((operation) => (operation === 'UpdateItem' ? 'cut' : undefined))
  await assert.rejects(only.move(progress(shards(5000, 2)), signal()), code('STATE_UNREACHABLE'))
  await only.close()
  dynamodb.script(undefined)
  assert.ok((await dynamodb.items(table)).length > before.length, 'no pages were written')
  assert.deepEqual((await store({ now: inOneMinute }).claim(CLAIM, signal())).positions, shards(5000, 1))
  await assertNoStrayPages(table)
})

test('dynamodb: a name that cannot be given up is reported', async (t) => {
  const { store } = await place(t)
  const said: object[] = []
  const only = store({ log: { ...SILENT, warn: (fields) => void said.push(fields) } })
  await only.claim(CLAIM, signal())
  dynamodb.script(() => 'cut')
  await only.close()
  assert.deepEqual(
    said.map((fields) => (fields as { code?: string }).code),
    ['STATE_UNREACHABLE'],
  )
})

test('dynamodb: a table that is missing, or of other keys, comes with the command that makes it', async (t) => {
  const { store } = await place(t)
  await dynamodb.createTable('other-keys', 'pk', 'sk')
  for (const table of ['no-such-table', 'other-keys']) {
    const command = `create-table --table-name ${table} --billing-mode PAY_PER_REQUEST`
    await assert.rejects(store({ table }).claim(CLAIM, signal()), code('CONFIGURATION', command))
  }
  for (const table of ['', 'ab', 'a b', `${'x'.repeat(256)}`]) {
    assert.throws(() => openStore(table), code('CONFIGURATION', `"${table}"`))
  }
})

for (const [status, name, expected] of [
  [400, 'ProvisionedThroughputExceededException', 'STATE_THROTTLED'],
  [400, 'RequestLimitExceeded', 'STATE_THROTTLED'],
  [400, 'ThrottlingException', 'STATE_THROTTLED'],
  [500, 'InternalServerError', 'STATE_UNREACHABLE'],
  [400, 'ReplicatedWriteConflictException', 'STATE_UNREACHABLE'],
  [400, 'AccessDeniedException', 'STATE_DENIED'],
  [400, 'ValidationException', 'STATE_BROKEN'],
] as const) {
  test(`dynamodb: ${name} is ${expected}, and the move can be tried again`, async (t) => {
    const { table, store } = await place(t)
    const only = store()
    await only.claim(CLAIM, signal())
    dynamodb.script(() => ({ status, name }))
    await assert.rejects(only.move(progress(at('5')), signal()), code(expected, table))
    dynamodb.script(undefined)
    assert.equal(await only.move(progress(at('5')), signal()), null)
  })
}

test('dynamodb: a relay whose head is deleted begins again, and no other', async (t) => {
  const { table, store } = await place(t)
  const first = store()
  await first.claim(CLAIM, signal())
  await first.move(progress(at('5')), signal())
  const key = { relay: { S: 'orders' }, item: { S: 'head' } }
  const other = { ...CLAIM, relay: { ...CLAIM.relay, start: 'latest' } }
  await assert.rejects(
    store().claim(other, signal()),
    code('STATE_DIFFERS', `delete-item --table-name ${table} --key '${JSON.stringify(key)}'`),
  )
  await dynamodb.remove(table, key)
  await assert.rejects(first.move(progress(at('6')), signal()), code('STATE_REMOVED', 'orders'))
  assert.deepEqual((await store().claim(other, signal())).positions, NONE)
})

test('dynamodb: the state of a later version is refused, and stays as it is', async (t) => {
  const { table, store } = await place(t)
  const first = store()
  await first.claim(CLAIM, signal())
  await first.close()
  const [head] = await dynamodb.items(table)
  const later = { ...head!, format: { N: '2' }, 'what nobody knows yet': { S: 'something' } }
  await dynamodb.put(table, later)
  await assert.rejects(store().claim(CLAIM, signal()), {
    code: 'STATE_NEWER',
    message: /has version 2; this cdc-relay knows version 1\. Run the newer/,
  })
  assert.deepEqual(await dynamodb.items(table), [later])
})

test('dynamodb: what is no state is refused, and stays as it is', async (t) => {
  const { table, store } = await place(t)
  const first = store()
  await first.claim(CLAIM, signal())
  await first.move(progress(shards(5000, 1)), signal())
  await first.close()
  const items = await dynamodb.items(table)
  const head = items.find(({ item }) => item?.S === 'head')!
  const page = items.find(({ item }) => item?.S !== 'head')!
  const { owner: _, ...noOwner } = head
  for (const broken of [
    { ...head, recent: { S: '{' } },
    { ...head, recent: { S: '{"positions":[["a",5,null,null]],"lessons":[]}' } },
    { ...head, claim: { N: '1.5' } },
    { ...head, format: { N: '0' } },
    noOwner,
  ]) {
    await dynamodb.put(table, broken)
    await assert.rejects(store().claim(CLAIM, signal()), code('STATE_BROKEN', 'head'))
    assert.deepEqual(
      (await dynamodb.items(table)).find(({ item }) => item?.S === 'head'),
      broken,
    )
  }
  await dynamodb.put(table, head)
  await dynamodb.remove(table, { relay: page.relay!, item: page.item! })
  await assert.rejects(store().claim(CLAIM, signal()), code('STATE_BROKEN', page.item!.S))
})

const CLAIM: Claim = {
  relay: { name: 'orders', stream: { id: 'arn:s', created: 'then', retentionMs: null }, start: null, settings: {} },
  firstPositions: async () => new Map(),
  takeOver: false,
}

const NONE: Stored['facts'] = new Map()

const inOneMinute = (): number => Date.now() + 70_000

const at = (sequence: string, shard = 'a'): Map<string, Position> =>
  new Map([[shard, { sequence, arrivedAt: null, caughtUpAt: null }]])

/** As long as they get. */
const shards = (count: number, n: number): Positions =>
  new Map(
    Array.from({ length: count }, (_, i) => [
      `shardId-${String(i).padStart(12, '0')}`,
      { sequence: `${n}`.padStart(56, '4'), arrivedAt: 1_754_300_000_000 + n, caughtUpAt: 1_754_300_000_999 },
    ]),
  )

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

const code =
  (expected: FailureCode, words = '') =>
  (error: unknown): boolean => {
    assert.equal((error as { code?: unknown }).code, expected, String(error))
    assert.ok(String(error).includes(words), `${error} does not name ${words}`)
    return true
  }

/** As the relay does. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    assert.ok(tries < 1000, 'it does not get on')
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof RelayError && error.code === 'STATE_UNREACHABLE')) throw error
    }
  }
}

/** What the head does not list is gone. */
async function assertNoStrayPages(table: string): Promise<void> {
  const items = await dynamodb.items(table)
  const head = items.find(({ item }) => item?.S === 'head')
  const pages = items.map(({ item }) => item?.S).filter((item) => item !== 'head')
  assert.deepEqual(pages, JSON.parse(head?.pages?.S ?? '').sort())
}

interface Place {
  readonly table: string
  store(options?: Partial<DynamodbStateOptions>): StateStore
}

/** An empty table whose stores are closed at the end of the test. */
async function place(t: TestContext): Promise<Place> {
  const table = await emptyTable()
  const stores: StateStore[] = []
  t.after(async () => {
    dynamodb.script(undefined)
    for (const store of stores) await store.close()
  })
  const store = (options?: Partial<DynamodbStateOptions>): StateStore => {
    const one = openStore(table, options)
    stores.push(one)
    return one
  }
  return { table, store }
}
