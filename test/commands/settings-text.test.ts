import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRunConfig } from '../../src/commands/run-config.ts'
import { settingsText } from '../../src/commands/settings-text.ts'

test('settings are shown as options are written, and what lets others act as the relay is not', async () => {
  const given = {
    source: 'orders',
    sink: 'postgresql://app@db/warehouse',
    start: '2026-01-01T00:00:00Z',
    http: '9090',
    table: ['a=b'],
    key: ['orders=id'],
    exclude: ['x*', 'y'],
    'key-wait': '90s',
    'batch-bytes': '8MiB',
    'max-dead-letters': '100/1h',
    'role-arn': 'arn:aws:iam::1:role/r',
    'external-id': 'confidential',
  }
  const shown = settingsText(await readRunConfig(given, {}))
  assert.deepEqual(
    [
      'start',
      'http',
      'table',
      'key',
      'exclude',
      'key-wait',
      'batch-bytes',
      'max-dead-letters',
      'park-limit',
      'memory',
      'stall-timeout',
    ].map((name) => shown[name]),
    [
      '2026-01-01T00:00:00Z',
      '127.0.0.1:9090',
      'a=b',
      '1 given',
      'x* y',
      '1m 30s',
      '8MiB',
      '100/1h',
      '1000000,1GiB',
      '64MiB',
      '5m',
    ],
  )
  assert.ok(!('take-over' in shown) && !('include' in shown) && !('external-id' in shown))
  assert.doesNotMatch(JSON.stringify(shown), /confidential/)
})
