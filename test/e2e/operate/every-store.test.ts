import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { after, type TestContext, test } from 'node:test'
import type { Status } from '../../../src/operate/status.ts'
import { testCrate } from '../../support/crate/real-crate.ts'
import { type Dynalite, startDynalite } from '../../support/dynalite.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { isDealt } from '../../support/volume.ts'
import { order, scene } from './scene.ts'

interface Store {
  /** The options of the relay. */
  readonly options: (folder: string) => readonly string[]
  /** Makes the last sign of life of a holder that was killed older than it is; absent where the store notices its end. */
  age?(): Promise<void>
  /** Where dead letters are. */
  readonly letters: string
  /** What `positions` says of repeats in the modes. */
  readonly harmless: { readonly mirror: boolean; readonly append: boolean | null }
  /** Makes a log one that takes no record twice; absent where it is one, or cannot be. */
  readonly index?: string
  query?(statement: string): Promise<unknown>
  /** Absent where there are none. */
  readonly tables?: Status['tables']
}

let tables = 0
let dynamodb: Promise<Dynalite> | undefined
after(async () => (await dynamodb)?.close())

const IN_SQL = 'cdc_relay.dead_letters'
const ORDERS = (schema: string): Status['tables'] => [
  { table: 'orders', target: { schema, name: 'orders' }, key: ['id'], floor: null },
]

const STORES: Readonly<Record<string, (t: TestContext) => Promise<Store>>> = {
  async postgresql(t) {
    const { url, query } = await testDatabase(t)
    return {
      options: () => ['--sink', url],
      letters: IN_SQL,
      harmless: { mirror: true, append: false },
      index: 'CREATE UNIQUE INDEX ON public.orders (stream, shard, sequence, (coalesce(sub_sequence, -1)))',
      query,
      tables: ORDERS('public'),
    }
  },
  async 'greenplum 6'(t) {
    const { url, query } = await greenplumDatabase(t, '6')
    return {
      options: () => ['--sink', url],
      letters: IN_SQL,
      harmless: { mirror: true, append: false },
      index: 'CREATE UNIQUE INDEX ON public.orders (stream, shard, sequence, (coalesce(sub_sequence, -1)))',
      query,
      tables: ORDERS('public'),
    }
  },
  async cratedb(t) {
    const crate = await testCrate({ refresh: 'always' })
    t.after(crate.stop)
    return {
      options: () => ['--sink', crate.url],
      async age() {
        await crate.query('UPDATE "cdc_relay"."relays" SET "heartbeat" = "heartbeat" - 61000')
      },
      letters: IN_SQL,
      harmless: { mirror: true, append: true },
      tables: ORDERS('doc'),
    }
  },
  async 'a state file'() {
    return {
      options: (folder) => [
        '--sink',
        `jsonl:${folder}/changes.jsonl`,
        '--state',
        `file:${folder}/state.json`,
        '--dead-letters',
        `file:${folder}/letters.jsonl`,
      ],
      letters: 'letters.jsonl',
      harmless: { mirror: false, append: false },
    }
  },
  async 'postgresql as a separate store'(t) {
    const { url } = await testDatabase(t)
    return {
      options: (folder) => [
        '--sink',
        `jsonl:${folder}/changes.jsonl`,
        '--state',
        url,
        '--dead-letters',
        `file:${folder}/letters.jsonl`,
      ],
      letters: 'letters.jsonl',
      harmless: { mirror: false, append: false },
    }
  },
  async dynamodb() {
    dynamodb ??= startDynalite()
    const { endpoint, createTable, items, put } = await dynamodb
    const table = `state-${++tables}`
    await createTable(table, 'relay', 'item')
    return {
      options: (folder) => [
        '--sink',
        `jsonl:${folder}/changes.jsonl`,
        '--state',
        `dynamodb:${table}?endpoint-url=${endpoint}`,
        '--dead-letters',
        `file:${folder}/letters.jsonl`,
      ],
      async age() {
        for (const item of await items(table)) {
          if (item.heartbeat?.N !== undefined) {
            await put(table, { ...item, heartbeat: { N: String(Number(item.heartbeat.N) - 61_000) } })
          }
        }
      },
      letters: 'letters.jsonl',
      harmless: { mirror: false, append: false },
    }
  },
}

for (const [index, [title, open]] of Object.entries(STORES).entries()) {
  if (!isDealt(index)) continue
  const skip = title === 'greenplum 6' ? withoutGreenplum('6') : false
  test(`${title}: a relay that runs, was killed, and stopped is looked at, and its positions move only in between`, {
    skip,
  }, async (t) => {
    const store = await open(t)
    const { kinesis, start, drain, command, status, statusOnce } = await scene(t, store.options)
    const name = ['--name', kinesis.name]
    const stream = ['--source', kinesis.name, '--endpoint-url', kinesis.url]
    const [shard] = kinesis.open(1) as [string]
    const sequences = kinesis.put(shard, [order(1), order(2), 'no JSON', order(3)])

    const none = await command('status', ...name)
    assert.equal(none.exitCode, 2)
    assert.match(none.stderr, /Nothing is stored under the name \\"orders\\"/)

    // Running.
    const relay = start()
    const running = await statusOnce(
      ({ shards, deadLetters }) => shards[0]?.sequence === sequences[3] && deadLetters.count === 1,
      ...stream,
    )
    assert.equal(running.isRunning, true)
    assert.deepEqual(
      [running.holder?.host, running.holder?.process, running.stream.id, running.stream.retentionMs],
      [hostname(), relay.child.pid, kinesis.arn, 86_400_000],
    )
    assert.deepEqual([running.shards.length, running.shards[0]!.shard], [1, shard])
    assert.deepEqual(running.tables, store.tables ?? [])
    assert.ok(running.deadLetters.keptIn?.endsWith(store.letters), running.deadLetters.keptIn ?? 'null')
    assert.deepEqual(running.deadLetters.kinds, [{ source: null, code: 'DECODE_NOT_JSON', count: 1 }])
    assert.match(running.warnings.join(), /1 dead letter lies in/)
    assert.deepEqual(running.notKnown, [])

    const back = ['--to', 'earliest', '--yes']
    for (const [words, ...args] of [
      ['positions rewind', ...back],
      ['positions rewind', '--to', 'earliest'],
      ['positions set', '--shard', shard, ...back],
      ['positions forget', '--all', '--yes'],
    ] as const) {
      const { exitCode, stdout, stderr } = await command(words, ...name, ...args)
      assert.deepEqual([exitCode, stdout], [4, ''], words)
      assert.match(stderr, new RegExp(`STATE_HELD.*process ${relay.child.pid} on`))
    }
    const exported = await command('positions export', ...name)
    assert.equal(JSON.parse(exported.stdout).positions[shard].sequence, sequences[3])
    const [last] = kinesis.put(shard, [order(4)])
    await statusOnce(({ shards }) => shards[0]!.sequence !== sequences[3])

    // Killed.
    relay.child.kill('SIGKILL')
    assert.equal((await relay.ended).signal, 'SIGKILL', 'it ran on, whatever was asked of its state')
    if (store.age !== undefined) {
      assert.equal((await status()).isRunning, true)
      assert.equal((await command('positions forget', ...name, '--all', '--yes')).exitCode, 4)
      await store.age()
    }
    const killed = await statusOnce(({ isRunning }) => isRunning === false)
    assert.equal(killed.holder?.process, relay.child.pid)

    const refused = await command('positions rewind', ...name, '--to', 'earliest')
    assert.equal(refused.exitCode, 2)
    assert.match(refused.stderr, /--yes/)
    const plan = JSON.parse(refused.stdout)
    assert.deepEqual([plan.moved, plan.moves.length, plan.moves[0].effect], [false, 1, 'begins again'])
    assert.equal(plan.repeats.areHarmless, store.harmless.mirror)
    assert.deepEqual(placesIn(await status()), placesIn(killed), 'nothing moved')

    const done = await command('positions rewind', ...name, ...back)
    assert.deepEqual([done.exitCode, JSON.parse(done.stdout).moved], [0, true], done.stderr)
    assert.deepEqual((await statusOnce(({ isRunning }) => isRunning === false)).shards, [])
    assert.equal((await drain()).read, 5)

    // Stopped.
    const stopped = await statusOnce(({ isRunning }) => isRunning === false)
    assert.deepEqual(
      stopped.shards.map(({ sequence }) => sequence),
      [last],
    )
    const set = await command('positions set', ...name, '--shard', shard, '--to', sequences[2]!, '--yes')
    assert.deepEqual(JSON.parse(set.stdout).moves[0].effect, 'reads again', set.stderr)
    assert.equal((await drain()).read, 2)
  })

  test(`${title}: what it says of repeats in a log of changes`, { skip }, async (t) => {
    const store = await open(t)
    const { kinesis, drain, command } = await scene(t, store.options)
    kinesis.put(kinesis.open(1)[0]!, [order(1)])
    await drain('--mode', 'append')
    const { stdout, stderr } = await command('positions rewind', '--name', kinesis.name, '--to', 'earliest')
    assert.equal(JSON.parse(stdout).repeats.areHarmless, store.harmless.append, stderr)
    if (store.index === undefined) return
    await store.query!(store.index)
    const keyed = await command('positions rewind', '--name', kinesis.name, '--to', 'earliest', '--yes')
    assert.equal(JSON.parse(keyed.stdout).repeats.areHarmless, true, keyed.stderr)
    assert.equal((await drain('--mode', 'append')).read, 1)
    assert.deepEqual(await store.query!('SELECT count(*)::int AS count FROM public.orders'), [{ count: 1 }])
  })
}

/** Without what goes on while one looks. */
const placesIn = ({ shards }: Status) => shards.map(({ behindMs: _, ...place }) => place)
