import type { Change } from '../src/change.ts'
import { recordDecoder } from '../src/decode/decoder.ts'

const CHANGES = 100_000
/** Every key is written twice: half of the rows are inserted, half are updated. */
const KEYS = CHANGES / 2

/** Decoded from records as a DynamoDB table's Kinesis destination writes them. */
export function orderChanges(): { changes: Change[]; recordBytes: number } {
  const decode = recordDecoder({
    format: 'auto',
    stream: 'orders-changes',
    binary: 'double',
    beforeImageField: 'before-image',
  })
  let bytes = 0
  const changes = Array.from({ length: CHANGES }, (_, i): Change => {
    const data = Buffer.from(JSON.stringify(orderRecord(i)))
    bytes += data.byteLength
    const [change] = decode({ shard: 'shardId-000000000000', sequence: String(i + 1), arrivedAt: null, data })
    if (change?.kind !== 'change') throw new Error('every record holds a change')
    return change
  })
  return { changes, recordBytes: Math.round(bytes / CHANGES) }
}

function orderRecord(i: number): unknown {
  const key = (i * 7919) % KEYS
  const keys = { customer: { S: `c-${100_000 + (key % 700)}` }, order: { N: String(4_000_000 + key) } }
  const line = (sku: string, price: string) => ({ M: { sku: { S: sku }, quantity: { N: '2' }, price: { N: price } } })
  return {
    awsRegion: 'eu-north-1',
    eventID: `5c1d4b0e-7a44-4e3e-9c57-${String(i).padStart(12, '0')}`,
    eventName: i < KEYS ? 'INSERT' : 'MODIFY',
    userIdentity: null,
    recordFormat: 'application/json',
    tableName: 'orders',
    dynamodb: {
      ApproximateCreationDateTime: 1_754_300_000_112_233 + i,
      Keys: keys,
      NewImage: {
        ...keys,
        status: { S: i < KEYS ? 'open' : 'shipped' },
        total: { N: `${100 + (i % 50)}.95` },
        note: { S: 'Leave it with the neighbour at number 7, please' },
        lines: { L: [line(`A-${i % 97}`, '49.5'), line(`B-${i % 89}`, '30.95'), line(`C-${i % 83}`, '0.5')] },
      },
      SizeBytes: 231,
      ApproximateCreationDateTimePrecision: 'MICROSECOND',
    },
    eventSource: 'aws:dynamodb',
  }
}
