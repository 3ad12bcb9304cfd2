import assert from 'node:assert/strict'
import test from 'node:test'
import { type LifeOptions, ordersLife } from './life.ts'
import { anySeed } from './random.ts'

/** Plays a whole life and keeps what went into the stream. */
function played(options: LifeOptions) {
  const life = ordersLife(options)
  const records = [...life.records()]
  return { life, records }
}

interface Envelope {
  readonly eventName: string
  readonly userIdentity: unknown
  readonly tableName: string
  readonly dynamodb: {
    readonly ApproximateCreationDateTime: number
    readonly ApproximateCreationDateTimePrecision?: string
    readonly Keys: { readonly customer: { readonly S: string }; readonly order: { readonly N: string } }
    readonly NewImage?: object
    readonly OldImage?: object
  }
}

const envelopeOf = ({ data }: { data: string }): Envelope => JSON.parse(data)
const orderOf = ({ dynamodb: { Keys } }: Envelope): string => `${Keys.customer.S}|${Keys.order.N}`

const seed = anySeed()

test(`a life is the same for the same seed (${seed})`, () => {
  const [one, two] = [played({ seed, changes: 500, orders: 50 }), played({ seed, changes: 500, orders: 50 })]
  assert.deepEqual(one.records, two.records)
  assert.deepEqual(one.life.rows(), two.life.rows())
  assert.notDeepEqual(one.records, played({ seed: seed + 1, changes: 500, orders: 50 }).records)
})

test(`a life has the hard cases, and the truth is that of the newest record of each order (seed ${seed})`, (t) => {
  const { life, records } = played({ seed, changes: 20_000, orders: 2_000 })
  t.diagnostic(JSON.stringify(life.figures))
  const { figures } = life
  assert.equal(figures.changes, 20_000)
  assert.equal(records.length, figures.changes + figures.duplicates)
  assert.ok(figures.duplicates > 500 && figures.late > 2_000 && figures.returns > 500 && figures.expired > 200)
  assert.equal(figures.ties, 0)
  assert.ok(life.wrongIfLastWins() > 100)

  const newest = new Map<string, Envelope>()
  const shards = new Map<string, Set<string>>()
  for (const record of records) {
    const envelope = envelopeOf(record)
    const order = orderOf(envelope)
    const time = newest.get(order)?.dynamodb.ApproximateCreationDateTime ?? 0
    if (envelope.dynamodb.ApproximateCreationDateTime >= time) newest.set(order, envelope)
    shards.set(order, (shards.get(order) ?? new Set()).add(record.partitionKey))
  }
  const alive = [...newest].filter(([, { eventName }]) => eventName !== 'REMOVE')
  assert.deepEqual(
    new Map(alive.map(([order, { dynamodb }]) => [order, dynamodb.ApproximateCreationDateTime])),
    new Map(Array.from(life.rows(), ([order, { version }]) => [order, version])),
  )
  assert.ok([...shards.values()].some((keys) => keys.size > 1))
})

test(`records have the images that their event has, and each is what the one before it left (seed ${seed})`, () => {
  const { records } = played({ seed, changes: 2_000, orders: 100 })
  const history = records.map(envelopeOf).sort((a, b) => timeOf(a) - timeOf(b))
  const standing = new Map<string, { time: number; image: object | undefined }>()
  for (const envelope of history) {
    const { NewImage, OldImage } = envelope.dynamodb
    const before = standing.get(orderOf(envelope))
    if (before?.time === timeOf(envelope)) continue // a second copy
    assert.deepEqual(OldImage, before?.image)
    const expected = NewImage === undefined ? 'REMOVE' : OldImage === undefined ? 'INSERT' : 'MODIFY'
    assert.equal(envelope.eventName, expected)
    if (envelope.userIdentity !== null) assert.equal(envelope.eventName, 'REMOVE')
    standing.set(orderOf(envelope), { time: timeOf(envelope), image: NewImage })
  }
})

test(`with milliseconds some versions are equal, and an order keeps to one partition key (seed ${seed})`, (t) => {
  const { life, records } = played({ seed, changes: 2_000, orders: 20, precision: 'MILLISECOND' })
  t.diagnostic(JSON.stringify(life.figures))
  assert.ok(life.figures.ties > 50)
  const keys = new Map<string, string>()
  for (const record of records) {
    const envelope = envelopeOf(record)
    assert.equal(envelope.dynamodb.ApproximateCreationDateTimePrecision, undefined)
    assert.ok(timeOf(envelope) < 1e14)
    assert.equal(keys.get(orderOf(envelope)) ?? record.partitionKey, record.partitionKey)
    keys.set(orderOf(envelope), record.partitionKey)
  }
})

const timeOf = ({ dynamodb }: Envelope): number => dynamodb.ApproximateCreationDateTime
