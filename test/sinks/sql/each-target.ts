import { type TestContext, test } from 'node:test'
import { greenplumDatabase, isRealGreenplum, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { isDealt } from '../../support/volume.ts'
import { type OpenRelay, openRelay } from './test-relay.ts'

let tests = 0

/**
 * A test on PostgreSQL, and on the stand-in for Greenplum 6, whose statements differ most; in the short run on one of the two.
 *
 * @param whyNotOnReal why it cannot show on a real Greenplum what it shows on the stand-in
 */
export function onEachTarget(
  title: string,
  run: (t: TestContext, openRelay: OpenRelay) => Promise<void>,
  whyNotOnReal: string | false = false,
): void {
  const skip = withoutGreenplum('6') || (isRealGreenplum && whyNotOnReal)
  const nth = tests++
  if (skip !== false || isDealt(nth, 0)) test(title, (t) => run(t, openRelay))
  const onGreenplum: OpenRelay = async (t, options) => openRelay(t, options, await greenplumDatabase(t, '6'))
  if (isDealt(nth, 1)) test(`greenplum 6: ${title}`, { skip }, (t) => run(t, onGreenplum))
}
