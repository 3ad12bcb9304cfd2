import { sql } from 'kysely'
import { movedAndRenamed } from '../../tables/mismatches.ts'
import { isReservedInPostgres, targetName } from '../../tables/names.ts'
import type { Dialect } from '../dialect.ts'
import { bySqlState } from '../failures.ts'
import { mirrorsOf } from '../mirrors.ts'
import { appendLog } from './append.ts'
import { sqlBesideState } from './beside-state.ts'
import { sqlCatalogue } from './catalogue.ts'
import { keepDeadLetters } from './dead-letters.ts'
import { sqlLetters } from './letters.ts'
import { lookAtName } from './look.ts'
import { pendingSchema } from './migration.ts'
import { postgresState } from './moves.ts'
import { pruneTombstones } from './prune.ts'
import { sqlSharedState } from './shared-state.ts'
import { sqlState } from './state.ts'
import { postgresStyle, postgresTables } from './tables.ts'
import { transactionWriting } from './writing.ts'

/** PostgreSQL 12 and newer, and PGlite. */
export const postgresql: Dialect = {
  title: 'PostgreSQL',
  deletes: ['hard', 'soft'],
  defaultSchema: 'public',
  takesJson: true,
  lookAt: ({ db }, name) => lookAtName(db, name, postgresState.steps),
  pendingSchema: ({ db }) => pendingSchema(db, postgresState.steps),
  readOnly: sql`SELECT set_config('default_transaction_read_only', 'on', false)`,
  state: (connection) => sqlState(connection, postgresState),
  sharedState: ({ db }) => sqlSharedState(db, postgresState.steps),
  besideState: ({ db }) => sqlBesideState(db, postgresState.steps),
  letters: ({ db }) => sqlLetters(db),
  session: sql`SELECT set_config('idle_in_transaction_session_timeout', '60s', false)`,
  catalogue: ({ db }) => sqlCatalogue(db),
  names: { schema: targetName, table: targetName, isReserved: isReservedInPostgres, takeAlong: movedAndRenamed },
  mirrors: (_connection, deletes, declaredTypes) => mirrorsOf(postgresTables(deletes), declaredTypes),
  append: (isShared) => appendLog(postgresStyle('hard'), isShared),
  writing: transactionWriting,
  prune: pruneTombstones,
  keepDeadLetters,
  failures: bySqlState,
}
