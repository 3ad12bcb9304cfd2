import { ordersLife, type StreamRecord } from '../test/support/life/life.ts'
import { seededRandom } from '../test/support/life/random.ts'
import { dmsOrders } from './dms-orders.ts'

export type ReplayedFeed = 'dynamodb' | 'dms'

/** The records of a replay: an orders table in which an order is touched five times, the same at every call. */
export function replayRecords(feed: ReplayedFeed, changes: number): Iterable<StreamRecord> {
  const orders = Math.ceil(changes / 5)
  if (feed === 'dynamodb') return ordersLife({ seed: 1, changes, orders }).records()
  const random = seededRandom(2)
  const ids = Array.from({ length: changes }, () => random.below(orders))
  return dmsOrders({ ids, deletes: 0.05 })
}
