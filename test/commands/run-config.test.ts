import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TableName } from '../../src/change.ts'
import { type RunConfig, readRunConfig } from '../../src/commands/run-config.ts'
import { RUN_OPTIONS } from '../../src/commands/run-options.ts'
import { declaredKey, declaredTypes, explicitRoute } from '../../src/commands/table-options.ts'
import { RelayError } from '../../src/errors.ts'

const MINIMAL = { source: 'orders', sink: 'pglite:data' }

test('two options are enough; the rest are the defaults that --help shows', () => {
  const config = readRunConfig(MINIMAL, {})
  assert.deepEqual(JSON.parse(JSON.stringify(config)), {
    ...MINIMAL,
    format: 'auto',
    table: [],
    include: [],
    exclude: [],
    key: [],
    'key-wait': 60_000,
    type: [],
    'until-latest': false,
    'take-over': false,
    mode: 'mirror',
    expired: 'delete',
    'create-tables': 'auto',
    'crate-objects': 'ignored',
    'dynamodb-binary': 'double',
    'missing-columns': 'auto',
    'before-image-field': 'before-image',
    nul: 'replace',
    'on-error': 'dead-letter',
    'on-gap': 'stop',
    'on-schema-change': 'add-only',
    'on-reload': 'keep',
    'batch-records': 5000,
    'batch-bytes': 8 * 1024 * 1024,
    'batch-wait': 250,
    memory: 64 * 1024 * 1024,
  })
})

test('every problem is in one message', () => {
  const argv = {
    _: ['run'],
    sink: 'pglite:data',
    mode: 'mirorr',
    'batch-records': '0',
    'batch-bytes': '8 parsecs',
    'batch-wait': 'soon',
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
  const message = messageOf(argv)
  for (const part of [
    '--source is missing',
    '--mode must be mirror or append',
    '--batch-records "0" is not a whole number above 0',
    '--batch-bytes "8 parsecs" is not a size',
    '--batch-wait "soon" is not a duration',
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
    '--on-schema-change must be add-only or stop or ignore',
    '--on-reload must be keep or sweep',
    '--state must be file:PATH, postgresql://USER@HOST/DATABASE or dynamodb:TABLE',
  ]) {
    assert.ok(message.includes(part), `${part}\nis not in\n${message}`)
  }
})

test('GPSS cannot delete', () => {
  const gpss = { ...MINIMAL, sink: 'gpss://h/d' }
  assert.match(messageOf({ ...gpss, deletes: 'hard' }), /--deletes cannot be hard with this sink/)
  assert.equal(readRunConfig({ ...gpss, deletes: 'soft' }, {}).deletes, 'soft')
  assert.equal(readRunConfig(gpss, {}).deletes, undefined)
})

test('--external-id needs --role-arn', () => {
  assert.match(messageOf({ ...MINIMAL, 'external-id': 'x' }), /--external-id needs --role-arn/)
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
  test(`the size ${text}`, () => assert.equal(readRunConfig({ ...MINIMAL, memory: text }, {}).memory, expected))
}

test('the command line wins over the environment, the environment over the file', () => {
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
    const config = readRunConfig({ source: 'from-argv' }, env)
    assert.equal(config.source, 'from-argv')
    assert.equal(config.sink, 'pglite:from-env')
    assert.equal(config['batch-records'], 7)
    assert.deepEqual(config.include, ['a', 'b'])
    assert.deepEqual(config.exclude, ['"x,y"', 'z'])
    assert.equal(config['until-latest'], true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a file that cannot be read is named', () => {
  assert.match(messageOf({ config: 'no/such.yaml' }), /--config no\/such\.yaml cannot be read/)
})

test('--table: the first match counts, stars are carried over, names in quotes keep their dots', () => {
  const routes = readRunConfig(
    { ...MINIMAL, table: ['orders=sales.orders', 'log_*=logs.log_*', '"a.b"="c.d"'] },
    {},
  ).table
  const target = explicitRoute(routes)
  assert.deepEqual(target({ schema: null, name: 'orders' }), { schema: 'sales', name: 'orders' })
  assert.deepEqual(target({ schema: null, name: 'log_eu' }), { schema: 'logs', name: 'log_eu' })
  assert.deepEqual(target({ schema: null, name: 'a.b' }), { schema: null, name: 'c.d' })
  assert.equal(target({ schema: null, name: 'other' }), null)
})

test('--key: the first match counts, in key order; TABLE= is a table without key', () => {
  const { key } = readRunConfig(
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

test('--key in the environment: a comma parts its columns as well as keys', () => {
  const { key } = readRunConfig(MINIMAL, { CDC_RELAY_KEY: 'orders=id,"li,ne",boats=,"a=b"=x' })
  const keyOf = declaredKey(key)
  assert.deepEqual(
    ['orders', 'boats', 'a=b'].map((name) => keyOf({ schema: 'shop', name })),
    [['id', 'li,ne'], [], ['x']],
  )
  assert.match(messageOf(MINIMAL, { CDC_RELAY_KEY: 'orders,id' }), /--key "orders,id" is not TABLE=COLUMN,COLUMN/)
})

test('--type: the last part is the column, of each column the first match counts', () => {
  const { type } = readRunConfig(
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

test('options of DMS come from a file and the environment like the others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-config-'))
  try {
    const path = join(folder, 'relay.yaml')
    writeFileSync(path, 'format: dms\nkey: [orders=id]\ntype: [orders.tags=bytes]\nkey-wait: 5m\nlayout: columns\n')
    const env = { CDC_RELAY_CONFIG: path, CDC_RELAY_MISSING_COLUMNS: 'keep', CDC_RELAY_BEFORE_IMAGE_FIELD: 'was' }
    const config = readRunConfig(MINIMAL, env)
    assert.deepEqual(
      [config.format, config.key.length, config.type.length, config['key-wait'], config.layout],
      ['dms', 1, 1, 300_000, 'columns'],
    )
    assert.deepEqual([config['missing-columns'], config['before-image-field']], ['keep', 'was'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('every option of the help is known to the check, and the other way round', () => {
  const known = new Set(Object.keys(RUN_OPTIONS))
  known.delete('config')
  const values: Record<string, unknown> = {
    start: 'latest',
    'tombstone-ttl': '9d',
    state: 'file:s',
    'dead-letters': 'file:d',
    region: 'eu-north-1',
    profile: 'p',
    'role-arn': 'arn:aws:iam::1:role/r',
    'external-id': 'x',
    'endpoint-url': 'http://localhost:4567',
    name: 'n',
    layout: 'document',
    deletes: 'soft',
  }
  const config = readRunConfig({ ...MINIMAL, ...values }, {})
  assert.deepEqual(new Set(Object.keys(config)), known)
})

function messageOf(argv: Record<string, unknown>, env: NodeJS.ProcessEnv = {}): string {
  let config: RunConfig | undefined
  try {
    config = readRunConfig(argv, env)
  } catch (error) {
    assert.ok(error instanceof RelayError)
    assert.equal(error.code, 'CONFIGURATION')
    return error.message
  }
  return assert.fail(`accepted: ${JSON.stringify(config)}`)
}
