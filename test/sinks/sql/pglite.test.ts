import { keyColumnName, valueColumnName } from '../../../src/sinks/tables/names.ts'
import { keepPGliteOpen } from '../../support/postgres/pglite.ts'
import { pgliteTarget } from '../../support/targets/sql-target.ts'
import { isDealt, volume } from '../../support/volume.ts'
import { describeSink } from '../conformance.ts'

const lacks = {
  takesOver: 'the lock of a process that lives cannot be taken from it',
  canBeRestored: 'nobody else can write to a folder that is open',
  hasSeveralWriters: 'one process has the folder',
}

// What is found in a folder that was really closed: `pglite-opened-again.test.ts`.
await keepPGliteOpen(volume(true, false))

// Soft deletes are one statement on both; test/sinks/sql/permutation.test.ts runs them here, too.
if (isDealt(0)) {
  describeSink('pglite, document, deletes hard', () => pgliteTarget({ layout: 'document', deletes: 'hard' }), {
    lacks,
    columnOf: keyColumnName,
  })
}
if (isDealt(1)) {
  describeSink('pglite, columns, deletes hard', () => pgliteTarget({ layout: 'columns', deletes: 'hard' }), {
    lacks: { ...lacks, keepsNulls: 'to a column null and absent are one' },
    columnOf: valueColumnName,
  })
}
