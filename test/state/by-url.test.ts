import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { STATE_STORES } from '../../src/commands/state-stores.ts'
import { SILENT } from '../../src/observe/log.ts'
import { openStateStore, stateProblem } from '../../src/state/by-url.ts'
import { at, claimOf, progress } from '../support/changes.ts'
import { startDynalite } from '../support/dynalite.ts'
import { testDatabase } from '../support/postgres/postgres.ts'

test('a state URL is a file, a database or a DynamoDB table', () => {
  for (const url of ['file:a', 'postgresql://u@h/d', 'postgres://u:p@h:1/d', 'dynamodb:states']) {
    assert.equal(stateProblem(STATE_STORES, url), null, url)
  }
  for (const url of ['file:', 'dynamodb:', 'states', 'mysql://h/d', 'postgresql:h', 'postgresql://u@h:port/d']) {
    assert.match(stateProblem(STATE_STORES, url) ?? '', /^(must be file:PATH|is not a URL)/, url)
  }
})

test('each URL opens its store: what one moved the next one finds', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-state-'))
  t.after(() => rm(folder, { recursive: true }))
  const { url } = await testDatabase(t)
  const dynalite = await startDynalite()
  t.after(() => dynalite.close())
  await dynalite.createTable('states', 'relay', 'item')
  const env = { AWS_ENDPOINT_URL_DYNAMODB: dynalite.endpoint }
  for (const state of [`file:${join(folder, 'relay.json')}`, url, 'dynamodb:states']) {
    const signal = AbortSignal.timeout(30_000)
    const first = await openStateStore(STATE_STORES, state, { aws: {}, env, log: SILENT })
    await first.claim(claimOf(), signal)
    assert.equal(await first.move(progress(at({ shard: '7' }), new Map([['sends-nulls', 'true']])), signal), null)
    await first.close()
    const second = await openStateStore(STATE_STORES, state, { aws: {}, env, log: SILENT })
    const { positions, facts } = await second.claim(claimOf(), signal)
    await second.close()
    assert.equal(positions.get('shard')?.sequence, '7')
    assert.deepEqual([...facts], [['sends-nulls', 'true']])
  }
})
