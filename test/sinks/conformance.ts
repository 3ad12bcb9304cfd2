import { volume } from '../support/volume.ts'
import { describeAppend } from './conformance/append.ts'
import { describeBatches } from './conformance/batches.ts'
import { describeClaimed } from './conformance/claimed.ts'
import { describeHistories } from './conformance/histories.ts'
import { describeRows } from './conformance/rows.ts'
import { suiteOf } from './conformance/suite.ts'
import type { SinkTarget, SinkTraits } from './conformance/target.ts'
import { describeUnclaimed, describeUnclaimedMirror } from './conformance/unclaimed.ts'

/**
 * The cases that a layout or a way of deleting could change: for a sink that plays all cases with another of them.
 * `test:long` plays all cases here, too.
 */
export function describeMirror(name: string, open: () => Promise<SinkTarget>, traits: SinkTraits = {}): void {
  if (volume(false, true)) {
    describeSink(name, open, traits)
    return
  }
  const suite = suiteOf(name, open, traits)
  describeHistories(suite)
  describeRows(suite)
  describeUnclaimedMirror(suite)
}

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
