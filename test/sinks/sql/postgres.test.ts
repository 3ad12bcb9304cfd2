import { keyColumnName, valueColumnName } from '../../../src/sinks/tables/names.ts'
import { postgresTarget } from '../../support/targets/sql-target.ts'
import { isDealt } from '../../support/volume.ts'
import { describeMirror, describeSink } from '../conformance.ts'

// In the short run hard deletes come with one layout, and soft ones with the other.
for (const [d, deletes] of (['hard', 'soft'] as const).entries()) {
  const describe = deletes === 'hard' ? describeSink : describeMirror
  if (isDealt(d, 0)) {
    describe(`postgresql, document, deletes ${deletes}`, () => postgresTarget({ layout: 'document', deletes }), {
      columnOf: keyColumnName,
    })
  }
  if (isDealt(d, 1)) {
    describe(`postgresql, columns, deletes ${deletes}`, () => postgresTarget({ layout: 'columns', deletes }), {
      columnOf: valueColumnName,
      lacks: { keepsNulls: 'to a column null and absent are one' },
    })
  }
}
