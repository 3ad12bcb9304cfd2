import { keyColumnName, valueColumnName } from '../../../../src/sinks/tables/names.ts'
import { type GreenplumKind, isRealGreenplum, withoutGreenplum } from '../../../support/greenplum/greenplum.ts'
import { greenplumTarget, type TestLayout } from '../../../support/targets/sql-target.ts'
import { describeMirror, describeSink } from '../../conformance.ts'

/** Each way of writing on each stand-in would take long, and `permutation.test.ts` plays them all. */
const RUNS: readonly [GreenplumKind, TestLayout, typeof describeSink][] = [
  ['6', { layout: 'document', deletes: 'hard' }, describeSink],
  ['7', { layout: 'columns', deletes: 'soft' }, describeMirror],
]

for (const [kind, how, describe] of RUNS) {
  if (withoutGreenplum(kind) !== false) continue
  describe(`greenplum ${kind}, ${how.layout}, deletes ${how.deletes}`, () => greenplumTarget(kind, how), {
    columnOf: how.layout === 'document' ? keyColumnName : valueColumnName,
    lacks: {
      ...(isRealGreenplum ? { keepsOrder: 'rows come from segments' } : {}),
      ...(how.layout === 'columns' ? { keepsNulls: 'to a column null and absent are one' } : {}),
    },
  })
}
