import pg from 'pg'
import type { TestDatabase } from '../postgres/postgres-server.ts'
import type { GreenplumKind } from './rules.ts'

/** A Greenplum that nobody here wrote. Its role may make databases, for each test has one of its own. */
export interface GreenplumCluster {
  readonly kind: GreenplumKind
  readonly host: string
  readonly port: number
  newDatabase(): Promise<TestDatabase>
}

/** That of `CDC_TEST_GREENPLUM=greenplum://USER:PASSWORD@HOST:PORT/DATABASE`; null without it. */
export async function greenplumCluster(): Promise<GreenplumCluster | null> {
  const given = process.env.CDC_TEST_GREENPLUM
  if (!given) return null
  const url = new URL(given.replace('greenplum:', 'postgresql:'))
  const [row] = await once(url.href, 'SELECT version()')
  const version = String(row?.version)
  const kind = /Greenplum Database 6\./.test(version)
    ? '6'
    : /Greenplum Database 7\./.test(version)
      ? '7'
      : 'cloudberry'
  return {
    kind,
    host: url.hostname,
    port: Number(url.port || 5432),
    newDatabase: () => newDatabase(url.href),
  }
}

let databases = 0

async function newDatabase(cluster: string): Promise<TestDatabase> {
  const name = `cdc_relay_test_${process.pid}_${++databases}`
  await once(cluster, `CREATE DATABASE ${name}`)
  const url = new URL(cluster)
  url.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: url.href, max: 4 })
  pool.on('error', () => {})
  let dropped: Promise<unknown> | undefined
  return {
    name,
    url: url.href,
    query: async <T>(text: string, values?: unknown[]) => (await pool.query(text, values)).rows as T[],
    drop: async () => {
      dropped ??= pool.end().then(() => dropDatabase(cluster, name))
      await dropped
    },
  }
}

/** Sessions that are about to end are in the way for a moment. */
async function dropDatabase(cluster: string, name: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    await once(cluster, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
    try {
      await once(cluster, `DROP DATABASE ${name}`)
      return
    } catch (error) {
      if (tries > 100 || (error as { code?: string }).code !== '55006') throw error
    }
  }
}

async function once(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
