import { keyColumnName, valueColumnName } from '../../../src/sinks/tables/names.ts'
import { postgresTarget } from '../../support/targets/sql-target.ts'
import { describeMirror, describeSink } from '../conformance.ts'

for (const deletes of ['hard', 'soft'] as const) {
  // Each layout and each way of deleting plays all cases once.
  const [describeDocument, describeColumns] =
    deletes === 'hard' ? [describeSink, describeMirror] : [describeMirror, describeSink]
  describeDocument(`postgresql, document, deletes ${deletes}`, () => postgresTarget({ layout: 'document', deletes }), {
    columnOf: keyColumnName,
  })
  describeColumns(`postgresql, columns, deletes ${deletes}`, () => postgresTarget({ layout: 'columns', deletes }), {
    columnOf: valueColumnName,
    lacks: { keepsNulls: 'to a column null and absent are one' },
  })
}
