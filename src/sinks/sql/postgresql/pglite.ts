import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect } from 'kysely'
import { RelayError } from '../../../errors.ts'
import { lockFile } from '../../../state/file-lock.ts'
import type { Connection } from '../connection.ts'

/** PostgreSQL inside this process, its data in a folder. */
export async function openPGlite(folder: string): Promise<Connection> {
  const { pglite, close } = await openFolder(folder)
  const db = new Kysely<unknown>({ dialect: new PGliteDialect({ pglite }) })
  let closed: Promise<void> | undefined
  return {
    db,
    schema: null,
    promises: null,
    session: () => 1,
    async beginWith(statement) {
      await statement.execute(db)
    },
    close: () => {
      closed ??= close()
      return closed
    },
  }
}

/**
 * PGlite itself lets a second process open the folder and then loses rows, so a lock beside it (`DIR.lock`) keeps others
 * out. It does not sync to disk: what is committed survives the end of the process, however it ends, but not of the power.
 *
 * @throws RelayError CONFIGURATION, STATE_HELD
 */
export async function openFolder(folder: string): Promise<{ pglite: PGlite; close(): Promise<void> }> {
  if (folder === '') throw new RelayError('CONFIGURATION', 'pglite: needs a folder: pglite:DIR')
  const path = resolve(folder)
  const { PGlite } = await load()
  await mkdir(path, { recursive: true })
  const isOpen = (holder: string): string =>
    `The PGlite folder ${path} is open in ${holder}: stop that process first, or name another folder; PGlite takes one process at a time`
  const lock = await lockFile(`${path}.lock`, undefined, isOpen)
  const pglite = await PGlite.create(path, { serializers: { [TEXT]: textOf } }).catch(async (error: unknown) => {
    await lock.release()
    throw error
  })
  return { pglite, close: () => pglite.close().finally(() => lock.release()) }
}

/** The type text, pg_type.oid. */
const TEXT = 25

/** Text that the relay has as UTF-8: PGlite sends parameters as text. */
function textOf(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString()
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new TypeError(`A parameter of type text is a ${typeof value}`)
}

/** The package is an optional peer dependency: only who mirrors into a folder has to install it. */
async function load(): Promise<typeof import('@electric-sql/pglite')> {
  try {
    return await import('@electric-sql/pglite')
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new RelayError(
      'CONFIGURATION',
      'pglite: needs the package @electric-sql/pglite, which is not installed: npm install @electric-sql/pglite',
      {},
      cause,
    )
  }
}
