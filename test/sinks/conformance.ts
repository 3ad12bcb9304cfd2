import { describeAppend } from './conformance/append.ts'
import { describeBatches } from './conformance/batches.ts'
import { describeClaimed } from './conformance/claimed.ts'
import { describeHistories } from './conformance/histories.ts'
import { describeRows } from './conformance/rows.ts'
import { suiteOf } from './conformance/suite.ts'
import type { SinkTarget, SinkTraits } from './conformance/target.ts'
import { describeUnclaimed } from './conformance/unclaimed.ts'

/** What every sink must do that keeps rows apart by key. `open` gives an empty target. */
export function describeSink(name: string, open: () => Promise<SinkTarget>, traits: SinkTraits = {}): void {
  const suite = suiteOf(name, open, traits)
  describeHistories(suite)
  describeRows(suite)
  describeClaimed(suite)
  describeBatches(suite)
  describeAppend(suite)
  describeUnclaimed(suite)
}
