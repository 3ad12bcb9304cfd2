import assert from 'node:assert/strict'
import test from 'node:test'
import { postgres, testDatabase } from './postgres.ts'
import { type PostgresVersion, withoutPostgres } from './postgres-programs.ts'
import { newDatabase } from './postgres-server.ts'

const VERSIONS: readonly PostgresVersion[] = ['10', '12', '14', '18']

for (const version of VERSIONS) {
  test(`PostgreSQL ${version}: a database of its own, dropped with its connections`, {
    skip: withoutPostgres(version),
  }, async (t) => {
    const server = await postgres(version)
    assert.equal(server.version.split('.')[0], version)
    assert.equal(await postgres(version), server)

    const kept = await testDatabase(t, version)
    const dropped = await newDatabase(server)
    assert.deepEqual(await dropped.query('SELECT current_database()::text AS name'), [{ name: dropped.name }])
    await dropped.drop()
    assert.deepEqual(await kept.query('SELECT FROM pg_database WHERE datname = $1', [dropped.name]), [])
    const lent = await testDatabase(undefined, version)
    await lent.query('CREATE SCHEMA left_behind CREATE TABLE orders (id int)')
    await lent.drop()
    const again = await testDatabase(t, version)
    assert.equal(again.name, lent.name)
    assert.deepEqual(await again.query(`SELECT FROM pg_namespace WHERE nspname = 'left_behind'`), [])
    assert.deepEqual(await kept.query('SELECT $1::jsonb AS json', ['{"ä":1}']), [{ json: { ä: 1 } }])
  })
}
