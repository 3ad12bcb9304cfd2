/**
 * Starts the test server by hand, to try the GPSS sink without Greenplum. It plays the rules of the documents; nothing
 * hostile is switched on.
 *
 *   npm run gpss [-- --port 5000 --postgres postgresql://user:password@host/database]
 *
 * Without `--postgres` it has a PostgreSQL of its own, which is gone when it ends. SQL that is typed into it is
 * answered, to look at the tables.
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startPostgres } from '../postgres/postgres-server.ts'
import { type Gpss, startGpss } from './server.ts'

const { port, given } = readArguments()
const own = given === null ? await startPostgres() : null
if (own !== null) {
  await ownDatabase(own.url())
  await makeStage(own.url('warehouse'))
}
const database = new URL(given ?? own!.url('warehouse'))
const gpss = await startGpss({ port }).catch(giveUp)
const pool = new pg.Pool({ connectionString: database.href, max: 1 })
pool.on('error', () => {}) // the next statement tells

console.log(`GPSS test server on ${gpss.host}:${gpss.port}. Use it as`)
console.log(`  --sink '${sinkUrl(gpss, database, own !== null)}'`)
if (own === null) console.log('  with the password in CDC_RELAY_GPSS_PASSWORD')
else console.log(`The tables are in ${database.href}, as long as this server runs.`)
console.log('Type SQL to look at them, such as: TABLE orders')

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end())
for await (const line of createInterface({ input: process.stdin })) if (line.trim() !== '') await look(line)

function readArguments(): { port: number; given: string | null } {
  const { values } = parseArgs({ options: { port: { type: 'string' }, postgres: { type: 'string' } } })
  const port = Number(values.port ?? 5000)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('--port is a number from 0 to 65535')
  if (values.postgres !== undefined && !URL.canParse(values.postgres)) throw new Error('--postgres is no URL')
  return { port, given: values.postgres ?? null }
}

async function ownDatabase(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query('CREATE DATABASE warehouse')
  await client.end()
}

/** What an operator makes by hand before the first run. */
async function makeStage(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query('CREATE SCHEMA cdc_relay')
  await client.query('CREATE TABLE cdc_relay.stage (cdc_spread integer, cdc_part text, cdc_row text)')
  await client.end()
}

/** The password is told only where it opens nothing but our own database. */
function sinkUrl({ host, port }: Gpss, database: URL, withPassword: boolean): string {
  const url = new URL(`gpss://${host}:${port}${database.pathname}`)
  url.searchParams.set('greenplum-host', database.hostname)
  url.searchParams.set('greenplum-port', database.port || '5432')
  url.searchParams.set('user', decodeURIComponent(database.username))
  if (withPassword) url.searchParams.set('password', decodeURIComponent(database.password))
  return url.href
}

async function look(sql: string): Promise<void> {
  try {
    const { rows } = await pool.query(sql)
    console.table(rows.map(shown))
  } catch (error) {
    console.log(String(error))
  }
}

/** Documents as text: a table in a terminal would show `[Object]`. */
function shown(row: Record<string, unknown>): Record<string, unknown> {
  const text = (value: unknown) => (value instanceof Object && !(value instanceof Date) ? JSON.stringify(value) : value)
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, text(value)]))
}

async function giveUp(error: unknown): Promise<never> {
  await own?.stop()
  throw error
}

async function end(): Promise<void> {
  await gpss.stop()
  await pool.end()
  await own?.stop()
  process.exit()
}
