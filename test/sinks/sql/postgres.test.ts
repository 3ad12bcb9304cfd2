import { keyColumnName, valueColumnName } from '../../../src/sinks/tables/names.ts'
import { postgresTarget } from '../../support/targets/sql-target.ts'
import { describeSink } from '../conformance.ts'

for (const deletes of ['hard', 'soft'] as const) {
  describeSink(`postgresql, document, deletes ${deletes}`, () => postgresTarget({ layout: 'document', deletes }), {
    columnOf: keyColumnName,
  })
  describeSink(`postgresql, columns, deletes ${deletes}`, () => postgresTarget({ layout: 'columns', deletes }), {
    columnOf: valueColumnName,
    lacks: { keepsNulls: 'to a column null and absent are one' },
  })
}
