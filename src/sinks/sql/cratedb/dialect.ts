import { renamed } from '../../tables/mismatches.ts'
import type { Dialect } from '../dialect.ts'
import { crateLog } from './append.ts'
import { byWordsOfCrate } from './failures.ts'
import { crateMirrors } from './mirrors.ts'
import { pruneDeleted } from './rows/prune.ts'
import { finalWriting } from './rows/writing.ts'
import { crateBesideState } from './state/beside-state.ts'
import { keepDeadLetters } from './state/dead-letters.ts'
import { crateLetters } from './state/letters.ts'
import { lookAtName } from './state/look.ts'
import { pendingSchema } from './state/migration.ts'
import { crateSharedState } from './state/shared-state.ts'
import { crateState } from './state/state.ts'
import { crateCatalogue } from './tables/catalogue.ts'
import { schemaName, tableName } from './tables/names.ts'
import type { CrateRelation } from './tables/relation.ts'
import { requireCrateVersion } from './versions.ts'

/** CrateDB 5.10.12 and newer. */
export const cratedb: Dialect<CrateRelation> = {
  title: 'CrateDB',
  // In the row itself: no other way is atomic where every statement is final.
  deletes: ['soft'],
  defaultSchema: 'doc',
  keepsNul: true,
  requireVersion: requireCrateVersion,
  lookAt: ({ db }, name) => lookAtName(db, name),
  pendingSchema: ({ db }) => pendingSchema(db),
  state: (connection, log) => crateState(connection, log),
  sharedState: ({ db }) => crateSharedState(db),
  besideState: ({ db }) => crateBesideState(db),
  letters: ({ db }) => crateLetters(db),
  catalogue: crateCatalogue,
  names: {
    schema: schemaName,
    table: tableName,
    isReserved: () => false,
    takeAlong: (from, to) => (from.schema === to.schema ? renamed(from, to) : null),
  },
  mirrors: crateMirrors,
  append: crateLog,
  writing: finalWriting,
  prune: pruneDeleted,
  keepDeadLetters,
  failures: byWordsOfCrate,
}
