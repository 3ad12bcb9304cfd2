import { type Attributes, changed, keyOf, placed } from './items.ts'
import type { Random } from './random.ts'
import { wireImage } from './values.ts'

/** How an order stood after a change. */
export interface Standing {
  /** Counts the changes of the whole table, in the order in which they happened. */
  readonly ordinal: number
  /** Epoch microseconds, as precise as the record says it. */
  readonly version: number
  /** Null once it is removed. */
  readonly after: Attributes | null
}

/** A change that happened, with the record that DynamoDB writes about it. */
export interface Happening {
  /** Customer and order number with `|` between. */
  readonly order: string
  /** The partition key that the records of this order often have. */
  readonly homeKey: string
  readonly standing: Standing
  /** The record. Two copies of one record need not have the same id. */
  json(eventId: string): string
}

export interface HistoryOptions {
  readonly changes: number
  readonly orders: number
  readonly precision: 'MICROSECOND' | 'MILLISECOND'
}

export interface HistoryFigures {
  changes: number
  /** Orders placed again under a key that was removed before. */
  returns: number
  /** Removals by time to live. */
  expired: number
  /** Changes with the same version as the change of the order before. */
  ties: number
}

export interface History {
  readonly figures: HistoryFigures
  /** All changes in the order in which they happen. To be read once. */
  happenings(): Generator<Happening>
  /** Order → how it stands now. */
  readonly standings: ReadonlyMap<string, Standing>
}

interface Order {
  readonly name: string
  readonly keys: Attributes
  readonly keysJson: string
  readonly homeKey: string
  standing: Standing | null
  imageJson: string
}

/** This part of all orders is being changed at a time: most changes of an order lie close together. */
const HOT_SHARE = 1 / 20
/** 2 November 2026, 08:00 UTC. */
const FIRST_MICROS = 1_793_606_400_000_000

export function newHistory(options: HistoryOptions, random: Random): History {
  const figures: HistoryFigures = { changes: 0, returns: 0, expired: 0, ties: 0 }
  const orders: Order[] = []
  const standings = new Map<string, Standing>()
  const hot = Math.ceil(options.orders * HOT_SHARE)
  let micros = FIRST_MICROS

  function* happenings(): Generator<Happening> {
    while (figures.changes < options.changes) {
      micros = options.precision === 'MICROSECOND' ? micros + 1 + random.below(400) : nextMillis(micros, random)
      yield change(orderAt(nextIndex()))
    }
  }

  /** Slides over all orders; now and then somebody comes back to an old one. */
  function nextIndex(): number {
    const oldest = Math.floor((figures.changes / options.changes) * (options.orders - hot))
    return random.chance(0.05) ? random.below(oldest + hot) : oldest + random.below(hot)
  }

  function orderAt(index: number): Order {
    orders[index] ??= unknownOrder(index, random)
    return orders[index]
  }

  function change(order: Order): Happening {
    const before = order.standing
    const after = lives(before)
      ? random.chance(0.25)
        ? null
        : changed(before.after, random)
      : placed(order.keys, random)
    const expired = after === null && lives(before) && before.after.has('expires')

    figures.changes++
    if (before !== null && before.after === null) figures.returns++
    if (expired) figures.expired++
    if (before?.version === micros) figures.ties++

    const oldJson = order.imageJson
    const newJson = after === null ? '' : wireImage(after)
    order.standing = { ordinal: figures.changes, version: micros, after }
    order.imageJson = newJson
    standings.set(order.name, order.standing)
    return {
      order: order.name,
      homeKey: order.homeKey,
      standing: order.standing,
      json: recordText(options.precision, micros, order.keysJson, oldJson, newJson, expired),
    }
  }

  return { figures, happenings, standings }
}

const lives = (standing: Standing | null): standing is Standing & { readonly after: Attributes } =>
  standing !== null && standing.after !== null

function unknownOrder(index: number, random: Random): Order {
  const keys = keyOf(index)
  const name = `${JSON.parse(keys.get('customer')!.plain)}|${keys.get('order')!.plain}`
  return { name, keys, keysJson: wireImage(keys), homeKey: random.hex(32), standing: null, imageJson: '' }
}

/** Several changes share a millisecond. */
const nextMillis = (micros: number, random: Random): number =>
  random.chance(0.6) ? micros : micros + 1_000 * (1 + random.below(3))

/** @param oldJson, newJson the images before and after, empty where there is none */
function recordText(
  precision: HistoryOptions['precision'],
  micros: number,
  keysJson: string,
  oldJson: string,
  newJson: string,
  expired: boolean,
): (eventId: string) => string {
  const eventName = newJson === '' ? 'REMOVE' : oldJson === '' ? 'INSERT' : 'MODIFY'
  const identity = expired ? '{"type":"Service","principalId":"dynamodb.amazonaws.com"}' : 'null'
  // A destination with the default precision does not name it.
  const time =
    precision === 'MICROSECOND'
      ? `${micros},"ApproximateCreationDateTimePrecision":"MICROSECOND"`
      : String(micros / 1_000)
  const images = (newJson && `"NewImage":${newJson},`) + (oldJson && `"OldImage":${oldJson},`)
  const sizeBytes = keysJson.length + newJson.length + oldJson.length

  return (eventId) =>
    `{"awsRegion":"eu-central-1","eventID":"${eventId}","eventName":"${eventName}","userIdentity":${identity},` +
    `"recordFormat":"application/json","tableName":"orders","dynamodb":{"ApproximateCreationDateTime":${time},` +
    `"Keys":${keysJson},${images}"SizeBytes":${sizeBytes}},"eventSource":"aws:dynamodb"}`
}
