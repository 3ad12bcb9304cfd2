import { sql } from 'kysely'
import type { Statement } from '../../tables/database.ts'
import { isReservedInGreenplum } from '../../tables/names.ts'
import type { Dialect } from '../dialect.ts'
import { mirrorsOf } from '../mirrors.ts'
import { appendLog } from '../postgresql/append.ts'
import { sqlBesideState } from '../postgresql/beside-state.ts'
import { sqlCatalogue } from '../postgresql/catalogue.ts'
import { postgresql } from '../postgresql/dialect.ts'
import { lookAtName } from '../postgresql/look.ts'
import { pendingSchema } from '../postgresql/migration.ts'
import { sqlSharedState } from '../postgresql/shared-state.ts'
import { sqlState } from '../postgresql/state.ts'
import { readGreenplumRelation } from './catalogue.ts'
import { KERNEL_6, KERNEL_7, type Kernel } from './kernel.ts'
import { logByCopy } from './log-rows.ts'
import { BY_KEY } from './merge.ts'
import { refusedTextsOf } from './refused-texts.ts'
import { greenplumSteps } from './schema.ts'
import { greenplumState } from './state.ts'
import { greenplumStyle, greenplumTables } from './tables.ts'
import { lockingWriting } from './writing.ts'

/**
 * For many small writes by key instead of few large reads; and no ANALYZE after a load. Only the coordinator plans, so it
 * does not matter that `set_config` also reaches the segments.
 */
const SMALL_WRITES: Readonly<Record<string, string>> = { ...BY_KEY, gp_autostats_mode: 'none' }

/**
 * A setting of PostgreSQL 9.6 and newer. Longer than any statement may take: a segment that follows it is also idle while
 * others, or the coordinator, work.
 */
const ENDS_IDLE = { idle_in_transaction_session_timeout: '300s' }

const settings = (values: Readonly<Record<string, string>>): Statement =>
  sql`SELECT ${sql.join(
    Object.entries(values).map(([name, value]) => sql`set_config(${sql.lit(name)}, ${sql.lit(value)}, false)`),
  )}`

function greenplum(title: string, kernel: Kernel, session: Statement): Dialect {
  return {
    ...postgresql,
    names: { ...postgresql.names, isReserved: isReservedInGreenplum },
    title,
    session,
    catalogue: ({ db }) => sqlCatalogue(db, readGreenplumRelation),
    lookAt: ({ db }, name) => lookAtName(db, name, greenplumSteps(kernel)),
    pendingSchema: ({ db }) => pendingSchema(db, greenplumSteps(kernel)),
    state: (connection) => sqlState(connection, greenplumState(kernel)),
    sharedState: ({ db }) => sqlSharedState(db, greenplumSteps(kernel)),
    besideState: ({ db }) => sqlBesideState(db, greenplumSteps(kernel)),
    mirrors: (_connection, deletes, declaredTypes) => mirrorsOf(greenplumTables(kernel, deletes), declaredTypes),
    append: (isShared) => appendLog(greenplumStyle(kernel, 'hard'), isShared, logByCopy(kernel)),
    writing: { ...lockingWriting(kernel), refusedTexts: refusedTextsOf(kernel) },
  }
}

export const greenplum6 = greenplum('Greenplum 6', KERNEL_6, settings(SMALL_WRITES))
export const greenplum7 = greenplum('Greenplum 7', KERNEL_7, settings({ ...SMALL_WRITES, ...ENDS_IDLE }))
export const cloudberry = greenplum('Cloudberry', KERNEL_7, settings({ ...SMALL_WRITES, ...ENDS_IDLE }))
