import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TableName } from '../../src/change.ts'
import { camelKeys } from '../../src/commands/camel-keys.ts'
import { readRunConfig } from '../../src/commands/run-config.ts'
import { RUN_OPTIONS } from '../../src/commands/run-options.ts'
import type { RunConfig } from '../../src/commands/run-schema.ts'
import { declaredKey, declaredTypes, explicitRoute } from '../../src/commands/table-options.ts'
import { RelayError } from '../../src/errors.ts'

const MINIMAL = { source: 'orders', sink: 'pglite:data' }

test('two options are enough; the rest are the defaults that --help shows', async () => {
  const config = await readRunConfig(MINIMAL, {})
  assert.deepEqual(JSON.parse(JSON.stringify(config)), {
    ...MINIMAL,
    format: 'auto',
    table: [],
    include: [],
    exclude: [],
    key: [],
    keyWait: 60_000,
    type: [],
    untilLatest: false,
    takeOver: false,
    dryRun: false,
    logValues: false,
    logLevel: 'info',
    mode: 'mirror',
    expired: 'delete',
    createTables: 'auto',
    dynamodbBinary: 'double',
    missingColumns: 'auto',
    beforeImageField: 'before-image',
    nul: 'replace',
    onError: 'dead-letter',
    onTableTrouble: 'park',
    parkLimit: { count: 1_000_000, bytes: 1024 ** 3 },
    onGap: 'stop',
    onSchemaChange: 'add-only',
    onReload: 'keep',
    stallTimeout: 300_000,
    drainTimeout: 30_000,
    pollInterval: 400,
    memory: 64 * 1024 * 1024,
  })
})

test('every problem is in one message', async () => {
  const argv = {
    _: ['run'],
    sink: 'gpss://u@h/d',
    deletes: 'hard',
    mode: 'mirorr',
    'batch-records': '0',
    'batch-bytes': '8 parsecs',
    'batch-wait': 'soon',
    'poll-interval': '199ms',
    start: 'yesterday',
    table: ['a', 'a.b.c=d'],
    'on-eror': 'stop',
    format: 'dsm',
    layout: 'rows',
    key: ['orders', 'a.b.c=id', 'orders=a.b', 'orders=id,id', 'orders=id,'],
    'key-wait': 'a while',
    type: ['orders.tags', 'tags=json', 'orders.tags=jason', 'a.b.c.d=json'],
    'missing-columns': 'drop',
    'before-image-field': 'metadata',
    'on-schema-change': 'drop',
    'on-reload': 'wipe',
    state: 'redis://h',
    'external-id': 'x',
  }
  const message = await messageOf(argv)
  for (const part of [
    '--source is missing',
    '--mode must be mirror or append',
    '--batch-records "0" is not a whole number above 0',
    '--batch-bytes "8 parsecs" is not a size',
    '--batch-wait "soon" is not a duration',
    '--poll-interval is less than 200ms: a shard can be read five times in a second, by all its readers together',
    '--start "yesterday" is not',
    '--table "a" is not SOURCE=TARGET',
    '--table "a.b.c" has more than two parts',
    '--on-eror is not an option',
    '--format must be auto or dynamodb or dms',
    '--layout must be columns or document',
    '--key "orders" is not TABLE=COLUMN,COLUMN',
    '--key "a.b.c" has more than two parts',
    '--key "a.b" is not one column; put names with dots in double quotes',
    '--key "orders=id,id" names a column twice',
    '--key "orders=id," has an empty column name',
    '--key-wait "a while" is not a duration',
    '--type "orders.tags" is not TABLE.COLUMN=TYPE',
    '--type "tags" is not TABLE.COLUMN',
    '--type "jason" is no type that is known',
    '--type "a.b.c.d" has more than three parts',
    '--missing-columns must be auto or null or keep',
    '--before-image-field must not be data, metadata or control',
    '--on-schema-change must be add-only or widen or stop or ignore',
    '--on-reload must be keep or sweep',
    '--state must be file:PATH, postgresql://USER@HOST/DATABASE or dynamodb:TABLE',
    '--deletes cannot be hard with this sink',
    '--external-id needs --role-arn',
  ]) {
    assert.ok(message.includes(part), `${part}\nis not in\n${message}`)
  }
})

test('GPSS cannot delete', async () => {
  const gpss = { ...MINIMAL, sink: 'gpss://gp@h/d' }
  assert.match(await messageOf({ ...gpss, deletes: 'hard' }), /--deletes cannot be hard with this sink/)
  assert.equal((await readRunConfig({ ...gpss, deletes: 'soft' }, {})).deletes, 'soft')
  assert.equal((await readRunConfig(gpss, {})).deletes, undefined)
})

test('--external-id needs --role-arn', async () => {
  assert.match(await messageOf({ ...MINIMAL, 'external-id': 'x' }), /--external-id needs --role-arn/)
})

const SIZES: [string, number][] = [
  ['8MiB', 8_388_608],
  ['8MB', 8_388_608],
  ['8m', 8_388_608],
  ['512k', 524_288],
  ['1.5KiB', 1536],
  ['1000', 1000],
]
for (const [text, expected] of SIZES) {
  test(`the size ${text}`, async () =>
    assert.equal((await readRunConfig({ ...MINIMAL, memory: text }, {})).memory, expected))
}

test('the command line wins over the environment, the environment over the file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-config-'))
  try {
    const path = join(folder, 'relay.yaml')
    writeFileSync(path, 'source: from-file\nsink: pglite:from-file\nbatch-records: 7\ninclude: [a, b]\n')
    const env = {
      CDC_RELAY_CONFIG: path,
      CDC_RELAY_SINK: 'pglite:from-env',
      CDC_RELAY_EXCLUDE: '"x,y",z',
      CDC_RELAY_UNTIL_LATEST: '1',
    }
    const config = await readRunConfig({ source: 'from-argv' }, env)
    assert.equal(config.source, 'from-argv')
    assert.equal(config.sink, 'pglite:from-env')
    assert.equal(config.batchRecords, 7)
    assert.deepEqual(config.include, ['a', 'b'])
    assert.deepEqual(config.exclude, ['"x,y"', 'z'])
    assert.equal(config.untilLatest, true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what is misspelt, given twice or of another kind is named with the rest, and where it stands', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-config-'))
  try {
    const path = join(folder, 'relay.yaml')
    const lines = [
      'name: 2026',
      'batch-wait: 250',
      'until-latest: yes please',
      'include: orders',
      'exclude: [1]',
      'key: {orders: id}',
      'layout: true',
      'region:',
      'batch-recrods: 7',
      'config: other.yaml',
      '__proto__: x',
      'nul: keep',
    ]
    writeFileSync(path, lines.join('\n'))
    const argv = {
      _: ['run', 'postgresql://app:s3cret@db/w', 'file:x.jsonl', 'arn:aws:x', 'dynamodb:states', 'batch-bites'],
      config: path,
      sink: ['pglite:a', 'pglite:b'],
      memory: ['1MiB', '2MiB', '3MiB'],
      'until-lastest': true,
      q: true,
      type: ['t.c=jason'],
    }
    const env = {
      CDC_RELAY_BATCH_RECRODS: '7',
      CDC_RELAY_UNTIL_LATEST: 'yes',
      CDC_RELAY_MODE: 'mirorr',
      CDC_RELAY_SERVICE_HOST: '10.0.0.1',
      CDC_RELAY_PORT_8080_TCP_ADDR: '10.0.0.1',
      CDC_RELAY_WEB_SERVICE_PORT_HTTP: '80',
      cdc_relay_source: 's',
    }
    const message = await messageOf(argv, env)
    const inFile = ` (in ${path})`
    for (const part of [
      '16 problems:',
      '--sink is given twice\n',
      '--memory is given 3 times\n',
      '--until-lastest is not an option (did you mean --until-latest?)\n',
      '-q is not an option\n',
      '"postgresql://app:***@db/w" stands alone: did you mean --sink "postgresql://app:***@db/w"?\n',
      '"file:x.jsonl" stands alone: did you mean --source "file:x.jsonl"?\n',
      '"arn:aws:x" stands alone: did you mean --source "arn:aws:x"?\n',
      '"dynamodb:states" stands alone: did you mean --state "dynamodb:states"?\n',
      '"batch-bites" is not an option (did you mean --batch-bytes?)\n',
      'the variable CDC_RELAY_BATCH_RECRODS is not known (did you mean CDC_RELAY_BATCH_RECORDS?)\n',
      'the variable cdc_relay_source is not known (did you mean CDC_RELAY_SOURCE?)\n',
      '--until-latest must be true or false (in CDC_RELAY_UNTIL_LATEST)\n',
      '--mode must be mirror or append (in CDC_RELAY_MODE)\n',
      `--name is a number, where a text is meant: put it in quotes${inFile}\n`,
      `--batch-wait is a number, where a text is meant: put it in quotes${inFile}\n`,
      `--include must be a list, such as include: [a, b]${inFile}\n`,
      `--exclude holds a number, where texts are meant: put it in quotes${inFile}\n`,
      `--key must be a list, such as key: [a, b]${inFile}\n`,
      `--layout is a boolean, where a text is meant: put it in quotes${inFile}\n`,
      `--region has no value${inFile}\n`,
      `batch-recrods is not an option (did you mean batch-records?)${inFile}\n`,
      `config cannot stand in a file of options${inFile}\n`,
      `__proto__ is not an option${inFile}\n`,
      `--nul must be replace or dead-letter${inFile}\n`,
      '--source is missing',
      '--type "jason" is no type that is known (did you mean json?); there are text, varchar, ',
    ]) {
      assert.ok(
        message.includes(part.replace('16', String(message.split('\n').length - 2))),
        `${part}\nis not in\n${message}`,
      )
    }
    assert.doesNotMatch(message, /s3cret|SERVICE|PORT_|missing: a URL/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a file that is no YAML is named without what stands in it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-config-'))
  try {
    const path = join(folder, 'relay.yaml')
    writeFileSync(path, 'sink: postgresql://app:s3cret@db/w\nsink: postgresql://app:s3cret@db/w\n')
    const message = await messageOf({ config: path })
    assert.match(message, /relay\.yaml cannot be read: Map keys must be unique at line 2, column 1\. /)
    assert.doesNotMatch(message, /s3cret/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('how often a caught-up shard is read, and how long batches wait', async () => {
  for (const [text, ms] of [
    ['200ms', 200],
    ['1m', 60_000],
  ] as const) {
    assert.equal((await readRunConfig({ ...MINIMAL, 'poll-interval': text }, {})).pollInterval, ms)
  }
  assert.match(
    await messageOf({ ...MINIMAL, 'poll-interval': '61s' }),
    /One problem.*--poll-interval is more than 60s/s,
  )
  assert.match(
    await messageOf({ ...MINIMAL, 'poll-interval': 'often' }),
    /One problem.*--poll-interval "often" is not a duration/s,
  )
})

const ADDRESSES: [option: 'source' | 'sink' | 'state' | 'dead-letters', url: string, problem: string][] = [
  ['source', 'kinesis:a/b', 'is neither file:PATH nor the name or ARN of a Kinesis stream: a/b'],
  ['source', 'postgresql://app:s3cret@db/w', 'is a URL, where a stream name or ARN or file:PATH is meant'],
  ['source', 'file:', 'names no file'],
  ['source', 'file:capture.jsonl?gzip=1', 'takes a path and no parameters'],
  ['source', 'orders?region=Europe', 'region is not the name of a region'],
  ['source', 'orders?role-arn=reader', 'role-arn must be an ARN'],
  ['source', 'orders?endpoint-url=localhost:4567', 'endpoint-url must be an http:// or https:// URL'],
  ['source', 'orders?external-id=x&role-arn=', 'external-id needs role-arn beside it'],
  ['source', 'orders?regoin=eu-north-1', 'the parameter "regoin" is not known (did you mean region?)'],
  ['source', 'orders?region=eu-north-1&region=eu-west-1', 'region is given twice'],
  [
    'source',
    'arn:aws:kinesis:eu-north-1:111122223333:stream/orders?region=us-east-1',
    'is in eu-north-1, but the region given is us-east-1',
  ],
  ['state', 'dynamodb:states?region=Europe', 'region is not the name of a region'],
  ['state', 'dynamodb:a/b', 'names "a/b", which is not the name of a DynamoDB table'],
  ['dead-letters', 'file:letters.jsonl?gzip=1', 'takes a path and no parameters'],
  ['sink', 'postgresq://h/d', 'postgresq: is not known (did you mean postgresql:?); it begins with one of'],
  [
    'sink',
    'postgresql://h/d?shema=landing',
    'is refused. The URL of the target: the parameter "shema" is not known (did you mean schema?)',
  ],
  ['sink', 'greenplum://h/d?shema=landing', '(did you mean schema?)'],
  [
    'sink',
    'postgresql://h/d?sslrootcert=no/such.pem',
    'names a file that cannot be read: sslrootcert=no/such.pem (there is none)',
  ],
  ['sink', 'crate://h/d?optons=x', '(did you mean options?)'],
  ['sink', 'gpss://u@h/d?shema=x', '(did you mean schema?)'],
  [
    'sink',
    'gpss://u@h/d?password-file=no/such',
    'names a file that cannot be read: password-file=no/such (there is none)',
  ],
  ['sink', 'pglite:', 'names no folder'],
  ['sink', 'pglite:data?schema=landing', 'takes a path and no parameters'],
  ['sink', 'jsonl:out?gzip=1', 'takes a path and no parameters'],
  ['state', 'file:state.json?x=1', 'takes a path and no parameters'],
  ['state', 'dynamodb:a b', 'names "a b", which is not the name of a DynamoDB table'],
  ['state', 'postgresql://h/d?schema=x', '"schema" is not known'],
  ['state', 'postgresql://u:1#s3cret@h/d', '%23'],
]
for (const [option, url, problem] of ADDRESSES) {
  test(`--${option} ${url} is refused with the other problems`, async () => {
    const message = await messageOf({ ...MINIMAL, [option]: url, mode: 'mirorr' })
    assert.ok(message.includes('2 problems') && message.includes(`--${option} `) && message.includes(problem), message)
    assert.doesNotMatch(message, /s3cret/)
  })
}

const ROLE = 'arn:aws:iam::111122223333:role/reader'
const VAIN: [argv: Record<string, unknown>, ...warned: string[]][] = [
  [{ state: 'file:s', 'dead-letters': 'file:d', 'crate-objects': 'dynamic' }, 'state', 'dead-letters', 'crate-objects'],
  [{ sink: 'crate://h?objects=dynamic' }],
  [{ sink: 'gpss://u@h/d', state: 'dynamodb:states', 'tombstone-ttl': '9d', layout: 'columns' }, 'tombstone-ttl'],
  [
    { sink: 'jsonl:-', mode: 'append', layout: 'columns', table: ['a=b'], nul: 'replace', 'create-tables': 'never' },
    'mode',
    'layout',
    'table',
    'nul',
    'create-tables',
  ],
  [{ sink: 'jsonl:-', source: 'file:-', state: 'file:s', 'take-over': true }, 'state', 'take-over'],
  [{ sink: 'jsonl:-', source: 'file:-', state: 'dynamodb:states', region: 'r' }, 'state', 'region'],
  [{ sink: 'jsonl:-', source: 'file:a', 'take-over': true }, 'take-over'],
  [{ sink: 'jsonl:-', source: 'file:a', 'stall-timeout': '9m', 'drain-timeout': '9m' }, 'stall-timeout'],
  [{ sink: 'jsonl:out', source: 'file:a', 'stall-timeout': '9m', 'drain-timeout': '0' }],
  [{ sink: 'jsonl:-', source: 'file:a', state: 'file:s', 'take-over': true }],
  [{ sink: 'jsonl:out', source: 'file:a', state: 'dynamodb:states', region: 'eu-north-1' }],
  [
    {
      source: 'file:a',
      'endpoint-url': 'http://h',
      region: 'r',
      profile: 'p',
      'until-latest': true,
      'on-gap': 'stop',
      'poll-interval': '1s',
    },
    'endpoint-url',
    'region',
    'profile',
    'until-latest',
    'poll-interval',
  ],
  [{ source: 'file:a', mode: 'append', 'on-gap': 'stop' }, 'on-gap'],
  [{ 'until-latest': true, 'poll-interval': '1s' }, 'poll-interval'],
  [{ 'poll-interval': '1s' }],
  [
    { source: `orders?role-arn=${ROLE}&region=r`, region: 'r', profile: 'p', 'role-arn': ROLE, 'external-id': 'x' },
    'region',
    'profile',
    'role-arn',
    'external-id',
  ],
  [{ source: 'orders?profile=own&endpoint-url=http://h', 'role-arn': ROLE, region: 'r' }, 'role-arn'],
  [{ source: 'orders?endpoint-url=http://h', 'endpoint-url': 'http://h', 'role-arn': ROLE }, 'endpoint-url'],
  [{ source: 'orders?role-arn=&region=r', sink: 'jsonl:out', state: 'dynamodb:states', 'role-arn': ROLE, region: 'r' }],
  [
    {
      source: 'orders?endpoint-url=http://h',
      sink: 'jsonl:out',
      state: 'dynamodb:states?region=r&profile=own',
      'endpoint-url': 'http://h',
      profile: 'p',
      region: 'r',
    },
    'endpoint-url',
  ],
  // A database keeps the state itself, so that nothing reaches the table of --state.
  [
    { source: 'orders?role-arn=&region=r', state: 'dynamodb:states', 'role-arn': ROLE, region: 'r' },
    'state',
    'role-arn',
    'region',
  ],
  [{ mode: 'append', deletes: 'soft', layout: 'columns', 'on-reload': 'sweep' }, 'deletes', 'layout', 'on-reload'],
  [{ mode: 'append', deletes: 'ignore' }],
  [
    { format: 'dynamodb', 'before-image-field': 'was', key: ['a=b'], 'missing-columns': 'keep' },
    'before-image-field',
    'key',
    'missing-columns',
  ],
  [{ 'sink-password-file': import.meta.filename }, 'sink-password-file'],
  [{ 'dry-run': true, http: '9090' }, 'http'],
  [{ http: '9090' }],
  [{ sink: 'crate://localhost', 'sink-password-file': import.meta.filename }],
  [{ format: 'dms', expired: 'keep', 'dynamodb-binary': 'single' }, 'expired', 'dynamodb-binary'],
  [{ 'before-image-field': 'was', expired: 'keep', deletes: 'soft', layout: 'columns', 'on-gap': 'stop' }],
]
for (const [argv, ...warned] of VAIN) {
  test(`without effect in ${JSON.stringify(argv)}: ${warned.join(', ') || 'nothing'}`, async () => {
    const messages: string[] = []
    await readRunConfig({ ...MINIMAL, ...argv }, {}, (message) => messages.push(message))
    for (const message of messages) assert.match(message, /^--[a-z-]+ has no effect here: /)
    assert.deepEqual(messages.map((message) => /^--(\S+)/.exec(message)![1]).toSorted(), warned.toSorted())
  })
}

const OBJECTS: [argv: Record<string, string>, sink: string, isWarned: boolean][] = [
  [{ sink: 'crate://h', 'crate-objects': 'dynamic' }, 'crate://h?objects=dynamic', true],
  [{ sink: 'CRATE://h', 'crate-objects': 'dynamic' }, 'CRATE://h?objects=dynamic', true],
  [
    { sink: 'crate://h/doc?sslmode=require', 'crate-objects': 'ignored' },
    'crate://h/doc?sslmode=require&objects=ignored',
    true,
  ],
  [{ sink: 'crate://h?objects=dynamic', 'crate-objects': 'dynamic' }, 'crate://h?objects=dynamic', true],
  [{ sink: 'crate://h?objects=dynamic' }, 'crate://h?objects=dynamic', false],
]
for (const [argv, sink, isWarned] of OBJECTS) {
  test(`${JSON.stringify(argv)} is ${sink}${isWarned ? ', and the URL is named as the place for it' : ''}`, async () => {
    const messages: string[] = []
    assert.equal((await readRunConfig({ ...MINIMAL, ...argv }, {}, (message) => messages.push(message))).sink, sink)
    assert.equal(messages.length, isWarned ? 1 : 0)
    if (isWarned) assert.match(messages[0]!, /^--crate-objects is the older spelling: .*crate:\/\/…\?objects=/)
  })
}

test('--crate-objects that differs from the URL is refused', async () => {
  const message = await messageOf({ ...MINIMAL, sink: 'crate://h?objects=dynamic', 'crate-objects': 'ignored' })
  assert.match(message, /One problem.*--crate-objects differs from objects=dynamic in --sink/s)
})

test('a file that cannot be read is named', async () => {
  assert.match(await messageOf({ config: 'no/such.yaml' }), /--config no\/such\.yaml cannot be read/)
})

test('--table: the first match counts, stars are carried over, names in quotes keep their dots', async () => {
  const routes = (
    await readRunConfig({ ...MINIMAL, table: ['orders=sales.orders', 'log_*=logs.log_*', '"a.b"="c.d"'] }, {})
  ).table
  const target = explicitRoute(routes)
  assert.deepEqual(target({ schema: null, name: 'orders' }), { schema: 'sales', name: 'orders' })
  assert.deepEqual(target({ schema: null, name: 'log_eu' }), { schema: 'logs', name: 'log_eu' })
  assert.deepEqual(target({ schema: null, name: 'a.b' }), { schema: null, name: 'c.d' })
  assert.equal(target({ schema: null, name: 'other' }), null)
})

test('--key: the first match counts, in key order; TABLE= is a table without key', async () => {
  const { key } = await readRunConfig(
    { ...MINIMAL, key: ['shop.orders=id, line', 'logs.*=', '"a=b"."c,d"="e,f","g""=h.i",j', 'shop.*=other'] },
    {},
  )
  const keyOf = declaredKey(key)
  assert.deepEqual(keyOf({ schema: 'shop', name: 'orders' }), ['id', 'line'])
  assert.deepEqual(keyOf({ schema: 'shop', name: 'boats' }), ['other'])
  assert.deepEqual(keyOf({ schema: 'logs', name: 'any' }), [])
  assert.deepEqual(keyOf({ schema: 'a=b', name: 'c,d' }), ['e,f', 'g"=h.i', 'j'])
  assert.equal(keyOf({ schema: 'harbour', name: 'orders' }), undefined)
})

test('--key in the environment: a comma parts its columns as well as keys', async () => {
  const { key } = await readRunConfig(MINIMAL, { CDC_RELAY_KEY: 'orders=id,"li,ne",boats=,"a=b"=x' })
  const keyOf = declaredKey(key)
  assert.deepEqual(
    ['orders', 'boats', 'a=b'].map((name) => keyOf({ schema: 'shop', name })),
    [['id', 'li,ne'], [], ['x']],
  )
  assert.match(await messageOf(MINIMAL, { CDC_RELAY_KEY: 'orders,id' }), /--key "orders,id" is not TABLE=COLUMN,COLUMN/)
})

test('--type: the last part is the column, of each column the first match counts', async () => {
  const { type } = await readRunConfig(
    { ...MINIMAL, type: ['shop.orders.paid=boolean', 'orders.paid=text', '*.blob=bytes', 'o*."a.b=c"=NUMERIC'] },
    {},
  )
  const typesOf = declaredTypes(type)
  const sorted = (table: TableName) => [...typesOf(table)].sort()
  assert.deepEqual(sorted({ schema: 'shop', name: 'orders' }), [
    ['a.b=c', 'numeric'],
    ['blob', 'bytes'],
    ['paid', 'boolean'],
  ])
  assert.deepEqual(sorted({ schema: 'other', name: 'orders' }), [
    ['a.b=c', 'numeric'],
    ['blob', 'bytes'],
    ['paid', 'text'],
  ])
  assert.deepEqual(sorted({ schema: null, name: 'boats' }), [['blob', 'bytes']])
})

test('options of DMS come from a file and the environment like the others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-config-'))
  try {
    const path = join(folder, 'relay.yaml')
    writeFileSync(path, 'format: dms\nkey: [orders=id]\ntype: [orders.tags=bytes]\nkey-wait: 5m\nlayout: columns\n')
    const env = { CDC_RELAY_CONFIG: path, CDC_RELAY_MISSING_COLUMNS: 'keep', CDC_RELAY_BEFORE_IMAGE_FIELD: 'was' }
    const config = await readRunConfig(MINIMAL, env)
    assert.deepEqual(
      [config.format, config.key.length, config.type.length, config.keyWait, config.layout],
      ['dms', 1, 1, 300_000, 'columns'],
    )
    assert.deepEqual([config.missingColumns, config.beforeImageField], ['keep', 'was'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('every option of the help is known to the check, and the other way round', async () => {
  const { config: _, ...known } = camelKeys(RUN_OPTIONS)
  const values: Record<string, unknown> = {
    sink: 'gpss://u@h/d',
    'sink-password-file': import.meta.filename,
    'before-image-prefix': 'BI_',
    start: 'latest',
    'batch-wait': '5s',
    'tombstone-ttl': '9d',
    state: 'file:s',
    'dead-letters': 'file:d',
    'max-dead-letters': '100/1h',
    region: 'eu-north-1',
    profile: 'p',
    'role-arn': 'arn:aws:iam::1:role/r',
    'external-id': 'x',
    'endpoint-url': 'http://localhost:4567',
    name: 'n',
    layout: 'document',
    deletes: 'soft',
    'crate-objects': 'dynamic',
    'batch-records': '7',
    'batch-bytes': '1MiB',
    http: '9090',
    'log-format': 'logfmt',
  }
  const config = await readRunConfig({ ...MINIMAL, ...values }, {})
  assert.deepEqual(Object.keys(config).sort(), Object.keys(known).sort())
})

async function messageOf(argv: Record<string, unknown>, env: NodeJS.ProcessEnv = {}): Promise<string> {
  let config: RunConfig | undefined
  try {
    config = await readRunConfig(argv, env)
  } catch (error) {
    assert.ok(error instanceof RelayError)
    assert.equal(error.code, 'CONFIGURATION')
    return error.message
  }
  return assert.fail(`accepted: ${JSON.stringify(config)}`)
}
