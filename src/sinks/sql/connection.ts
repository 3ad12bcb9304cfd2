import { sql, type Transaction } from 'kysely'
import type { Database, Statement } from '../tables/database.ts'

/** One session of a database at a time. */
export interface Connection {
  readonly db: Database
  /** The schema that the URL names, where tables go that name none. */
  readonly schema: string | null
  /** Parameters of the URL that are for the dialect alone: `objects` of `crate://`. Absent if there are none. */
  readonly parameters?: Readonly<Record<string, string>>
  /** The database that the URL speaks of, as `Dialect.title` begins; null if that can be any. */
  readonly promises: string | null
  /** A number that changes with every new session: what an earlier session had locked is free. */
  session(): number
  /** Runs a statement in this session, and first of all in each new one. */
  beginWith(statement: Statement): Promise<void>
  /** Twice is fine. */
  close(): Promise<void>
}

/**
 * One transaction at READ COMMITTED: a statement sees what others committed while an earlier one waited for a lock.
 * Rejects unless the server answered COMMIT. A failed ROLLBACK does not hide the error that led to it.
 */
export async function inTransaction<T>(db: Database, work: (trx: Transaction<unknown>) => Promise<T>): Promise<T> {
  let failure: { readonly error: unknown } | undefined
  try {
    return await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute((trx) =>
        work(trx).catch((error: unknown) => {
          failure = { error }
          throw error
        }),
      )
  } catch (error) {
    throw failure === undefined ? error : failure.error
  }
}

/** Lets DDL give up instead of standing in front of everyone else while it waits behind a long report. */
export async function limitLockWait(trx: Database): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(trx)
}
