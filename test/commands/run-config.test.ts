import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { explicitRoute, type RunConfig, readRunConfig } from '../../src/commands/run-config.ts'
import { RUN_OPTIONS } from '../../src/commands/run-options.ts'
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
    'until-latest': false,
    'take-over': false,
    mode: 'mirror',
    layout: 'document',
    deletes: 'hard',
    expired: 'delete',
    'create-tables': 'auto',
    'dynamodb-binary': 'double',
    nul: 'replace',
    'on-error': 'dead-letter',
    'on-gap': 'stop',
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
  ]) {
    assert.ok(message.includes(part), `${part}\nis not in\n${message}`)
  }
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
  }
  const config = readRunConfig({ ...MINIMAL, ...values }, {})
  assert.deepEqual(new Set(Object.keys(config)), known)
})

function messageOf(argv: Record<string, unknown>): string {
  let config: RunConfig | undefined
  try {
    config = readRunConfig(argv, {})
  } catch (error) {
    assert.ok(error instanceof RelayError)
    assert.equal(error.code, 'CONFIGURATION')
    return error.message
  }
  return assert.fail(`accepted: ${JSON.stringify(config)}`)
}
