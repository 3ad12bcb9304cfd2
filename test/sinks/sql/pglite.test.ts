import { keyColumnName, valueColumnName } from '../../../src/sinks/tables/names.ts'
import { pgliteTarget } from '../../support/targets/sql-target.ts'
import { describeSink } from '../conformance.ts'

const abilities = {
  noTakeOver: 'the lock of a process that lives cannot be taken from it',
  noBackup: 'nobody else can write to a folder that is open',
}
// Soft deletes are one statement on both; test/sinks/sql/permutation.test.ts runs them here, too.
describeSink('pglite, document, deletes hard', () => pgliteTarget({ layout: 'document', deletes: 'hard' }), {
  ...abilities,
  columnOf: keyColumnName,
})
describeSink('pglite, columns, deletes hard', () => pgliteTarget({ layout: 'columns', deletes: 'hard' }), {
  ...abilities,
  columnOf: valueColumnName,
  noNulls: 'to a column null and absent are one',
})
