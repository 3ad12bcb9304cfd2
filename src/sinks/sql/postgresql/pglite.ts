import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect } from 'kysely'
import { RelayError } from '../../../errors.ts'
import { isLocked, lockFile } from '../../../state/file-lock.ts'
import type { Connection } from '../connection.ts'

/** PostgreSQL inside this process, its data in a folder. */
export async function openPGlite(folder: string): Promise<Connection> {
  return connectionTo(await openFolder(folder))
}

/**
 * The same over a copy of the folder, or over an empty database where there is none: it is thrown away when it is closed.
 * @throws RelayError CONFIGURATION, STATE_HELD
 */
export async function openPGliteCopy(folder: string): Promise<Connection> {
  const path = resolve(folder)
  const { PGlite } = await load()
  if (!existsSync(path)) return connectionTo(closing(await PGlite.create(OPTIONS), async () => {}))
  const copy = await mkdtemp(join(tmpdir(), 'cdc-relay-pglite-'))
  const remove = (): Promise<void> => rm(copy, { recursive: true, force: true })
  try {
    await requireFree(path)
    await cp(path, copy, { recursive: true })
    // What was written meanwhile may be there in part.
    await requireFree(path)
    return connectionTo(closing(await PGlite.create(copy, OPTIONS), remove))
  } catch (error) {
    await remove()
    throw error
  }
}

interface OpenFolder {
  readonly pglite: PGlite
  close(): Promise<void>
}

const closing = (pglite: PGlite, then: () => Promise<void>): OpenFolder => ({
  pglite,
  close: () => pglite.close().finally(then),
})

function connectionTo({ pglite, close }: OpenFolder): Connection {
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
export async function openFolder(folder: string): Promise<OpenFolder> {
  if (folder === '') throw new RelayError('CONFIGURATION', 'pglite: needs a folder: pglite:DIR')
  const path = resolve(folder)
  const { PGlite } = await load()
  await mkdir(path, { recursive: true })
  const lock = await lockFile(`${path}.lock`, undefined, (holder) => isOpen(path, holder))
  const pglite = await PGlite.create(path, OPTIONS).catch(async (error: unknown) => {
    await lock.release()
    throw error
  })
  return closing(pglite, () => lock.release())
}

const isOpen = (path: string, holder: string): string =>
  `The PGlite folder ${path} is open in ${holder}: stop that process first, or name another folder; PGlite takes one process at a time`

/** @throws RelayError STATE_HELD if a process has the folder open */
async function requireFree(path: string): Promise<void> {
  if (await isLocked(`${path}.lock`)) throw new RelayError('STATE_HELD', isOpen(path, 'another process'))
}

/** The type text, pg_type.oid. */
const TEXT = 25

/** Text that the relay has as UTF-8: PGlite sends parameters as text. */
function textOf(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString()
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new TypeError(`A parameter of type text is a ${typeof value}`)
}

const OPTIONS = { serializers: { [TEXT]: textOf } }

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
