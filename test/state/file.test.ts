import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Claim, Facts } from '../../src/batch.ts'
import type { FailureCode } from '../../src/errors.ts'
import type { Positions } from '../../src/position.ts'
import { fileStateStore } from '../../src/state/file.ts'
import { withoutSettings } from '../../src/state/stored.ts'
import { progress } from '../support/changes.ts'
import { startNode } from '../support/processes/node-process.ts'
import { describeStateStore, type StateMemory } from './conformance.ts'

describeStateStore('file', openFile, {
  noTakeOver: 'the lock of a process that lives cannot be taken from it',
  oneName: 'a file holds the state of one relay',
})

async function openFile(): Promise<StateMemory> {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-state-'))
  const path = join(folder, 'relay.state.json')
  return {
    store: () => fileStateStore(path),
    async backup() {
      const copy = join(folder, 'backup.json')
      await copyFile(path, copy)
      return () => copyFile(copy, path)
    },
    size: async () => (await stat(path)).size,
    close: () => rm(folder, { recursive: true }),
  }
}

test('file: a second relay, let in because the lock file was removed, ends the first', async (t) => {
  const { path, store } = await emptyPlace(t)
  const first = store()
  await first.claim(CLAIM, signal())
  await rm(`${path}.lock`)
  const second = store()
  await second.claim(CLAIM, signal())
  await assert.rejects(first.move(progress(at('6')), signal()), code('STATE_HELD'))
  assert.equal(await second.move(progress(at('7')), signal()), null)
})

test('file: two relays that claimed the same backup with the same number are told apart', async (t) => {
  const { path, store } = await emptyPlace(t)
  const first = store()
  await first.claim(CLAIM, signal())
  await rm(path)
  await rm(`${path}.lock`)
  await store().claim(CLAIM, signal())
  await assert.rejects(first.move(progress(at('6')), signal()), code('STATE_HELD'))
})

test('file: a state file removed under a running relay is not taken for a new one', async (t) => {
  const { path, store } = await emptyPlace(t)
  const only = store()
  await only.claim(CLAIM, signal())
  await only.move(progress(at('5')), signal())
  await rm(path)
  await assert.rejects(only.move(progress(at('6')), signal()), code('STATE_REMOVED', path))
})

test('file: what is no state is refused with the path and stays as it is', async (t) => {
  const { path, store } = await emptyPlace(t)
  for (const text of [
    '',
    '{"version":1',
    '[]',
    '{"version":0}',
    '{"version":"2"}',
    '{"version":1,"positions":{"a":5}}',
    LEARNED_NO_TEXT,
  ]) {
    await writeFile(path, text)
    const only = store()
    await assert.rejects(only.claim(CLAIM, signal()), code('STATE_BROKEN', path))
    await only.close()
    assert.equal(await readFile(path, 'utf8'), text)
  }
})

test('file: the state of a later version is refused', async (t) => {
  const { path, store } = await emptyPlace(t)
  const first = store()
  await first.claim(CLAIM, signal())
  await first.close()
  const later = `{"version":2,"what nobody knows yet":{}}`
  await writeFile(path, later)
  await assert.rejects(store().claim(CLAIM, signal()), {
    code: 'STATE_NEWER',
    detail: `The state file ${path} has version 2; this cdc-relay knows version 1`,
  })
  assert.equal(await readFile(path, 'utf8'), later)
})

test('file: a file of a version that learned nothing is read, and learns', async (t) => {
  const { path, store } = await emptyPlace(t)
  const first = store()
  await first.claim(CLAIM, signal())
  await first.move(progress(at('5')), signal())
  await first.close()
  const { learned, ...earlier } = JSON.parse(await readFile(path, 'utf8'))
  assert.deepEqual(learned, {})
  await writeFile(path, JSON.stringify(earlier))

  const next = store()
  assert.deepEqual(withoutSettings(await next.claim(CLAIM, signal())), { positions: at('5'), facts: NONE })
  // Put back while it runs: the positions and facts are those that it read, so nothing is older.
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), learned: undefined }))
  const facts = new Map([['table orders', '{"key":["id"]}']])
  assert.equal(await next.move(progress(at('6'), facts), signal()), null)
  await next.close()
  assert.deepEqual(withoutSettings(await store().claim(CLAIM, signal())), { positions: at('6'), facts })
})

test('file: a move that stored everything and then failed is recognised, facts and all', async (t) => {
  const { path, store } = await emptyPlace(t)
  const only = store()
  await only.claim(CLAIM, signal())
  await only.move(progress(at('5'), new Map([['a', '1']])), signal())
  const before = await readFile(path, 'utf8')
  const facts = new Map([['a', '2']])
  await only.move(progress(at('6'), facts), signal())
  const moved = await readFile(path, 'utf8')

  // As after a failure once the file was replaced: it says more than the store knows to have written.
  await writeFile(path, before)
  assert.deepEqual(await only.move(progress(at('7')), signal()), {
    positions: at('5'),
    facts: new Map([['a', '1']]),
  })
  const { positions, learned } = JSON.parse(moved)
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), positions, learned }))
  assert.equal(await only.move(progress(at('6'), facts), signal()), null)
  // The same positions with other facts are those of another history.
  await writeFile(path, (await readFile(path, 'utf8')).replace('"a": "2"', '"a": "1"'))
  assert.deepEqual(await only.move(progress(at('7')), signal()), {
    positions: at('6'),
    facts: new Map([['a', '1']]),
  })
})

test('file: another relay is refused, with whose state the file holds', async (t) => {
  const { store } = await emptyPlace(t)
  const orders = store()
  await orders.claim(CLAIM, signal())
  await orders.close()
  const claim = { ...CLAIM, relay: { ...CLAIM.relay, name: 'customers' } }
  await assert.rejects(store().claim(claim, signal()), code('STATE_DIFFERS', '"orders"'))
})

test('file: a look makes no file, and names whose state it is', async (t) => {
  const { path, store } = await emptyPlace(t)
  assert.equal(await store().look('orders'), null)
  assert.deepEqual(await readdir(dirname(path)), [])
  const orders = store()
  await orders.claim(CLAIM, signal())
  await orders.close()
  await rm(`${path}.lock`)
  assert.equal((await store().look('orders'))?.holder?.isAlive, false)
  assert.deepEqual(await readdir(dirname(path)), [basename(path)])
  await assert.rejects(store().look('customers'), code('STATE_DIFFERS', '"orders"'))
})

test('file: a folder that is not there is named', async (t) => {
  const { path } = await emptyPlace(t)
  await assert.rejects(fileStateStore(`${path}/none.json`).claim(CLAIM, signal()), code('STATE_BROKEN', path))
})

test('file: killed while it moves, it leaves what it stored last', async (t) => {
  const { path, store } = await emptyPlace(t)
  let stored = 0
  for (let kill = 1; kill <= 5; kill++) {
    const mover = startNode(import.meta.resolve('./move-for-ever.ts'), [path])
    let said = stored
    for await (const line of mover.lines) {
      said = Number(line)
      if (said >= stored + 10 * kill) break
    }
    await mover.kill()

    const next = store()
    const { positions, facts } = await next.claim(CLAIM, signal())
    await next.close()
    stored = Number(positions.get('a')?.sequence)
    assert.equal(facts.get('how far'), positions.get('a')?.sequence)
    assert.ok(stored >= said, `stands at ${stored}, but had said that ${said} is stored`)
  }
})

const LEARNED_NO_TEXT = JSON.stringify({
  version: 1,
  relay: { name: 'orders', stream: { id: 'arn:s', created: 'then', retentionMs: null }, start: null, settings: {} },
  claim: { number: 1, owner: 'o', host: 'h', pid: 1, since: 'then' },
  positions: {},
  learned: { 'table orders': { key: ['id'] } },
})

const CLAIM: Claim = {
  relay: { name: 'orders', stream: { id: 'arn:s', created: 'then', retentionMs: null }, start: null, settings: {} },
  firstPositions: async () => new Map(),
  takeOver: false,
}

const NONE: Facts = new Map()

const at = (sequence: string): Positions => new Map([['a', { sequence, arrivedAt: null, caughtUpAt: null }]])

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

const code =
  (expected: FailureCode, words = '') =>
  (error: unknown): boolean => {
    assert.equal((error as { code?: unknown }).code, expected, String(error))
    assert.ok(String(error).includes(words), `${error} does not name ${words}`)
    return true
  }

async function emptyPlace(t: TestContext): Promise<{ path: string; store: () => ReturnType<typeof fileStateStore> }> {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-state-'))
  const path = join(folder, 'relay.state.json')
  const stores: ReturnType<typeof fileStateStore>[] = []
  t.after(async () => {
    for (const store of stores) await store.close()
    await rm(folder, { recursive: true })
  })
  const store = () => {
    const one = fileStateStore(path)
    stores.push(one)
    return one
  }
  return { path, store }
}
