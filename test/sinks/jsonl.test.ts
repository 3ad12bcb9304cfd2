import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Batch, Claim, Facts, Rewound, Stored, Written } from '../../src/batch.ts'
import {
  Binary,
  type Change,
  type DeadLetter,
  Numeric,
  newRow,
  recordToJson,
  type StreamChange,
} from '../../src/change.ts'
import type { Log } from '../../src/observe/log.ts'
import type { Positions } from '../../src/position.ts'
import { type JsonlOptions, jsonlEmitter } from '../../src/sinks/jsonl.ts'
import type { Sink } from '../../src/sinks/sink.ts'
import { withState } from '../../src/sinks/with-state.ts'
import { fileStateStore } from '../../src/state/file.ts'
import type { StateStore } from '../../src/state/store.ts'
import { withoutSettings } from '../../src/state/stored.ts'
import { batchOf, createTable, dropTable, unclaimedOf } from '../support/changes.ts'
import { type NodeProcess, startNode } from '../support/processes/node-process.ts'

const CLAIM: Claim = {
  relay: { name: 'orders', stream: { id: 'arn:s', created: 'then', retentionMs: null }, start: null, settings: {} },
  firstPositions: async () => new Map(),
  takeOver: false,
}

const jsonlSink = ({ store, ...options }: JsonlOptions & { readonly store: StateStore | null }): Sink =>
  withState(jsonlEmitter(options), store)

const SOURCE = { format: 'dynamodb', stream: 's', shard: 'a', sequence: '1' } as const

function change(n: number, table = 'orders'): Change {
  const row = Object.assign(newRow(), {
    id: n,
    exact: new Numeric('9007199254740993'),
    bytes: new Binary([1, 2]),
    'ü\n': '\ud800',
  })
  return {
    kind: 'change',
    op: 'insert',
    table: { schema: null, name: table },
    key: Object.assign(newRow(), { id: n }),
    before: null,
    after: row,
    complete: true,
    version: '1754300000112233',
    time: '2025-08-04T09:33:20.112233Z',
    source: SOURCE,
  }
}

/** The line of `change(n)`, written out. */
const line = (n: number): string =>
  `{"kind":"change","op":"insert","table":{"schema":null,"name":"orders"},"key":{"id":${n}},"before":null,` +
  `"after":{"id":${n},"exact":9007199254740993,"bytes":"AQI=","ü\\n":"\\ud800"},"complete":true,"version":"1754300000112233",` +
  '"time":"2025-08-04T09:33:20.112233Z","source":{"format":"dynamodb","stream":"s","shard":"a","sequence":"1"}}\n'

const lines = (...numbers: number[]): string => numbers.map(line).join('')

const LETTER: DeadLetter = {
  kind: 'dead-letter',
  code: 'DECODE_NOT_JSON',
  detail: 'no',
  raw: Buffer.from('x'),
  source: SOURCE,
}

const at = (sequence: number): Positions =>
  new Map([['a', { sequence: String(sequence), arrivedAt: null, caughtUpAt: null }]])

const NONE: Facts = new Map()

const stored = (positions: Positions, facts: Facts = NONE): Stored => ({ positions, facts })

const batch = (changes: readonly StreamChange[], end: number, deadLetters: readonly DeadLetter[] = []): Batch =>
  batchOf({ changes, deadLetters, positions: at(end) })

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

/** What became of a batch; how long it took to store the positions is told, and nobody knows how long that is. */
function withoutTime(written: Written | Rewound): unknown {
  assert.ok(written.kind === 'written' && written.commitMs! >= 0)
  const { commitMs: _, ...rest } = written
  return rest
}

test('jsonl: each change is a line of the documented JSON, in order, and the counts add up', async (t) => {
  const { path, sink } = await place(t)
  const one = sink()
  assert.deepEqual(withoutSettings(await one.open(CLAIM, signal())), stored(new Map()))
  const written = await one.prepare(batch([change(1), change(2, 'a.b'), change(3)], 3))(signal())
  assert.deepEqual(withoutTime(written), {
    kind: 'written',
    tables: new Map([
      ['orders', { applied: 2, superseded: 0 }],
      ['"a.b"', { applied: 1, superseded: 0 }],
    ]),
  })
  assert.equal(await readFile(path, 'utf8'), line(1) + line(2).replace('"orders"', '"a.b"') + line(3))
  assert.deepEqual(withoutTime(await one.prepare(batch([], 4))(signal())), { kind: 'written', tables: new Map() })
  await one.close()
  await one.close()

  const again = sink()
  assert.deepEqual(withoutSettings(await again.open(CLAIM, signal())), stored(at(4)), 'the positions are kept')
  await again.prepare(batch([change(5)], 5))(signal())
  assert.equal((await readFile(path, 'utf8')).slice(-line(5).length), line(5), 'and the file is appended to')
})

test('jsonl: a schema change is a line among the changes, and is counted as applied of its table', async (t) => {
  const { path, sink } = await place(t)
  const one = sink()
  await one.open(CLAIM, signal())
  const [create, drop] = [createTable({ id: 'int64' }, 1, { sequence: '7' }), dropTable(2, { table: 'orders' })]
  assert.deepEqual(withoutTime(await one.prepare(batch([change(1), create, change(2), drop], 4))(signal())), {
    kind: 'written',
    tables: new Map([
      ['orders', { applied: 3, superseded: 0 }],
      ['shop.orders', { applied: 1, superseded: 0 }],
    ]),
  })
  const created =
    '{"kind":"schema","op":"create-table","table":{"schema":"shop","name":"orders"},' +
    '"columns":[{"name":"id","type":"int64","nullable":false}],"primaryKey":["id"],"version":"1","payload":null,' +
    '"source":{"format":"dms","stream":"changes","shard":"shard-0","sequence":"7"}}\n'
  assert.equal(await readFile(path, 'utf8'), `${line(1)}${created}${line(2)}${recordToJson(drop)}\n`)
})

test('jsonl: needs no keys, and knows of none', async (t) => {
  const { sink } = await place(t)
  const one = sink()
  await one.open(CLAIM, signal())
  assert.equal(one.needsKeys, false)
  assert.equal(await one.keyColumns({ schema: 'shop', name: 'orders' }), null)
})

test('jsonl: what is learned is kept with the positions; a restored state gives what it holds', async (t) => {
  const { state, sink } = await place(t)
  const one = sink()
  await one.open(CLAIM, signal())
  const [early, late] = [new Map([['table orders', '1']]), new Map([['table orders', '2']])]
  await one.prepare(batchOf({ positions: at(1), facts: early }))(signal())
  const backup = await readFile(state)
  await one.prepare(batchOf({ positions: at(2), facts: late }))(signal())
  await writeFile(state, backup)
  const expected = { kind: 'rewound', ...stored(at(1), early) }
  assert.deepEqual(await one.prepare(batchOf({ positions: at(3), facts: late }))(signal()), expected)
  await one.close()
  assert.deepEqual(withoutSettings(await sink().open(CLAIM, signal())), stored(at(1), early))
})

test('jsonl: dead letters go to a file of their own, made when there is one', async (t) => {
  const { path, deadLetters, sink } = await place(t)
  const one = sink()
  await one.open(CLAIM, signal())
  await one.prepare(batch([change(1)], 1))(signal())
  await assert.rejects(stat(deadLetters), { code: 'ENOENT' })
  await one.prepare(batch([change(2)], 2, [LETTER]))(signal())
  await one.prepare(batch([], 3, [LETTER]))(signal())
  assert.equal(await readFile(path, 'utf8'), lines(1, 2))
  assert.equal(await readFile(deadLetters, 'utf8'), `${recordToJson(LETTER)}\n`.repeat(2))
})

for (const [title, torn] of [
  ['one character', '{'],
  ['the beginning of a line', line(3).slice(0, 9)],
  ['all but the line end', line(3).slice(0, -1)],
  ['a line of many blocks', `{"kind":"change","x":"${'ü'.repeat(100_000)}`],
] as const) {
  test(`jsonl: a torn last line is cut off at the start: ${title}`, async (t) => {
    for (const whole of ['', lines(1, 2)]) {
      const { path, sink, warnings } = await place(t)
      await writeFile(path, whole + torn)
      const one = sink()
      await one.open(CLAIM, signal())
      assert.equal(await readFile(path, 'utf8'), whole)
      assert.deepEqual(warnings, [{ code: 'LINE_CUT', path, bytes: Buffer.byteLength(torn) }])
      await one.prepare(batch([change(3)], 3))(signal())
      assert.equal(await readFile(path, 'utf8'), whole + line(3))
    }
  })
}

test('jsonl: what ends like no file of a relay is refused and stays as it is', async (t) => {
  for (const text of ['precious', `${lines(1)}precious`, '{"kin d', `{"key":1}`]) {
    const { path, sink } = await place(t)
    await writeFile(path, text)
    await assert.rejects(sink().open(CLAIM, signal()), { code: 'CONFIGURATION', message: new RegExp(path) })
    assert.equal(await readFile(path, 'utf8'), text)
  }
})

test('jsonl: a path that cannot be written is reported at the start', async (t) => {
  const { folder, state } = await place(t)
  for (const path of [folder, join(folder, 'none', 'out.jsonl'), '/dev/null']) {
    const one = jsonlSink({ path, deadLetters: join(folder, 'letters'), store: fileStateStore(state), log: quiet([]) })
    await assert.rejects(one.open(CLAIM, signal()), { code: 'CONFIGURATION', message: new RegExp(path) })
    await one.close()
  }
})

test('jsonl: a file that another relay writes to is refused', async (t) => {
  const { path, folder, sink } = await place(t)
  await sink().open(CLAIM, signal())
  const other = jsonlSink({ path, deadLetters: '-', store: fileStateStore(join(folder, 'other')), log: quiet([]) })
  t.after(() => other.close())
  await assert.rejects(other.open(CLAIM, signal()), { code: 'CONFIGURATION', message: /Another process writes to/ })
})

test('jsonl: positions move after the changes are durable, and only once they are', async (t) => {
  const { path, deadLetters } = await place(t)
  const seen: string[] = []
  const store: StateStore = {
    claim: async () => stored(new Map()),
    look: async () => null,
    async move() {
      seen.push(await readFile(path, 'utf8'), await readFile(deadLetters, 'utf8'))
      return null
    },
    close: async () => {},
  }
  const one = jsonlSink({ path, deadLetters, store, log: quiet([]) })
  t.after(() => one.close())
  await one.open(CLAIM, signal())
  const write = one.prepare(batch([change(1)], 1, [LETTER]))
  assert.deepEqual(seen, [])
  await write(signal())
  assert.deepEqual(seen, [line(1), `${recordToJson(LETTER)}\n`])
})

test('jsonl: trying again after the positions could not be stored writes nothing twice', async (t) => {
  const { path, deadLetters } = await place(t)
  let failures = 2
  const store: StateStore = {
    claim: async () => stored(new Map()),
    look: async () => null,
    async move() {
      if (failures-- > 0) throw new Error('away')
      return null
    },
    close: async () => {},
  }
  const one = jsonlSink({ path, deadLetters, store, log: quiet([]) })
  t.after(() => one.close())
  await one.open(CLAIM, signal())
  const write = one.prepare(batch([change(1)], 1, [LETTER]))
  await assert.rejects(write(signal()), /away/)
  await assert.rejects(write(signal()), /away/)
  assert.deepEqual(withoutTime(await write(signal())), {
    kind: 'written',
    tables: new Map([['orders', { applied: 1, superseded: 0 }]]),
  })
  assert.equal(await readFile(path, 'utf8'), line(1))
  assert.equal(await readFile(deadLetters, 'utf8'), `${recordToJson(LETTER)}\n`)
})

test('jsonl: trying again after dead letters could not be written writes no change twice', async (t) => {
  const { path, folder, deadLetters, sink } = await place(t)
  const one = sink()
  await one.open(CLAIM, signal())
  await writeFile(deadLetters, 'precious')
  const write = one.prepare(batch([change(1)], 1, [LETTER]))
  await assert.rejects(write(signal()), { code: 'CONFIGURATION' })
  await rm(deadLetters)
  await write(signal())
  assert.equal(await readFile(path, 'utf8'), line(1))
  assert.equal(await readFile(deadLetters, 'utf8'), `${recordToJson(LETTER)}\n`, folder)
})

test('jsonl: a state that was restored rewinds, and the changes come again', async (t) => {
  const { path, state, sink } = await place(t)
  const one = sink()
  await one.open(CLAIM, signal())
  await one.prepare(batch([change(1)], 1))(signal())
  const backup = await readFile(state)
  await one.prepare(batch([change(2)], 2))(signal())
  await writeFile(state, backup)
  assert.deepEqual(await one.prepare(batch([change(3)], 3))(signal()), { kind: 'rewound', ...stored(at(1)) })
  await one.prepare(batch([change(2), change(3)], 3))(signal())
  assert.equal(await readFile(path, 'utf8'), lines(1, 2, 3, 2, 3))
})

test('jsonl: without a store it begins where the source begins, every time', async (t) => {
  const { path, deadLetters } = await place(t)
  for (const run of [1, 2]) {
    const one = jsonlSink({ path, deadLetters, store: null, log: quiet([]) })
    const first = at(0)
    assert.deepEqual(await one.open({ ...CLAIM, firstPositions: async () => first }, signal()), stored(first))
    await one.prepare(batch([change(run)], run))(signal())
    await one.close()
  }
  assert.equal(await readFile(path, 'utf8'), lines(1, 2))
})

test('jsonl: under an engine each line is there at least once; a state file is refused, for it is of one process', async (t) => {
  const { path, deadLetters, sink } = await place(t)
  await assert.rejects(sink().open(unclaimedOf(), signal()), { code: 'CONFIGURATION', message: /many processes/ })
  const one = jsonlSink({ path, deadLetters, store: null, log: quiet([]) })
  t.after(() => one.close())
  assert.deepEqual(await one.open(unclaimedOf(), signal()), stored(new Map()))
  for (let times = 0; times < 2; times++) {
    const written = await one.prepare(batchOf({ changes: [change(1), change(2)] }))(signal())
    assert.deepEqual(written, { kind: 'written', tables: new Map([['orders', { applied: 2, superseded: 0 }]]) })
  }
  assert.equal(await readFile(path, 'utf8'), lines(1, 2, 1, 2))
})

test('jsonl: close waits for the write in progress', async (t) => {
  const { path, sink } = await place(t)
  const one = sink()
  await one.open(CLAIM, signal())
  const many = Array.from({ length: 2_000 }, (_, n) => change(n))
  const writing = one.prepare(batch(many, 2_000))(signal())
  await one.close()
  assert.equal((await readFile(path, 'utf8')).split('\n').length, 2_001)
  await writing
  const again = sink()
  assert.deepEqual(withoutSettings(await again.open(CLAIM, signal())), stored(at(2_000)))
})

test('jsonl: killed at any moment, it loses nothing and repeats the last batch at most', async (t) => {
  const { path, state, sink } = await place(t)
  for (let kill = 1; kill <= 8; kill++) {
    const writer = startNode(import.meta.resolve('./write-jsonl-for-ever.ts'), [path, state])
    let batches = 0
    for await (const _ of writer.lines) if (++batches >= kill) break
    await writer.kill()
  }
  const after = sink()
  const position = Number((await after.open(CLAIM, signal())).positions.get('a')?.sequence)
  const written = (await readFile(path, 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((text) => JSON.parse(text).key.id as number)
  assert.deepEqual(
    [...new Set(written)].slice(0, position),
    Array.from({ length: position }, (_, i) => i + 1),
  )
  // A step back leads to the batch after the last stored position, never further.
  const steps = written.filter((id, i) => i > 0 && id <= written[i - 1]!)
  assert.ok(
    steps.every((id) => id % BATCH === 1),
    `went back to ${steps}`,
  )
  assert.equal(new Set(steps).size, steps.length, `went back to one batch twice: ${steps}`)
  assert.ok(position >= 8 * BATCH)
})

/** As in write-jsonl-for-ever.ts. */
const BATCH = 300

test('jsonl: a full disk is an error, and what it tore is cut off at the next start', async (t) => {
  const { path, sink } = await place(t)
  const { writer, position } = await writeToFullDisk(t, path)
  await writer.kill()

  const one = sink()
  assert.deepEqual(withoutSettings(await one.open(CLAIM, signal())), stored(at(position)))
  const whole = (await readFile(path, 'utf8')).split('\n')
  assert.equal(whole.pop(), '')
  assert.ok(whole.length >= position)
})

const noPrlimit = spawnSync('prlimit', ['--version']).status === 0 ? false : 'needs prlimit, of Linux'

test('jsonl: tried again once the disk has room, a batch is there once', { skip: noPrlimit }, async (t) => {
  const { path } = await place(t)
  const { writer, position } = await writeToFullDisk(t, path)
  spawnSync('prlimit', ['--pid', String(writer.child.pid), '--fsize=unlimited'])
  writer.child.stdin!.write('again\n')
  for await (const text of writer.lines) if (Number(text) >= position + 3 * BATCH) break
  await writer.kill()

  const ids = (await readFile(path, 'utf8'))
    .split('\n')
    .slice(0, position + 2 * BATCH)
    .map((text) => JSON.parse(text).key.id)
  assert.deepEqual(
    ids,
    Array.from({ length: position + 2 * BATCH }, (_, i) => i + 1),
  )
})

/** A writer whose file may not grow any more, the last line torn; and the position that it said last. */
async function writeToFullDisk(t: TestContext, path: string): Promise<{ writer: NodeProcess; position: number }> {
  const state = join(path, '..', 'orders.state.json')
  const writer = startNode(import.meta.resolve('./write-jsonl-for-ever.ts'), [path, state], { maxFileBlocks: 256 })
  t.after(writer.kill)
  let position = 0
  const lines = writer.lines[Symbol.asyncIterator]()
  for (;;) {
    const { value } = await lines.next()
    if (/^\d+$/.test(value)) {
      position = Number(value)
      continue
    }
    assert.match(value, /^SINK_FAILED: .*out\.jsonl cannot be written: EFBIG/)
    assert.notEqual((await readFile(path, 'utf8')).at(-1), '\n', 'the file ends with a line: change the sizes')
    return { writer, position }
  }
}

test('jsonl: standard output carries the changes, standard error the dead letters', async (t) => {
  const writer = startNode(import.meta.resolve('./write-jsonl-for-ever.ts'), ['-'], { stderr: 'pipe' })
  t.after(writer.kill)
  const changes: string[] = []
  for await (const text of writer.lines) {
    changes.push(text)
    if (changes.length === 2 * BATCH) break
  }
  assert.deepEqual(
    changes.map((text) => JSON.parse(text).key.id),
    Array.from({ length: 2 * BATCH }, (_, i) => i + 1),
  )
  let errors = ''
  for await (const chunk of writer.child.stderr!) {
    errors += chunk
    if (errors.includes('"kind":"dead-letter"')) break
  }
})

test('jsonl: a reader of standard output that leaves is an error, not a crash', async (t) => {
  const writer = startNode(import.meta.resolve('./write-jsonl-for-ever.ts'), ['-'], { stderr: 'pipe' })
  t.after(writer.kill)
  for await (const _ of writer.lines) break
  writer.child.stdout!.destroy()
  let errors = ''
  for await (const chunk of writer.child.stderr!) errors = `${errors}${chunk}`.slice(-5_000)
  assert.match(errors, /\nSINK_FAILED: Standard output was closed by its reader/)
})

interface Place {
  readonly folder: string
  readonly path: string
  readonly deadLetters: string
  readonly state: string
  readonly warnings: readonly object[]
  /** Closed at the end of the test. */
  sink(): Sink
}

async function place(t: TestContext): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-jsonl-'))
  const path = join(folder, 'out.jsonl')
  const deadLetters = join(folder, 'orders.dead-letters.jsonl')
  const state = join(folder, 'orders.state.json')
  const warnings: object[] = []
  const sinks: Sink[] = []
  t.after(async () => {
    for (const sink of sinks) await sink.close()
    await rm(folder, { recursive: true })
  })
  const sink = (): Sink => {
    const one = jsonlSink({ path, deadLetters, store: fileStateStore(state), log: quiet(warnings) })
    sinks.push(one)
    return one
  }
  return { folder, path, deadLetters, state, warnings, sink }
}

const quiet = (warnings: object[]): Log => ({
  debug() {},
  info() {},
  error() {},
  warn: (fields) => void warnings.push(fields),
})
