import assert from 'node:assert/strict'
import test from 'node:test'
import { type Plain, type RawClient, rowOf, writeRequest } from './raw-client.ts'
import { testGpss } from './test-gpss.ts'
import { OpenRequest, Row, RowData, WriteRequest } from './wire-messages.ts'

const INTERNAL = 'INTERNAL'
const AB = { InsertColumns: ['a', 'b'] }
const MERGE = { ...AB, MatchColumns: ['a'], UpdateColumns: ['b'] }
const internal = (message: string) => ({ code: INTERNAL, message })

test('bytes from the tables of the documentation load a row', async (t) => {
  const { client, login, rows } = await testGpss(t, 'a int, b text')
  const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
  const text = (tag: string, value: string) =>
    Buffer.concat([hex(tag), Buffer.from([value.length]), Buffer.from(value)])
  const port = Buffer.from([0x10, (login.Port! & 0x7f) | 0x80, ((login.Port! >> 7) & 0x7f) | 0x80, login.Port! >> 14])
  const connect = [
    text('0A', login.Host!),
    port,
    text('1A', login.Username!),
    text('22', login.Password!),
    text('2A', login.DB!),
  ]
  const id = (await client.call('Connect', Buffer.concat(connect))).subarray(2)
  const session = Buffer.concat([hex('0A'), Buffer.from([id.length + 2]), text('0A', id.toString())])
  const open = hex('12 06 70 75 62 6C 69 63 1A 01 74 A2 06 06 0A 01 61 0A 01 62')
  const write = hex('12 0B 0A 09 0A 02 08 01 0A 03 3A 01 61')
  assert.equal((await client.call('Open', Buffer.concat([session, open]))).length, 0)
  assert.equal((await client.call('Write', Buffer.concat([session, write]))).length, 0)
  assert.equal((await client.call('Close', session)).toString('hex'), '0801')
  assert.equal((await client.call('Disconnect', text('0A', id.toString()))).length, 0)
  assert.deepEqual(await rows(), [[1, 'a']])
})

/** Brings a session into a state. */
const STATES: Readonly<Record<string, (id: string, client: RawClient) => Promise<unknown>>> = {
  idle: async () => {},
  open: (id, client) => client.open(id, 'Insert', 'public.t', AB),
  failed: async (id, client) => {
    await client.open(id, 'Insert', 'public.t', AB)
    await client.write(id, [1, 'taken'])
    await assert.rejects(client.write(id, ['one', 'x']))
  },
  ended: (id, client) => client.disconnect(id),
}

const CALLS: Readonly<Record<string, (id: string, client: RawClient) => Promise<unknown>>> = {
  Open: (id, client) => client.open(id, 'Insert', 'public.t', AB),
  Write: (id, client) => client.write(id, [7, 'x']),
  Close: (id, client) => client.close(id),
  Describe: async (id, client) => (await client.describe(id, 'public', 't')).map(({ Name }) => Name),
  ListTable: async (id, client) => (await client.listTables(id, '')).map(({ Name }) => Name),
  ListSchema: async (id, client) => (await client.listSchemas(id)).map(({ Name }) => Name).includes('public'),
  Disconnect: (id, client) => client.disconnect(id),
}

const zeros = { SuccessCount: 0n, ErrorCount: 0n, ErrorRows: [] }
const metadata = { Describe: ['a', 'b'], ListTable: ['t'], ListSchema: true }
const notFound = internal('session not found')
const failed = internal('the load has failed: pq: invalid input syntax for type integer: "one"')

/** What each call answers in each state: the message of a failure, or the answer. */
const CELLS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  idle: {
    ...metadata,
    Open: undefined,
    Write: internal('Need to open a load task before write'),
    Close: internal('Need to open a load task before close'),
    Disconnect: undefined,
  },
  open: {
    ...metadata,
    Open: internal('Load task is already opened'),
    Write: undefined,
    Close: zeros,
    Disconnect: undefined,
  },
  failed: {
    ...metadata,
    Open: internal('Load task is already opened'),
    Write: failed,
    Close: zeros,
    Disconnect: undefined,
  },
  ended: {
    Open: notFound,
    Write: notFound,
    Close: notFound,
    Describe: notFound,
    ListTable: notFound,
    ListSchema: notFound,
    Disconnect: notFound,
  },
}

test('every call in every state', async (t) => {
  const { client, session, rows } = await testGpss(t, 'a int, b text')
  for (const [state, reach] of Object.entries(STATES)) {
    for (const [name, call] of Object.entries(CALLS)) {
      const id = await session()
      await reach(id, client)
      const answer = await call(id, client).catch((refusal: unknown) => refusal)
      assert.deepEqual(answer, CELLS[state]![name], `${name} while ${state}`)
      if (state !== 'ended' && name !== 'Disconnect') await client.disconnect(id)
    }
  }
  assert.deepEqual(await rows(), [], 'none of them committed a row')
})

test('a session goes on after a load that failed, and another session is another session', async (t) => {
  const { client, session, rows } = await testGpss(t, 'a int, b text')
  const [first, second] = [await session(), await session()]
  assert.notEqual(first, second)
  await STATES.failed!(first, client)
  await client.close(first)
  for (const id of [first, second]) {
    await client.open(id, 'Insert', 'public.t', AB)
    await client.write(id, [id === first ? 1 : 2, 'x'])
    assert.deepEqual(await client.close(id), { ...zeros, SuccessCount: 1n })
  }
  assert.deepEqual(await rows(), [
    [1, 'x'],
    [2, 'x'],
  ])
})

test('nobody sees a row before Close, nor after Abort or Disconnect', async (t) => {
  const { client, session, rows } = await testGpss(t, 'a int, b text')
  for (const mode of ['Insert', 'Merge'] as const) {
    const before = await rows()
    const id = await session()
    const open = () => client.open(id, mode, 'public.t', mode === 'Insert' ? AB : MERGE)
    await open()
    await client.write(id, [mode.length, 'x'])
    await client.write(id, [mode.length + 1, 'x'])
    assert.deepEqual(await rows(), before)
    assert.deepEqual(await client.close(id, { Abort: true }), zeros)
    assert.deepEqual(await rows(), before)
    await open()
    await client.write(id, [mode.length, mode])
    assert.deepEqual(await rows(), before)
    await client.close(id)
    assert.equal((await rows()).length, before.length + 1)
    await open()
    await client.write(id, [0, 'never'])
    await client.disconnect(id)
  }
  assert.deepEqual(await rows(), [
    [5, 'Merge'],
    [6, 'Insert'],
  ])
})

const LOGINS: readonly [title: string, wrong: Parameters<RawClient['connect']>[0], says: RegExp][] = [
  ['password', { Password: 'wrong' }, /^pq: password authentication failed for user "postgres"$/],
  ['user', { Username: 'nobody' }, /^pq: password authentication failed for user "nobody"$/],
  ['database', { DB: 'nowhere' }, /^pq: database "nowhere" does not exist$/],
  ['port', { Port: 1 }, /^dial tcp 127\.0\.0\.1:1: connect: connection refused$/],
  ['name of a host', { Host: 'nowhere.invalid' }, /^dial tcp: lookup nowhere\.invalid: no such host$/],
  ['no password', { Password: '' }, /^pq: password authentication failed for user "postgres"$/],
  ['host', { Host: '' }, /^pq: ConnectRequest names no Host$/],
]

test('Connect really connects', async (t) => {
  const { client, login, gpss } = await testGpss(t, 'a int')
  for (const [title, wrong, says] of LOGINS) {
    const refusal = await client.connect({ ...login, ...wrong }).catch((error: unknown) => error)
    const { code, message } = refusal as { code: string; message: string }
    assert.equal(code, INTERNAL, title)
    assert.match(message, says)
  }
  assert.equal(gpss.sessions, 0)
  assert.ok(await client.connect({ ...login, UseSSL: true }))
})

const OPENS: readonly [
  title: string,
  mode: Parameters<RawClient['open']>[1],
  table: string,
  option: object,
  message: string,
][] = [
  ['no such table', 'Insert', 'public.missing', AB, 'pq: relation "public.missing" does not exist'],
  ['no such schema', 'Insert', 'missing.t', AB, 'pq: relation "missing.t" does not exist'],
  [
    'no such column',
    'Insert',
    'public.t',
    { InsertColumns: ['a', 'z'] },
    'pq: column "z" of relation "t" does not exist',
  ],
  ['a column twice', 'Insert', 'public.t', { InsertColumns: ['a', 'a'] }, 'pq: column "a" specified more than once'],
  ['names are not folded', 'Insert', 'public.T', AB, 'pq: relation "public.T" does not exist'],
  ['no columns', 'Insert', 'public.t', {}, 'InsertColumns must not be empty'],
  ['no match columns', 'Merge', 'public.t', { ...MERGE, MatchColumns: [] }, 'MatchColumns must not be empty'],
  ['no update columns', 'Merge', 'public.t', { ...MERGE, UpdateColumns: [] }, 'UpdateColumns must not be empty'],
  ['no match columns to update', 'Update', 'public.t', { UpdateColumns: ['b'] }, 'MatchColumns must not be empty'],
  [
    'a match column without value',
    'Merge',
    'public.t',
    { ...MERGE, InsertColumns: ['b'] },
    'pq: column from_table.a does not exist',
  ],
  [
    'an update column without value',
    'Merge',
    'public.t',
    { ...MERGE, UpdateColumns: ['c'] },
    'pq: column from_table.c does not exist',
  ],
  [
    'a limit of one row',
    'Insert',
    'public.t',
    { ...AB, ErrorLimitCount: 1n },
    'pq: segment reject limit in ROWS must be 2 or larger (got 1)',
  ],
  [
    'a limit of 101 percent',
    'Insert',
    'public.t',
    { ...AB, ErrorLimitPercentage: 101 },
    'pq: segment reject limit in PERCENT must be between 1 and 100 (got 101)',
  ],
]

test('Open refuses what cannot be loaded, and the session stays idle', async (t) => {
  const { client, session } = await testGpss(t, 'a int, b text, c text')
  const id = await session()
  for (const [title, mode, table, option, message] of OPENS) {
    await assert.rejects(client.open(id, mode, table, option), internal(message), title)
  }
  const bare = { Session: { ID: id }, SchemaName: 'public', TableName: 't' }
  await assert.rejects(
    client.call('Open', OpenRequest.encode(bare)),
    internal('one of InsertOption, UpdateOption and MergeOption must be set'),
  )
  const raw = { Formats: { case: 'csv', value: new Uint8Array([18, 1, 44]) } } as const
  await assert.rejects(client.open(id, 'Insert', 'public.t', AB, raw), internal('raw format csv is not supported'))
  await assert.rejects(
    client.open(id, 'Insert', 'public.t', AB, { StagingSchema: 'staging' }),
    internal('pq: schema "staging" does not exist'),
  )
  await assert.rejects(
    client.open(id, 'Insert', 'public.t', AB, { PreSQL: 'SELECT 1/0' }),
    internal('pq: division by zero'),
  )
  await client.open(id, 'Insert', 'public.t', AB)
})

const REFUSED_ROWS: readonly [title: string, row: readonly Plain[] | Uint8Array, message: string][] = [
  ['a value that is none', [1, undefined], 'pq: no value for column "b": a DBValue has no member set'],
  ['a value too few', [1], 'pq: missing data for column "b"'],
  ['a value too many', [1, 'x', 'y'], 'pq: extra data after last expected column'],
  ['text that is no number', ['1x', 'x'], 'pq: invalid input syntax for type integer: "1x"'],
  ['a bigint for an integer', [1n, 'x'], 'pq: column "a" is of type integer but expression is of type Int64Value'],
  ['too long', [1, 'abcd'], 'pq: value too long for type character varying(3)'],
  ['NUL', [1, '\0'], 'pq: invalid byte sequence for encoding "UTF8": 0x00'],
  ['bytes that are no Row', Buffer.from('0aff', 'hex'), 'row 2 of the message is no Row: the message is cut off'],
  [
    'a Row inside of a Row',
    RowData.encode({ Data: rowOf([1, 'x']) }),
    'row 2 of the message is no Row: field 1 has wire type 2',
  ],
]

test('Write refuses bad rows, and none of its load remains', async (t) => {
  const { client, session, rows } = await testGpss(t, 'a int, b varchar(3)')
  const id = await session()
  for (const [title, row, message] of REFUSED_ROWS) {
    const data = row instanceof Uint8Array ? row : rowOf(row)
    const request = {
      Session: { ID: id },
      Rows: [{ Data: rowOf([1, 'ok']) }, { Data: data }, { Data: rowOf([3, 'ok']) }],
    }
    await client.open(id, 'Insert', 'public.t', AB)
    await client.write(id, [0, 'ok'])
    await assert.rejects(client.call('Write', WriteRequest.encode(request)), internal(message), title)
    assert.deepEqual(await client.close(id), zeros)
  }
  assert.deepEqual(await rows(), [])
})

test('a request that is no message, and a method that is none', async (t) => {
  const { client } = await testGpss(t, 'a int')
  await assert.rejects(
    client.call('Open', Buffer.from('0aff', 'hex')),
    internal('grpc: error unmarshalling request: proto: the message is cut off'),
  )
  await assert.rejects(client.call('Nothing', Buffer.alloc(0)), { code: 'UNIMPLEMENTED' })
})

test('each member into the type that it is documented for, text into every type', async (t) => {
  const { database, client, session } = await testGpss(
    t,
    `i int, l bigint, f float4, d float8, b bytea, ts timestamp, n numeric(10,2), j json, jb jsonb, o boolean,
     tz timestamptz, dt date, u uuid, ar int[], bi bit(3), ch char(3), sm smallint`,
  )
  const names = ['i', 'l', 'f', 'd', 'b', 'ts', 'n', 'j', 'jb', 'o', 'tz', 'dt', 'u', 'ar', 'bi', 'ch', 'sm']
  const id = await session()
  await client.open(id, 'Insert', 'public.t', { InsertColumns: names })
  const uuid = '00000000-0000-0000-0000-000000000001'
  const row = rowOf([-1, 9223372036854775807n, null, -0.5, new Uint8Array([0, 255]), new Date(-1)])
  const texts = rowOf([
    '1.005',
    '{"k": 1.0}',
    '{"k":1.0}',
    'true',
    '2026-01-01T00:00:00Z',
    '2026-01-02',
    uuid,
    '{1,2}',
    '101',
    'é',
    '7',
  ])
  const [head, tail] = [Row.decode(row), Row.decode(texts)]
  head.Columns[2] = { DBType: { case: 'Float32Value', value: 1.5 } }
  const Data = Row.encode({ Columns: [...head.Columns, ...tail.Columns] })
  await client.call('Write', WriteRequest.encode({ Session: { ID: id }, Rows: [{ Data }] }))
  await client.write(
    id,
    names.map(() => null),
  )
  await client.close(id)
  const [filled, nulls] = await database.query(
    `SELECT (to_jsonb(t) - 'tz' - 'j')::text || j::text AS text FROM t ORDER BY i`,
  )
  assert.deepEqual(filled, {
    text: `{"b": "\\\\x00ff", "d": -0.5, "f": 1.5, "i": -1, "l": 9223372036854775807, "n": 1.01, "o": true, "u": "${uuid}", "ar": [1, 2], "bi": "101", "ch": "é  ", "dt": "2026-01-02", "jb": {"k": 1.0}, "sm": 7, "ts": "1969-12-31T23:59:59.999"}{"k": 1.0}`,
  })
  assert.deepEqual(nulls, { text: null })
})

test('a merge updates what matches and inserts the rest; a null matches nothing', async (t) => {
  const { load, rows } = await testGpss(t, 'a int, b text, c text')
  await load('Insert', { InsertColumns: ['a', 'b', 'c'] }, [
    [1, 'old', 'kept'],
    [2, 'old', 'kept'],
  ])
  const option = { InsertColumns: ['b', 'a', 'c'], MatchColumns: ['a'], UpdateColumns: ['b'] }
  const merge = () =>
    load(
      'Merge',
      option,
      [
        ['new', 1, 'sent'],
        ['new', 3, 'sent'],
      ],
      [['new', null, 'sent']],
    )
  assert.deepEqual(await merge(), { SuccessCount: 3n, ErrorCount: 0n, ErrorRows: [] })
  await merge()
  assert.deepEqual(await rows(), [
    [1, 'new', 'kept'],
    [2, 'old', 'kept'],
    [3, 'new', 'sent'],
    [null, 'new', 'sent'],
    [null, 'new', 'sent'],
  ])
})

test('an update changes what matches and ignores the rest', async (t) => {
  const { load, rows } = await testGpss(t, 'a int, b text, c text')
  await load('Insert', { InsertColumns: ['a', 'b', 'c'] }, [[1, 'old', 'kept']])
  await load('Update', { MatchColumns: ['a'], UpdateColumns: ['b'] }, [
    [1, 'new'],
    [2, 'new'],
  ])
  assert.deepEqual(await rows(), [[1, 'new', 'kept']])
})

const CONDITIONS = ['into_table.b < from_table.b', 'b < from_table.b', "b = 'm'"]

for (const Condition of CONDITIONS) {
  test(`a condition guards the update of a merge: ${Condition}`, async (t) => {
    const { load, rows } = await testGpss(t, 'a int, b text')
    await load('Insert', AB, [
      [1, 'm'],
      [2, 'z'],
    ])
    await load('Merge', { ...MERGE, Condition }, [
      [1, 'n'],
      [2, 'n'],
      [3, 'n'],
    ])
    assert.deepEqual(await rows(), [
      [1, 'n'],
      [2, 'z'],
      [3, 'n'],
    ])
  })
}

test('columns that are not loaded get their default; TruncateTable empties the table in the transaction', async (t) => {
  const { client, session, database } = await testGpss(t, "a int, b text, c text DEFAULT 'given'")
  const id = await session()
  await database.query("INSERT INTO t VALUES (9, 'old')")
  await client.open(id, 'Insert', 'public.t', { ...AB, TruncateTable: true })
  await client.write(id, [1, 'x'])
  await client.close(id, { Abort: true })
  assert.deepEqual(await database.query('SELECT a FROM t'), [{ a: 9 }])
  await client.open(id, 'Insert', 'public.t', { ...AB, TruncateTable: true })
  await client.write(id, [1, 'x'])
  await client.close(id)
  assert.deepEqual(await database.query('SELECT a, b, c FROM t'), [{ a: 1, b: 'x', c: 'given' }])
})

test('a constraint fails the load at Close, whatever the error limit', async (t) => {
  const { client, session, rows } = await testGpss(t, "a int PRIMARY KEY, b text NOT NULL CHECK (b <> '')")
  const id = await session()
  const cases: [rows: Plain[][], message: string][] = [
    [
      [
        [1, 'x'],
        [1, 'y'],
      ],
      'pq: duplicate key value violates unique constraint "t_pkey"',
    ],
    [[[1, null]], 'pq: null value in column "b" of relation "t" violates not-null constraint'],
    [[[1, '']], 'pq: new row for relation "t" violates check constraint "t_b_check"'],
  ]
  for (const [bad, message] of cases) {
    await client.open(id, 'Insert', 'public.t', { ...AB, ErrorLimitCount: 100n })
    await client.write(id, ...bad)
    await assert.rejects(client.close(id), internal(message))
    await assert.rejects(client.close(id), internal('Need to open a load task before close'))
  }
  assert.deepEqual(await rows(), [])
})

test('the constraint of a domain is one, too: no error limit covers it', async (t) => {
  const { client, session, database } = await testGpss(t, 'a int, b text')
  await database.query('CREATE DOMAIN positive AS int CHECK (VALUE > 0); ALTER TABLE t ADD c positive')
  const id = await session()
  await client.open(id, 'Insert', 'public.t', { InsertColumns: ['a', 'c'], ErrorLimitCount: 100n })
  await assert.rejects(
    client.write(id, [1, 1], [2, -1]),
    internal('pq: value for domain positive violates check constraint "positive_check"'),
  )
})

interface LimitCase {
  readonly title: string
  readonly limit: { readonly ErrorLimitCount?: bigint; readonly ErrorLimitPercentage?: number }
  readonly settings?: Parameters<typeof testGpss>[2]
  /** In order; `x` is a bad row. A Write ends at a space. */
  readonly rows: string
  /** Bad and good rows that are counted; null: the load fails. */
  readonly counts: readonly [bad: bigint, good: bigint] | null
}

const LIMITS: readonly LimitCase[] = [
  { title: 'off', limit: {}, rows: '.x', counts: null },
  { title: 'below a count', limit: { ErrorLimitCount: 3n }, rows: '.x.x.', counts: [2n, 3n] },
  { title: 'at a count', limit: { ErrorLimitCount: 3n }, rows: '.x.xx', counts: null },
  { title: 'over several Writes', limit: { ErrorLimitCount: 3n }, rows: '.x .x x', counts: null },
  {
    title: 'each segment for itself',
    limit: { ErrorLimitCount: 2n },
    settings: { segments: 2 },
    rows: 'xx',
    counts: [2n, 0n],
  },
  {
    title: 'two in one of the segments',
    limit: { ErrorLimitCount: 2n },
    settings: { segments: 2 },
    rows: 'x.x',
    counts: null,
  },
  { title: 'percent of few rows', limit: { ErrorLimitPercentage: 1 }, rows: 'x.xx', counts: [3n, 1n] },
  {
    title: 'percent behind the threshold',
    limit: { ErrorLimitPercentage: 50 },
    settings: { rejectPercentThreshold: 3 },
    rows: '..xx',
    counts: null,
  },
  {
    title: 'below the percentage',
    limit: { ErrorLimitPercentage: 51 },
    settings: { rejectPercentThreshold: 3 },
    rows: '..xx',
    counts: [2n, 2n],
  },
  { title: 'the count of both', limit: { ErrorLimitCount: 2n, ErrorLimitPercentage: 100 }, rows: 'xx', counts: null },
  {
    title: 'the percentage of both',
    limit: { ErrorLimitCount: 2n, ErrorLimitPercentage: 100 },
    settings: { bothLimits: 'percentage' },
    rows: 'xx.',
    counts: [2n, 1n],
  },
]

for (const { title, limit, settings, rows, counts } of LIMITS) {
  test(`error limit: ${title}`, async (t) => {
    const tested = await testGpss(t, 'a int', settings)
    const writes = rows.split(' ').map((write) => [...write].map((row) => [row === 'x' ? 'bad' : 1]))
    const loading = tested.load('Insert', { InsertColumns: ['a'], ...limit }, ...writes)
    if (counts === null) {
      const alone = 'pq: invalid input syntax for type integer: "bad"'
      const reached = 'pq: segment reject limit reached, aborting operation'
      await assert.rejects(loading, internal(title === 'off' ? alone : reached))
    } else {
      const [ErrorCount, SuccessCount] = counts
      assert.deepEqual(await loading, { SuccessCount, ErrorCount, ErrorRows: [] })
    }
    assert.equal((await tested.rows()).length, Number(counts?.[1] ?? 0))
  })
}

test('MaxErrorRows: none, some, all', async (t) => {
  const { client, session } = await testGpss(t, 'a int')
  const id = await session()
  const bad = ['x', 'y', 'z'].map((text) => `pq: invalid input syntax for type integer: "${text}"`)
  for (const [MaxErrorRows, ErrorRows] of [
    [0, []],
    [2, bad.slice(0, 2)],
    [-1, bad],
  ] as const) {
    await client.open(id, 'Insert', 'public.t', { InsertColumns: ['a'], ErrorLimitCount: 10n })
    await client.write(id, ['x'], [1], ['y'], [2], ['z'])
    assert.deepEqual(await client.close(id, { MaxErrorRows }), { SuccessCount: 2n, ErrorCount: 3n, ErrorRows })
  }
})

test('metadata', async (t) => {
  const { client, session, database } = await testGpss(
    t,
    'id bigint PRIMARY KEY, v varchar(7), n numeric(12,3), x text, old int',
  )
  await database.query('ALTER TABLE t DROP COLUMN old')
  await database.query('CREATE VIEW seen AS SELECT 1; CREATE SEQUENCE counted')
  await database.query('CREATE SCHEMA other; CREATE TABLE other.u (a int); CREATE TABLE other.bare ()')
  const id = await session()
  const owners = await client.listSchemas(id)
  assert.deepEqual(
    owners.filter(({ Name }) => Name === 'other'),
    [{ Name: 'other', Owner: 'postgres' }],
  )
  assert.deepEqual(await client.listTables(id, ''), [
    { Name: 'counted', Type: 3 },
    { Name: 'seen', Type: 1 },
    { Name: 't', Type: 0 },
    { Name: 't_pkey', Type: 2 },
  ])
  assert.deepEqual(
    (await client.listTables(id, 'other')).map(({ Name }) => Name),
    ['bare', 'u'],
  )
  const plain = { HasLength: false, Length: 0n, HasPrecisionScale: false, Precision: 0n, Scale: 0n, HasNullable: true }
  assert.deepEqual(await client.describe(id, 'public', 't'), [
    { ...plain, Name: 'id', DatabaseType: 'int8', Nullable: false },
    { ...plain, Name: 'v', DatabaseType: 'varchar', Nullable: true, HasLength: true, Length: 7n },
    {
      ...plain,
      Name: 'n',
      DatabaseType: 'numeric',
      Nullable: true,
      HasPrecisionScale: true,
      Precision: 12n,
      Scale: 3n,
    },
    { ...plain, Name: 'x', DatabaseType: 'text', Nullable: true },
  ])
  assert.deepEqual(await client.describe(id, 'other', 'bare'), [])
  await assert.rejects(client.describe(id, 'public', 'u'), internal('pq: relation "public.u" does not exist'))
})

test('the audit tells flow, order, sizes, rows and columns', async (t) => {
  const { client, session, gpss } = await testGpss(t, 'a int, b text')
  const id = await session()
  await client.open(id, 'Insert', 'public.t', AB, { PostSQL: 'SELECT 1' })
  await client.write(id, [1, 'x'], [2, 'x'])
  await client.write(id, [3, 'x'])
  await client.close(id)
  await assert.rejects(client.close(id))
  await client.disconnect(id)
  const seen = gpss.calls.map(({ method, nth, load, nthOfLoad, rows, columns, outcome }) => [
    method,
    nth,
    load,
    nthOfLoad,
    rows,
    columns,
    outcome,
  ])
  assert.deepEqual(seen, [
    ['Connect', 1, null, null, null, null, 'OK'],
    ['Open', 1, 1, null, null, null, 'OK'],
    ['Write', 1, 1, 1, 2, 2, 'OK'],
    ['Write', 2, 1, 2, 1, 2, 'OK'],
    ['Close', 1, 1, null, null, null, 'OK'],
    ['Close', 2, null, null, null, null, INTERNAL],
    ['Disconnect', 1, null, null, null, null, 'OK'],
  ])
  const [connect, open, write, , close, twice] = gpss.calls
  assert.equal(connect!.session, id)
  assert.equal(open!.open?.PostSQL, 'SELECT 1')
  assert.equal(
    write!.bytes,
    writeRequest(id, [
      [1, 'x'],
      [2, 'x'],
    ]).length,
  )
  assert.equal(close!.stats?.SuccessCount, 3n)
  assert.equal(twice!.message, 'Need to open a load task before close')
  assert.ok(gpss.calls.every(({ durationMs }) => durationMs !== null && durationMs >= 0))
})
