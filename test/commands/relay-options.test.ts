import assert from 'node:assert/strict'
import { test } from 'node:test'
import { relayOptions } from '../../src/commands/relay-options.ts'
import { runConfig } from '../../src/commands/run-schema.ts'

const limitsOf = (given: Readonly<Record<string, string>>) =>
  relayOptions(runConfig.parse({ source: 'orders', sink: 'jsonl:-', ...given })).limits

test('of the size of a batch the relay takes what was given, and leaves the rest to the target', () => {
  assert.deepEqual(limitsOf({}), {})
  assert.deepEqual(limitsOf({ 'batch-bytes': '1MiB' }), { bytes: 1024 * 1024 })
  assert.deepEqual(limitsOf({ 'batch-records': '7', 'batch-wait': '2s' }), { records: 7, waitMs: 2000 })
})
