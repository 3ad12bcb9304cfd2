import assert from 'node:assert/strict'
import test from 'node:test'
import type { RawClient } from './raw-client.ts'
import type { GpssSettings } from './settings.ts'
import { testGpss } from './test-gpss.ts'

const AB = { InsertColumns: ['a', 'b'] }
const MERGE = { ...AB, MatchColumns: ['a'], UpdateColumns: ['b'] }
const internal = (message: string) => ({ code: 'INTERNAL', message })

/** Which transaction ran a piece of SQL, and how often: `transactions` gets a line per run. */
const NOTE = 'INSERT INTO other.transactions VALUES (pg_current_xact_id()::text)'

const PLACEMENTS = [
  ['inside', 1, true],
  ['inside twice', 2, true],
  ['outside', 1, false],
  ['outside twice', 2, false],
] as const

for (const [placement, runs, withTheLoad] of PLACEMENTS) {
  for (const which of ['preSql', 'postSql'] as const) {
    test(`${which} ${placement}`, async (t) => {
      const { client, session, database } = await testGpss(t, 'a int, b text', { [which]: placement })
      await database.query('CREATE SCHEMA other; CREATE TABLE other.transactions (id text)')
      const id = await session()
      const field = which === 'preSql' ? 'PreSQL' : 'PostSQL'
      const load = async (Abort: boolean) => {
        await client.open(id, 'Insert', 'public.t', AB, { [field]: NOTE })
        await client.write(id, [1, 'x'])
        await client.close(id, { Abort })
      }
      await load(false)
      const seen = await database.query<{ id: string }>('SELECT id FROM other.transactions')
      const [row] = await database.query<{ xmin: string }>('SELECT xmin::text FROM t')
      assert.equal(seen.length, runs)
      assert.equal(
        seen.every((note) => note.id === row!.xmin),
        withTheLoad,
      )
      assert.equal(new Set(seen.map((note) => note.id)).size, withTheLoad ? 1 : runs)

      await load(true)
      const after = await database.query('SELECT id FROM other.transactions')
      const stays = which === 'preSql' && !withTheLoad
      assert.equal(after.length, stays ? 2 * runs : runs, 'an aborted load')
    })
  }
}

test('PostSQL that fails: inside it takes the load with it, outside the load stays', async (t) => {
  for (const postSql of ['inside', 'outside'] as const) {
    const { client, session, rows } = await testGpss(t, 'a int, b text', { postSql })
    const id = await session()
    await client.open(id, 'Insert', 'public.t', AB, { PostSQL: 'SELECT 1/0' })
    await client.write(id, [1, 'x'])
    await assert.rejects(client.close(id), internal('pq: division by zero'))
    assert.equal((await rows()).length, postSql === 'inside' ? 0 : 1)
  }
})

const COUNTS = [
  ['staged', 4n],
  ['affected', 2n],
  ['zero', 0n],
] as const

for (const [mergeSuccessCount, SuccessCount] of COUNTS) {
  test(`SuccessCount of a merge: ${mergeSuccessCount}`, async (t) => {
    const { load } = await testGpss(t, 'a int, b text', { mergeSuccessCount })
    const rows = [
      [1, 'v'],
      [1, 'w'],
      [2, 'x'],
      [2, 'y'],
    ] as const
    assert.equal((await load('Merge', MERGE, rows)).SuccessCount, SuccessCount)
    assert.equal((await load('Insert', AB, rows)).SuccessCount, 4n, 'of an insert all')
  })
}

test('duplicates in a merge: the first, or any but the last, whether they update or insert', async (t) => {
  const versions = ['v1', 'v2', 'v3', 'v4']
  const seeds = [1, 2, 3, 4, 5, 6]
  const winners = new Set<unknown>()
  for (const duplicates of ['first', ...seeds.map((randomSeed) => ({ randomSeed }))] as const) {
    const { load, rows } = await testGpss(t, 'a int, b text', { duplicates })
    await load('Insert', AB, [[1, 'old']])
    await load(
      'Merge',
      MERGE,
      versions.flatMap((version) => [
        [1, version],
        [2, version],
      ]),
    )
    const got = await rows()
    assert.equal(got.length, 2)
    for (const [, version] of got) {
      if (duplicates === 'first') assert.equal(version, 'v1')
      else winners.add(version)
    }
  }
  assert.ok(winners.size > 1, 'chance chooses')
  assert.ok(!winners.has('v4') && !winners.has('old'), `never the last: ${[...winners]}`)
})

test('duplicates in strict mode fail the load; nulls count as equal there', async (t) => {
  const { load, rows } = await testGpss(t, 'a int, b text', { duplicates: 'strict' })
  const twice = internal('pq: two rows of one load have the same match columns')
  await assert.rejects(load('Merge', MERGE, [[1, 'x']], [[1, 'y']]), twice)
  await load('Merge', MERGE, [
    [1, 'x'],
    [2, 'x'],
  ])
  assert.equal((await rows()).length, 2)
})

test('Abort ignored: Close commits what was written', async (t) => {
  const { client, session, rows } = await testGpss(t, 'a int, b text', { abortIgnored: true })
  const id = await session()
  await client.open(id, 'Insert', 'public.t', AB)
  await client.write(id, [1, 'x'])
  assert.equal((await client.close(id, { Abort: true })).SuccessCount, 1n)
  assert.equal((await rows()).length, 1)
})

test('before 1.10: no error rows, no Abort, no timeout of its own', async (t) => {
  let now = 0
  const settings = { before110: true, now: () => now, defaultSessionTimeoutSeconds: 100 }
  const { client, login, rows } = await testGpss(t, 'a int, b text', settings)
  const id = await client.connect({ ...login, SessionTimeout: 10 })
  now = 50_000
  await client.open(id, 'Insert', 'public.t', { ...AB, ErrorLimitCount: 9n })
  await client.write(id, [1, 'x'], ['bad', 'x'])
  const stats = await client.close(id, { MaxErrorRows: -1, Abort: true })
  assert.deepEqual(stats, { SuccessCount: 1n, ErrorCount: 1n, ErrorRows: [] })
  assert.equal((await rows()).length, 1)
})

test('names folded to lower case: as PostgreSQL takes them without quotes', async (t) => {
  const { client, session, database, rows } = await testGpss(t, 'a int, b text', { foldNames: true })
  await database.query('CREATE TABLE "Upper" (a int)')
  const id = await session()
  await client.open(id, 'Merge', 'PUBLIC.T', { InsertColumns: ['A', 'B'], MatchColumns: ['A'], UpdateColumns: ['b'] })
  await client.write(id, [1, 'x'])
  await client.close(id)
  assert.deepEqual(await rows(), [[1, 'x']])
  assert.equal((await client.describe(id, 'Public', 'T')).length, 2)
  const refused = (table: string, columns: string[]) =>
    client.open(id, 'Insert', `public.${table}`, { InsertColumns: columns })
  await assert.rejects(refused('Upper', ['a']), internal('pq: relation "public.upper" does not exist'))
  await assert.rejects(refused('t', ['a', 'two words']), internal('pq: syntax error at or near "two words"'))
  await assert.rejects(refused('t', ['order']), internal('pq: syntax error at or near "order"'))
})

test('data errors at Close only', async (t) => {
  const { client, session, rows } = await testGpss(t, 'a int, b text', { dataErrors: 'close' })
  const id = await session()
  await client.open(id, 'Insert', 'public.t', AB)
  await client.write(id, ['bad', 'x'])
  await client.write(id, [1, 'x'])
  await assert.rejects(client.close(id), internal('pq: invalid input syntax for type integer: "bad"'))
  await client.open(id, 'Insert', 'public.t', { ...AB, ErrorLimitCount: 2n })
  await client.write(id, ['bad', 'x'], [1, 'x'])
  assert.equal((await client.close(id)).SuccessCount, 1n)
  assert.deepEqual(await rows(), [[1, 'x']])
})

const FAILED: readonly [title: string, settings: GpssSettings, closes: 'zeros' | 'error' | 'commits'][] = [
  ['Close answers zeros', {}, 'zeros'],
  ['Close fails, too', { closeOfFailedLoad: 'error' }, 'error'],
  ['the Writes before are kept', { failedWrite: 'keep' }, 'commits'],
]

for (const [title, settings, closes] of FAILED) {
  test(`after a Write that failed: ${title}`, async (t) => {
    const { client, session, rows } = await testGpss(t, 'a int, b text', settings)
    const id = await session()
    const fail = async () => {
      await client.open(id, 'Insert', 'public.t', AB)
      await client.write(id, [1, 'before'])
      await assert.rejects(client.write(id, [2, 'good'], ['bad', 'x']))
      await assert.rejects(client.write(id, [3, 'after']), { code: 'INTERNAL' })
    }
    await fail()
    assert.deepEqual(await client.close(id, { Abort: true }), { SuccessCount: 0n, ErrorCount: 0n, ErrorRows: [] })
    assert.deepEqual(await rows(), [])
    await fail()
    if (closes === 'error') await assert.rejects(client.close(id), { code: 'INTERNAL' })
    else assert.equal((await client.close(id)).SuccessCount, closes === 'commits' ? 1n : 0n)
    assert.deepEqual(await rows(), closes === 'commits' ? [[1, 'before']] : [])
    await client.open(id, 'Insert', 'public.t', AB)
  })
}

test('a second load into one table, allowed or refused', async (t) => {
  for (const concurrentLoads of ['allow', 'refuse', { refuseWith: 'not now' }] as const) {
    const { client, session, database, rows } = await testGpss(t, 'a int, b text', { concurrentLoads })
    await database.query('CREATE TABLE u (a int, b text)')
    const [first, second] = [await session(), await session()]
    await client.open(first, 'Insert', 'public.t', AB)
    const open = () => client.open(second, 'Insert', 'public.t', AB)
    if (concurrentLoads === 'allow') {
      await open()
      await client.write(first, [1, 'x'])
      await client.write(second, [2, 'x'])
      await client.close(second)
      await client.close(first)
      assert.equal((await rows()).length, 2)
      continue
    }
    const words = concurrentLoads === 'refuse' ? /^pq: another load into .* public\.t is open$/ : /^not now$/
    await assert.rejects(open(), { message: words })
    await client.open(second, 'Insert', 'public.u', AB)
    await client.disconnect(second)
    await client.close(first)
    const third = await session()
    await client.open(third, 'Insert', 'public.t', AB)
    await client.disconnect(third)
  }
})

test("Greenplum's rules: distribution keys, and segments in data errors", async (t) => {
  const greenplum = {
    distributionKeys: new Map([
      ['public.t', ['a']],
      ['public.u', ['b']],
    ]),
  }
  const { client, session, database } = await testGpss(t, 'a int PRIMARY KEY, b text', { greenplum })
  await database.query('CREATE TABLE u (a int PRIMARY KEY, b text)')
  const id = await session()
  await assert.rejects(
    client.open(id, 'Merge', 'public.t', { ...MERGE, UpdateColumns: ['a', 'b'] }),
    internal('pq: Cannot parallelize an UPDATE statement that updates the distribution columns'),
  )
  await assert.rejects(
    client.open(id, 'Insert', 'public.u', AB),
    internal('pq: PRIMARY KEY and DISTRIBUTED BY definitions are incompatible'),
  )
  const suffix = '  (seg0 slice1 127.0.0.1:6000 pid=1)'
  await client.open(id, 'Merge', 'public.t', MERGE)
  await assert.rejects(
    client.write(id, ['bad', 'x']),
    internal(`pq: invalid input syntax for type integer: "bad"${suffix}`),
  )
  await client.close(id)
  await client.open(id, 'Insert', 'public.t', { ...AB, ErrorLimitCount: 2n })
  await assert.rejects(
    client.write(id, ['bad', 'x'], ['bad', 'x']),
    internal(`pq: segment reject limit reached, aborting operation${suffix}`),
  )
})

type Call = (client: RawClient, id: string) => Promise<unknown>

const SWITCHES: readonly [title: string, settings: GpssSettings, call: Call, answer: unknown][] = [
  [
    'empty InsertColumns',
    { emptyInsertColumns: 'all' },
    (client, id) => client.open(id, 'Insert', 'public.t', {}),
    undefined,
  ],
  [
    'empty loads refused',
    { emptyLoads: 'refuse' },
    async (client, id) => {
      await client.open(id, 'Insert', 'public.t', AB)
      return client.close(id)
    },
    internal('no rows were written'),
  ],
  [
    'values of an update in the order of the table',
    { updateValues: 'all columns' },
    async (client, id) => {
      await client.open(id, 'Update', 'public.t', { MatchColumns: ['b'], UpdateColumns: ['a'] })
      await client.write(id, [5, 'x'])
      return (await client.close(id)).SuccessCount
    },
    1n,
  ],
  [
    'types not strict',
    { strictTypes: false },
    async (client, id) => {
      await client.open(id, 'Insert', 'public.t', AB)
      await client.write(id, [7n, 1.5])
      return (await client.close(id)).SuccessCount
    },
    1n,
  ],
  [
    'types spelled upper case',
    { databaseType: 'upper' },
    async (client, id) => (await client.describe(id, 'public', 't')).map(({ DatabaseType }) => DatabaseType),
    ['INT4', 'TEXT'],
  ],
  [
    'types spelled as in SQL',
    { databaseType: 'sql' },
    async (client, id) => (await client.describe(id, 'public', 't')).map(({ DatabaseType }) => DatabaseType),
    ['integer', 'text'],
  ],
  [
    'no error for a missing table',
    { describeMissing: 'empty' },
    (client, id) => client.describe(id, 'public', 'u'),
    [],
  ],
  ['Disconnect of nothing', { disconnectUnknown: 'ok' }, (client) => client.disconnect('nothing'), undefined],
  [
    'words for an unknown session',
    { unknownSession: { code: 5, message: 'who?' } },
    (client) => client.write('nothing', [1]),
    { code: 'NOT_FOUND', message: 'who?' },
  ],
  [
    'the receive limit',
    { maxReceiveBytes: 100 },
    (client, id) => client.write(id, ['x'.repeat(100)]),
    { code: 'RESOURCE_EXHAUSTED', message: 'grpc: received message larger than max (149 vs. 100)' },
  ],
]

for (const [title, settings, call, expected] of SWITCHES) {
  test(`switched: ${title}`, async (t) => {
    // A Connect of this database is longer than the smallest limit.
    const { client, session } = await testGpss(t, 'a int, b text', settings)
    const id = settings.maxReceiveBytes === undefined ? await session() : '36 characters, as the id of a session'
    const answer = await call(client, id).catch((refusal: unknown) => refusal)
    assert.deepEqual(answer, expected)
  })
}

test('messages of up to 4 MiB pass, and grpc-go says so of a longer one; the load goes on', async (t) => {
  const { client, session, gpss, database } = await testGpss(t, 'a int, b text')
  const id = await session()
  await client.open(id, 'Insert', 'public.t', AB)
  await client.write(id, [1, 'x'])
  const bytesBeside = 4 + gpss.calls.at(-1)!.bytes
  const longest = 4 * 1024 * 1024 - bytesBeside
  const tooLong = { code: 'RESOURCE_EXHAUSTED', message: /received message larger than max \(41943\d\d vs\. 4194304\)/ }
  await assert.rejects(client.write(id, [2, 'x'.repeat(longest + 30)]), tooLong)
  await client.write(id, [2, 'x'.repeat(longest - 30)])
  await client.close(id)
  assert.deepEqual(await database.query('SELECT count(*)::int AS n FROM t'), [{ n: 2 }])
})
