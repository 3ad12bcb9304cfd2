import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pushedSource } from '../../../src/ingest/pushed.ts'
import { openRelay } from '../../../src/open-relay.ts'
import { sqlSink } from '../../../src/sinks/sql/sink.ts'
import { fileStateStore } from '../../../src/state/file.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { runProgramAgain } from '../../support/processes/many-runs.ts'
import { order, type Scene, scene } from './scene.ts'

const MINUTE_MS = 60_000

/** The state in a file, which names itself. */
const inFile = (folder: string): readonly string[] => [
  '--sink',
  `jsonl:${folder}/changes.jsonl`,
  '--state',
  `file:${folder}/state.json`,
]

const iso = (ms: number): string => new Date(ms).toISOString()

/** The ids of the orders in the file of changes, as they were written. */
const written = async ({ folder }: Scene): Promise<string[]> =>
  (await readFile(join(folder, 'changes.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => /"id":(\d+)/.exec(line)![1]!)

const movesIn = (stdout: string) => (JSON.parse(stdout) as { moves: readonly Record<string, unknown>[] }).moves

test('a rewind to a time reads again what came since, over shards that were split and merged', async (t) => {
  const all = await scene(t, inFile)
  const { kinesis, drain, command } = all
  const name = ['--name', kinesis.name]
  const source = ['--source', kinesis.name, '--endpoint-url', kinesis.url]
  const ago = (minutes: number): number => kinesis.now() - minutes * MINUTE_MS
  const [parent] = kinesis.open(1, ago(60)) as [string]
  kinesis.put(parent, [order(1)], ago(50))
  const since = iso(ago(45))
  kinesis.put(parent, [order(2)], ago(40))
  const [left, right] = kinesis.split(parent, ago(30)) as [string, string]
  kinesis.put(left, [order(3)], ago(20))
  kinesis.put(right, [order(4)], ago(19))
  kinesis.merge(left, right, ago(10))
  await drain()

  const refused = await command('positions rewind', ...name, '--to', since, '--yes')
  assert.equal(refused.exitCode, 2)
  assert.match(refused.stderr, /resharded since then.*--source/)
  const rewound = await command('positions rewind', ...source, '--to', since, '--yes')
  assert.equal(rewound.exitCode, 0, rewound.stderr)
  const moves = new Map(movesIn(rewound.stdout).map(({ shard, effect }) => [shard, effect]))
  assert.equal(moves.get(parent), 'reads again')
  assert.deepEqual([moves.get(left), moves.get(right), moves.size >= 3], ['begins again', 'begins again', true])
  assert.equal((await drain()).read, 3)
  const again = (await written(all)).slice(4)
  assert.deepEqual([again[0], [...again].sort()], ['2', ['2', '3', '4']])

  // What ended before then is not needed.
  const recent = await command('positions rewind', ...name, '--to', iso(ago(5)), '--yes')
  assert.deepEqual([recent.exitCode, movesIn(recent.stdout)], [0, []], recent.stderr)
})

test('a rewind says what the stream does not hold any more, and what lies in the future', async (t) => {
  const { kinesis, drain, command } = await scene(t, inFile)
  const source = ['--source', kinesis.name, '--endpoint-url', kinesis.url]
  kinesis.put(kinesis.open(1)[0]!, [order(1)])
  await drain()
  for (const [to, words] of [
    [iso(kinesis.now() - 25 * 60 * MINUTE_MS), /keeps records since .*--to earliest/],
    [iso(kinesis.now() + 10 * MINUTE_MS), /lies in the future/],
  ] as const) {
    const { exitCode, stderr } = await command('positions rewind', ...source, '--to', to, '--yes')
    assert.equal(exitCode, 2)
    assert.match(stderr, words)
  }
  kinesis.created = new Date('2025-01-01T00:00:00Z')
  const { exitCode, stderr } = await command('positions rewind', ...source, '--to', 'earliest', '--yes')
  assert.equal(exitCode, 2)
  assert.match(stderr, /created 2024-07-01T00:00:00.000Z, and --source is .* created 2025-01-01/)
})

test('a stream that cannot be asked is no reason not to rewind where it need not be asked', async (t) => {
  const { kinesis, drain, command } = await scene(t, inFile)
  const [shard] = kinesis.open(2) as [string, string]
  kinesis.put(shard, [order(1), order(2)])
  await drain()
  const away = ['--source', kinesis.name, '--endpoint-url', 'http://127.0.0.1:9']
  const { exitCode, stdout, stderr } = await command(
    'positions rewind',
    ...away,
    '--shard',
    shard,
    '--to',
    'earliest',
    '--yes',
  )
  assert.equal(exitCode, 0, stderr)
  assert.deepEqual(
    movesIn(stdout).map(({ shard: one, effect }) => [one, effect]),
    [[shard, 'reads again']],
  )
  assert.equal((await drain()).read, 2)
})

test('positions that were exported are put back by import, for this stream alone', async (t) => {
  const { kinesis, folder, drain, command, status } = await scene(t, inFile)
  const name = ['--name', kinesis.name]
  const [one, other] = kinesis.open(2) as [string, string]
  kinesis.put(one, [order(1), order(2)])
  await drain()
  const before = (await status()).shards.map(({ shard, sequence, arrivedAt, caughtUpAt }) => ({
    shard,
    sequence,
    arrivedAt,
    caughtUpAt,
  }))
  const exported = await command('positions export', ...name)
  const file = join(folder, 'positions.json')
  await writeFile(file, exported.stdout)

  kinesis.put(other, [order(3)])
  await drain()
  const forgotten = await command('positions forget', ...name, '--shard', one, '--yes')
  assert.deepEqual(
    movesIn(forgotten.stdout).map(({ effect }) => effect),
    ['begins again'],
    forgotten.stderr,
  )
  const imported = await command('positions import', ...name, '--file', file, '--yes')
  assert.equal(imported.exitCode, 0, imported.stderr)
  const after = (await status()).shards.map(({ shard, sequence, arrivedAt, caughtUpAt }) => ({
    shard,
    sequence,
    arrivedAt,
    caughtUpAt,
  }))
  assert.deepEqual(after, before)
  assert.equal((await drain()).read, 1)

  const { positions, stream, ...rest } = JSON.parse(exported.stdout)
  for (const [content, words] of [
    ['{', /is not JSON/],
    ['[]', /is not what `positions export` writes/],
    [JSON.stringify({ ...rest, stream, positions: { a: { sequence: 5 } } }), /is not what .*sequence/s],
    [JSON.stringify({ ...rest, positions, stream: { ...stream, id: 'arn:other' } }), /positions of arn:other/],
    [JSON.stringify({ ...rest, positions, stream: { ...stream, created: 'then' } }), /as it was created then/],
  ] as const) {
    await writeFile(file, content)
    const { exitCode, stderr } = await command('positions import', ...name, '--file', file, '--yes')
    assert.equal(exitCode, 2, content)
    assert.match(stderr, words)
  }
})

test('a shard is set only if it is stored or listed', async (t) => {
  const { kinesis, drain, command, status } = await scene(t, inFile)
  const name = ['--name', kinesis.name]
  const source = ['--source', kinesis.name, '--endpoint-url', kinesis.url]
  const [shard] = kinesis.open(1) as [string]
  const sequences = kinesis.put(shard, [order(1), order(2)])
  await drain()
  await command('positions forget', ...name, '--all', '--yes')

  const set = (to: string, ...which: string[]) => command('positions set', ...which, '--to', to, '--yes')
  const unknown = await set('earliest', ...name, '--shard', shard)
  assert.deepEqual([unknown.exitCode, unknown.stdout], [2, ''])
  assert.match(unknown.stderr, /No position is stored of the shard .*--source/)
  const misspelt = await set('earliest', ...source, '--shard', 'shardId-1')
  assert.match(misspelt.stderr, /the stream does not list it/)

  const skipped = await set(sequences[0]!, ...source, '--shard', shard)
  assert.equal(movesIn(skipped.stdout)[0]!.effect, 'skips', skipped.stderr)
  assert.equal((await drain()).read, 1)
  await set('end', ...name, '--shard', shard)
  assert.deepEqual(
    (await status()).shards.map(({ standing }) => standing),
    ['finished'],
  )
})

test('a file has byte offsets, and no times', async (t) => {
  const { folder, command } = await scene(t, inFile)
  const path = join(folder, 'in.jsonl')
  await writeFile(path, `${order(1)}\n${order(2)}\n`)
  const run = ['run', '--source', `file:${path}`, ...inFile(folder)]
  const read = async () => JSON.parse((await runProgramAgain(run, { cwd: folder })).stdout).read
  assert.equal(await read(), 2)
  const name = ['--name', 'in.jsonl']
  const timed = await command('positions rewind', ...name, '--to', '2026-01-01T00:00:00Z', '--yes')
  assert.equal(timed.exitCode, 2)
  assert.match(timed.stderr, /A file has no times/)
  const { shards, notKnown } = JSON.parse((await command('status', ...name)).stdout)
  assert.deepEqual([shards.length, shards[0].shard, shards[0].behindMs, notKnown], [1, 'file', null, []])
  await command('positions set', ...name, '--shard', 'file', '--to', String(order(1).length), '--yes')
  assert.equal(await read(), 1)
  await command('positions rewind', '--source', `file:${path}`, '--to', 'earliest', '--yes')
  assert.equal(await read(), 2)
})

test('pglite: a folder that a relay has open says so; one that is not there is not made', async (t) => {
  const { url } = await pgliteFolder()
  const { kinesis, folder, start, drain, command, status } = await scene(t, () => ['--sink', url])
  const [shard] = kinesis.open(1) as [string]
  kinesis.put(shard, [order(1)])
  assert.equal((await drain()).read, 1)
  const { shards, isRunning, tables } = await status()
  assert.deepEqual([shards.length, isRunning, tables.map(({ key }) => key)], [1, false, [['id']]])
  const name = ['--name', kinesis.name]
  assert.equal((await command('positions rewind', ...name, '--to', 'earliest', '--yes')).exitCode, 0)
  assert.deepEqual((await status()).shards, [])

  const relay = start()
  const lock = `${url.slice('pglite:'.length)}.lock`
  while (!(await readFile(lock, 'utf8')).includes(`process ${relay.child.pid} `)) await sleep(50)
  for (const words of ['status', 'positions list']) {
    const { exitCode, stderr } = await command(words, ...name)
    assert.equal(exitCode, 4)
    assert.match(stderr, new RegExp(`is open in process ${relay.child.pid} on host`))
  }
  const none = join(folder, 'none')
  const { exitCode, stderr } = await runProgramAgain(['status', '--sink', `pglite:${none}`, ...name], { cwd: folder })
  assert.equal(exitCode, 2)
  assert.match(stderr, /There is no PGlite folder/)
  await assert.rejects(readFile(none), { code: 'ENOENT' })
})

test('a name whose positions an engine keeps is shown as that, and nothing of it moves', async (t) => {
  const { url } = await testDatabase(t)
  const relay = await openRelay({
    name: 'engine',
    source: pushedSource({ id: 'arn:aws:kinesis:eu-north-1:1:stream/changes' }),
    sink: sqlSink({ url }),
  })
  await relay.close()
  const options = ['--sink', url, '--name', 'engine']
  const { isRunning, holder, notKnown } = JSON.parse((await runProgramAgain(['status', ...options])).stdout)
  assert.deepEqual([isRunning, holder], [null, null])
  assert.match(notKnown.join(), /an engine \(Lambda, KCL\) keeps its positions/)
  const moved = await runProgramAgain(['positions', 'forget', ...options, '--all', '--yes'])
  assert.equal(moved.exitCode, 2)
  assert.match(moved.stderr, /An engine \(Lambda, KCL\) keeps the positions/)
})

test('what is wrong with the options is in one message, and no password in it', async (t) => {
  const { folder } = await scene(t, inFile)
  await keptState(folder)
  const some = ['--state', 'file:state.json', '--name', 'orders']
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['status'], /--name is missing.*--sink is missing/s],
    [['status', '--sink', 'mysql://app:s3cret@db/w', '--name', 'x'], /mysql: is not known/],
    [['status', ...some, '--mode', 'append'], /--mode is not an option/],
    [['status', ...some, '--json=yes'], /--json must be true or false/],
    [['status', ...some, 'postgresql://app:s3cret@db/w'], /stands alone/],
    [['status', ...some, '--name', 'other'], /--name is given twice/],
    [['positions'], /What is to be done with the positions\?.*list, export, set/s],
    [['positions', 'lst', ...some], /positions lst is unknown \(did you mean list\?\)/],
    [['positions', 'list', 'now', ...some], /\\"now\\" is not an option/],
    [['positions', 'list', ...some, '--to', 'earliest'], /--to is not for positions list/],
    [['positions', 'rewind', ...some], /positions rewind needs --to/],
    [
      ['positions', 'rewind', ...some, '--to', 'yesterday', '--yes'],
      /\\"yesterday\\" is not earliest or an ISO 8601 time/,
    ],
    [
      ['positions', 'rewind', ...some, '--to', 'earliest', '--shard', 'b', '--yes'],
      /No position is stored of the shard b/,
    ],
    [['positions', 'rewind', ...some, '--to', 'earliest', '--all'], /--all is not for positions rewind/],
    [['positions', 'set', ...some, '--to', '5'], /positions set needs --shard/],
    [['positions', 'set', ...some, '--shard', 'a', '--to', '2026-11-30'], /is not earliest, end, an ISO 8601 time/],
    [['positions', 'forget', ...some], /positions forget needs --shard, or --all/],
    [['positions', 'forget', ...some, '--shard', 'a', '--all'], /positions forget needs --shard, or --all/],
    [['positions', 'import', ...some], /positions import needs --file/],
    [['positions', 'import', ...some, '--file', 'none.json'], /none.json cannot be read: ENOENT/],
    [['status', '--state', 'file:state.json', '--name', 'other'], /is of the relay \\"orders\\", not of \\"other\\"/],
  ]
  const before = await readFile(join(folder, 'state.json'), 'utf8')
  for (const [args, words] of cases) {
    const { exitCode, stdout, stderr } = await runProgramAgain(args, { cwd: folder })
    assert.deepEqual([exitCode, stdout], [2, ''], `${args.join(' ')}\n${stderr}`)
    assert.match(stderr, words)
    assert.doesNotMatch(stderr, /s3cret/)
  }
  assert.equal(await readFile(join(folder, 'state.json'), 'utf8'), before)
})

test('a relay is named by a YAML file and by variables as it is for run, whatever else stands there', async (t) => {
  const { folder, kinesis } = await scene(t, inFile)
  await keptState(folder)
  await writeFile(
    join(folder, 'relay.yaml'),
    'source: orders\nsink: "jsonl:changes.jsonl"\nstate: "file:state.json"\nmode: append\n',
  )
  const env = { CDC_RELAY_NAME: 'orders', CDC_RELAY_BATCH_RECORDS: '5' }
  for (const words of ['status', 'positions list']) {
    const args = [...words.split(' '), '--config', 'relay.yaml', '--endpoint-url', kinesis.url]
    const { exitCode, stdout, stderr } = await runProgramAgain(args, { cwd: folder, env })
    assert.equal(exitCode, 0, stderr)
    assert.equal(JSON.parse(stdout).shards[0].sequence, '5')
  }
})

/** The state of a relay `orders` that stands at 5 on the shard a. */
async function keptState(folder: string): Promise<void> {
  const store = fileStateStore(join(folder, 'state.json'))
  const signal = new AbortController().signal
  const stream = { id: 'arn:s', created: 'then', retentionMs: null }
  await store.claim(
    {
      relay: { name: 'orders', stream, start: null, settings: { mode: 'mirror' } },
      firstPositions: async () => new Map([['a', { sequence: '5', arrivedAt: null, caughtUpAt: null }]]),
      takeOver: false,
    },
    signal,
  )
  await store.close()
}
