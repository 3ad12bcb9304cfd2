import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalJson } from '../../../support/changes.ts'
import type { Crate } from '../../../support/crate/crate.ts'
import { testCrate } from '../../../support/crate/real-crate.ts'
import { type Life, ordersLife } from '../../../support/life/life.ts'
import { anySeed, type Random, seededRandom } from '../../../support/life/random.ts'
import { startRelay } from '../../../support/processes/relay-process.ts'
import { liveRows } from '../../../support/targets/crate-target.ts'
import { volume } from '../../../support/volume.ts'

/**
 * The real program between a capture and CrateDB is killed again and again, behind statements of its own by lot; the
 * server stays, and is in trouble now and then.
 */
const KILLS = volume(2, 6)
const seed = anySeed()
const random = seededRandom(seed)

test(`killed, it leaves the mirrors that both histories leave (seed ${seed})`, async (t) => {
  const { crate, orders, items } = await killedDrain(t, 'mirror')

  const found = liveRows(crate, { schema: null, name: 'orders' }).map(({ key, data, version }) => {
    return [`${key.customer}|${key.order}`, version, plainJson(data)].join(' ')
  })
  const expected = Array.from(orders.rows(), ([key, { version, data }]) => [key, version, plainJson(data)].join(' '))
  assert.deepEqual(found.sort(), expected.sort())
  assert.ok(orders.wrongIfLastWins() > 0, 'a naive mirror would be right, too')

  const rows = liveRows(crate, { schema: 'shop', name: 'items' }).map(
    ({ data, version }) => `${canonicalJson(data)} ${version}`,
  )
  assert.deepEqual(rows.sort(), items.rows().sort())
})

test(`killed, it appends each record once (seed ${seed})`, async (t) => {
  const { crate, records } = await killedDrain(t, 'append')
  const logged = ['"doc"."orders"', '"shop"."items"'].flatMap((table) =>
    crate.query(`SELECT "shard", "sequence" FROM ${table}`).map(({ shard, sequence }) => `${shard} ${sequence}`),
  )
  assert.equal(new Set(logged).size, logged.length)
  assert.equal(logged.length, records)
})

/** With the numbers that JavaScript prints with a small exponent written out. */
const plainJson = (json: string): string =>
  canonicalJson(json).replace(
    /(?<=[:,[])(-?)(\d)(?:\.(\d+))?e-(\d+)(?=[,}\]])/g,
    (_, sign, digit, digits, exponent) => {
      return `${sign}0.${'0'.repeat(Number(exponent) - 1)}${digit}${digits ?? ''}`
    },
  )

interface Drained {
  readonly crate: Crate
  readonly orders: Life
  readonly items: ItemsLife
  readonly records: number
}

async function killedDrain(t: TestContext, mode: 'mirror' | 'append'): Promise<Drained> {
  const crate = await testCrate()
  t.after(crate.stop)
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-crate-'))
  t.after(() => rm(folder, { recursive: true, force: true }))

  const orders = ordersLife({ seed, changes: 300, orders: 40 })
  const items = itemsLife(random)
  const lines = shuffledTogether(
    Array.from(orders.records(), ({ data }) => data),
    items.records,
  )
  const capture = join(folder, 'capture.jsonl')
  await writeFile(capture, lines.map((line) => `${line}\n`).join(''))

  const args = [
    ...['run', '--source', `file:${capture}`, '--sink', crate.url, '--mode', mode, '--name', 'killed'],
    ...['--key', 'shop.items=id', '--batch-records', '20', '--on-error', 'stop'],
  ]
  const kills = await killedRuns(crate, args)
  t.diagnostic(`${kills} kills, ${JSON.stringify([...crate.faults.happened])}`)
  assert.ok(kills >= KILLS / 2, `it was killed only ${kills} times`)

  const end = await startRelay([...args, '--take-over']).ended
  assert.equal(end.exitCode, 0, end.stderr)
  const once = await startRelay(args).ended
  assert.equal(once.exitCode, 0, once.stderr)
  assert.equal(JSON.parse(once.stdout).read, 0, once.stdout)
  // Never a transaction, nor REFRESH.
  const forbidden = /^\s*(begin|start|commit|end|rollback|savepoint|release|refresh|copy|lock)\b/i
  assert.deepEqual(
    crate.sent.filter((text) => forbidden.test(text)),
    [],
  )
  return { crate, orders, items, records: lines.length }
}

/** Resolves to how many of them were killed before they came to the end. */
async function killedRuns(crate: Crate, args: readonly string[]): Promise<number> {
  let kills = 0
  for (let run = 0; run < KILLS; run++) {
    crate.faults.random({ seed: random.below(2 ** 31), share: 0.03 })
    const { child, ended } = startRelay([...args, '--take-over'])
    const until = crate.executed.length + 8 + random.below(40)
    while (child.exitCode === null && crate.executed.length < until) await sleep(1)
    child.kill('SIGKILL')
    const { signal } = await ended
    if (signal === 'SIGKILL') kills++
    // What a process asked for may still be done after its end.
    if (random.chance(0.5)) crate.refresh()
  }
  crate.faults.calm()
  return kills
}

function shuffledTogether(some: readonly string[], others: readonly string[]): string[] {
  const [left, right] = [[...some], [...others]]
  const all: string[] = []
  while (left.length + right.length > 0) {
    all.push((random.below(left.length + right.length) < left.length ? left : right).shift()!)
  }
  return all
}

interface ItemsLife {
  /** In an order of arrival of their own. */
  readonly records: readonly string[]
  /** The rows that the history leaves, each with its version. */
  rows(): string[]
}

/** What DMS tells of a table `shop.items`, whole images, each change late by some places. */
function itemsLife(random: Random): ItemsLife {
  const rows = new Map<number, string>()
  const changes: { readonly at: number; readonly record: string }[] = []
  for (let n = 0; n < 300; n++) {
    const id = random.below(30)
    const operation = !rows.has(id) ? 'insert' : random.chance(0.3) ? 'delete' : 'update'
    const micros = 1_793_606_400_000_000 + n * 1_000
    const data = operation === 'delete' ? { id } : { id, name: `n${n} "ä"`, count: random.below(1_000_000) }
    if (operation === 'delete') rows.delete(id)
    else rows.set(id, `${canonicalJson(JSON.stringify(data))} ${micros}`)
    const metadata = {
      timestamp: `${new Date(micros / 1000).toISOString().replace('Z', '')}000Z`,
      ...{ 'record-type': 'data', operation, 'partition-key-type': 'primary-key' },
      ...{ 'schema-name': 'shop', 'table-name': 'items', 'transaction-id': n },
    }
    changes.push({ at: n + random.below(15), record: JSON.stringify({ data, metadata }) })
  }
  changes.sort((a, b) => a.at - b.at)
  return { records: changes.map(({ record }) => record), rows: () => [...rows.values()] }
}
