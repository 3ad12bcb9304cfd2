import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { PGlite } from '@electric-sql/pglite'
import { sql } from 'kysely'
import { connect } from '../../../src/sinks/sql/connect.ts'
import type { Connection } from '../../../src/sinks/sql/connection.ts'
import { QUICK_PGLITE } from '../processes/program-path.ts'
import { databaseFolder } from './postgres-programs.ts'
import { fillFolder } from './template.ts'

const PACKAGE = new URL('../../../node_modules/@electric-sql/pglite/package.json', import.meta.url)

for (const flag of QUICK_PGLITE) setFlagsFromString(flag)

/** Each opening makes and zeroes its buffers: the 128 MB of the default take as long as everything else. */
const SMALL = `
shared_buffers = 8MB
max_connections = 10
`

let keepsOpen = false
/** Path → what was closed last, and is there for who opens the folder next. */
const kept = new Map<string, PGlite>()

/**
 * While this is on, PGlite itself stays open in this process when a folder is closed, and who opens the folder next has it,
 * with a session like a new one: to open it takes longer than most tests do. The lock of the folder is
 * given back and taken as ever. For tests that do not ask what closing and opening does to the data.
 */
export async function keepPGliteOpen(isOn: boolean): Promise<void> {
  keepsOpen = isOn
  if (isOn) return
  for (const pglite of kept.values()) await pglite.close()
  kept.clear()
}

const create = PGlite.create.bind(PGlite) as (path: string) => Promise<PGlite>
PGlite.create = (async (path: string) => {
  const open = kept.get(path)
  kept.delete(path)
  return open ?? keptAtClose(path, await create(path))
}) as typeof PGlite.create

function keptAtClose(path: string, pglite: PGlite): PGlite {
  const close = pglite.close.bind(pglite)
  pglite.close = async () => {
    if (!keepsOpen) return await close()
    await pglite.exec('ROLLBACK')
    await pglite.exec('DISCARD ALL')
    kept.set(path, pglite)
  }
  return pglite
}

/** A database in a folder, which one at a time may have open. */
export interface PGliteFolder {
  readonly url: string
  /** Runs one statement whose columns are text; unless a connection is given, opens the folder until `release`. */
  query(text: string, connection?: Connection): Promise<Record<string, string | null>[]>
  release(): Promise<void>
  /** Drops everything in it, for the next test. */
  empty(): Promise<void>
}

let shared: Promise<PGliteFolder> | undefined

/** The one folder of this test process. It is removed when the process ends. */
export function pgliteFolder(): Promise<PGliteFolder> {
  shared ??= makeFolder()
  return shared
}

async function makeFolder(): Promise<PGliteFolder> {
  const folder = await mkdtemp(join(databaseFolder(), 'cdc-relay-pglite-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const data = join(folder, 'data')
  await mkdir(data)
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }
  await fillFolder(data, `pglite ${version} small`, async () => {
    await (await create(data)).close()
    appendFileSync(join(data, 'postgresql.conf'), SMALL)
  })
  const url = `pglite:${data}`
  let connection: Connection | undefined

  const query: PGliteFolder['query'] = async (text, given) => {
    if (given === undefined) connection ??= await connect(url)
    const { db } = given ?? connection!
    return (await sql.raw<Record<string, string | null>>(text).execute(db)).rows
  }
  const release = async (): Promise<void> => {
    const open = connection
    connection = undefined
    await open?.close()
  }
  return {
    url,
    query,
    release,
    async empty() {
      const schemas = await query(
        `SELECT format('%I', nspname) AS id FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' AND nspname <> 'information_schema'`,
      )
      for (const { id } of schemas) await query(`DROP SCHEMA ${id} CASCADE`)
      await query('CREATE SCHEMA public')
      await release()
    },
  }
}
