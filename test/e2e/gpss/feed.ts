import { createHash } from 'node:crypto'
import { type Delivery, deliver } from '../../support/dms-life/delivery.ts'
import { type DmsLife, dmsLife } from '../../support/dms-life/dms-life.ts'
import { labelOf } from '../../support/dms-life/tables.ts'
import type { Kinesalite, Put, Stored } from '../../support/kinesis/kinesalite.ts'
import { type Life, ordersLife, type StreamRecord } from '../../support/life/life.ts'
import { seededRandom } from '../../support/life/random.ts'

/** What DMS and DynamoDB write into one stream, and where it came to lie. */
export interface Feed {
  readonly stream: string
  readonly dms: DmsLife
  readonly delivery: Delivery
  readonly orders: Life
  /** The records of `orders`. */
  readonly orderRecords: readonly StreamRecord[]
  /** Parcel → MD5 of its body. */
  readonly parcels: ReadonlyMap<string, string>
  /** By table (`schema.table` in the target): where its row changes lie, in the order in which they came. */
  readonly positions: ReadonlyMap<string, readonly Stored[]>
}

const SHARDS = 2
/** So few that a table's changes come in many batches. */
const CHANGES = { dms: 250, orders: 250, orderCount: 50 }
/** Together larger than one message to GPSS may be: the client closes messages at 3 MiB. */
const PARCELS = { count: 10, bytes: 700_000 }

interface TablePut extends Put {
  /** Null for what is not a row change. */
  readonly table: string | null
}

/** Writes a new stream: a life of DMS tables with a reload, an orders table, and on the way some parcels that are large. */
export async function writeFeed(kinesis: Kinesalite, seed: number): Promise<Feed> {
  const stream = 'changes'
  const random = seededRandom(seed)
  const dms = dmsLife({
    seed,
    changes: CHANGES.dms,
    keys: 20,
    endpoint: { includeControlDetails: true },
    story: { reload: 'with-drop-table', resumes: 2 },
  })
  const delivery = deliver(dms.records, { shards: SHARDS, interleaving: 'by-time' }, random)
  const { orders, orderRecords } = hardOrders(seed)
  const { parcels, records: parcelRecords } = newParcels()

  const puts: TablePut[] = [
    ...alternating<TablePut>(
      delivery.arrivals.map(({ record: { partitionKey: key, data, kind, says } }) => {
        return { key, data, table: says === null || kind === 'control' ? null : labelOf(says.table) }
      }),
      orderRecords.map(({ partitionKey: key, data }) => ({ key, data, table: 'public.orders' })),
    ),
  ]
  puts.splice(puts.length >> 2, 0, ...parcelRecords)

  await kinesis.createStream(stream, SHARDS)
  const stored = await kinesis.put(stream, puts)
  const positions = new Map<string, Stored[]>()
  for (const [index, { table }] of puts.entries()) {
    if (table !== null) positions.set(table, [...(positions.get(table) ?? []), stored[index]!])
  }
  return { stream, dms, delivery, orders, orderRecords, parcels, positions }
}

/** The first life from this seed on that a mirror in which the last arrival wins gets wrong: one in a thousand is too easy. */
function hardOrders(firstSeed: number): Pick<Feed, 'orders' | 'orderRecords'> {
  for (let seed = firstSeed; ; seed++) {
    const orders = ordersLife({ seed, changes: CHANGES.orders, orders: CHANGES.orderCount })
    const orderRecords = [...orders.records()]
    if (orders.wrongIfLastWins() > 0) return { orders, orderRecords }
  }
}

function newParcels(): { parcels: Map<string, string>; records: TablePut[] } {
  const parcels = new Map<string, string>()
  const records = Array.from({ length: PARCELS.count }, (_, index) => {
    const body = `${index} `.repeat(PARCELS.bytes / 2)
    parcels.set(`parcel-${index}`, createHash('md5').update(body).digest('hex'))
    const Keys = { id: { S: `parcel-${index}` } }
    const data = JSON.stringify({
      awsRegion: 'eu-central-1',
      eventID: `00000000-0000-0000-0000-00000000000${index}`,
      eventName: 'INSERT',
      userIdentity: null,
      recordFormat: 'application/json',
      tableName: 'parcels',
      dynamodb: {
        ApproximateCreationDateTime: 1_793_606_400_000_000 + index,
        ApproximateCreationDateTimePrecision: 'MICROSECOND',
        Keys,
        NewImage: { ...Keys, body: { S: body } },
        SizeBytes: body.length,
      },
      eventSource: 'aws:dynamodb',
    })
    return { key: 'parcels', data, table: 'public.parcels' }
  })
  return { parcels, records }
}

/** One of each in turn, as long as there are both. */
function* alternating<T>(some: readonly T[], others: readonly T[]): Generator<T> {
  for (let index = 0; index < Math.max(some.length, others.length); index++) {
    if (index < some.length) yield some[index]!
    if (index < others.length) yield others[index]!
  }
}
