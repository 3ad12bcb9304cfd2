import type { Random } from './random.ts'
import type { Twin } from './values.ts'
import * as value from './values.ts'

/** Attribute name → value of one order. */
export type Attributes = ReadonlyMap<string, Twin>

/** The key of order number `index`: a text and a number, some of them awkward. No two are equal as text or as number. */
export function keyOf(index: number): Attributes {
  const customer = index % 53 === 7 ? `O'Neil "Ærø" \\ ${index}` : `c-${String(index).padStart(6, '0')}`
  const order =
    index % 97 === 11
      ? `${index + 1}${'7'.repeat(38 - String(index + 1).length)}`
      : index % 89 === 5
        ? `-${index}.5`
        : String(1000 + index)
  return new Map([
    ['customer', value.text(customer)],
    ['order', value.number(order)],
  ])
}

/** A new order, as an INSERT writes it. */
export function placed(key: Attributes, random: Random): Attributes {
  const attributes = new Map(key)
  attributes.set('status', value.text('placed'))
  attributes.set('total', amount(random))
  for (const { name, share, make } of OPTIONAL) if (random.chance(share)) attributes.set(name, make(random))
  return attributes
}

/** The order after one more step of its life: always another status or total, sometimes an attribute more or less. */
export function changed(order: Attributes, random: Random): Attributes {
  const attributes = new Map(order)
  attributes.set('total', amount(random))
  if (random.chance(0.8)) attributes.set('status', value.text(random.pick(STATUS)))
  if (random.chance(0.2)) {
    const { name, make } = random.pick(OPTIONAL)
    attributes.set(name, make(random))
  }
  if (random.chance(0.2)) attributes.delete(random.pick(OPTIONAL).name)
  return attributes
}

const STATUS = ['paid', 'packed', 'shipped', 'delivered', 'returned'] as const

const amount = (random: Random): Twin => value.number(trimmed(`${random.below(100_000)}.${random.below(100)}`))

/** What an order may have beside its key, status and total: every type that DynamoDB knows, and names that are a trap. */
const OPTIONAL: readonly { readonly name: string; readonly share: number; readonly make: (random: Random) => Twin }[] =
  [
    { name: 'expires', share: 0.2, make: (random) => value.number(String(1_800_000_000 + random.below(1_000_000))) },
    { name: 'gift', share: 0.2, make: (random) => value.flag(random.chance(0.5)) },
    { name: 'lines', share: 0.2, make: (random) => value.list([line(random), line(random)]) },
    { name: 'note', share: 0.15, make: (random) => random.pick(NOTES) },
    { name: 'payment', share: 0.1, make: (random) => value.number(digits38(random)) },
    { name: 'weight', share: 0.1, make: (random) => value.number(tiny(random)) },
    { name: 'address', share: 0.1, make: address },
    { name: 'label', share: 0.05, make: (random) => value.binary(bytes(random)) },
    { name: 'tags', share: 0.05, make: (random) => value.textSet(shuffled(['b2b', 'zürich', 'Express', ''], random)) },
    { name: 'parcels', share: 0.03, make: (random) => value.integerSet(shuffled(['9', '-10', '100', BIG], random)) },
    { name: 'seals', share: 0.03, make: (random) => value.binarySet(sealsOf(random)) },
    { name: 'mixed', share: 0.03, make: (random) => value.list([value.text('1'), value.number('1'), address(random)]) },
    { name: '__proto__', share: 0.03, make: (random) => value.map([['constructor', amount(random)]]) },
    { name: 'S', share: 0.02, make: () => value.map([]) },
    { name: 'a.b "c"', share: 0.02, make: () => value.list([]) },
  ]

const NOTES: readonly Twin[] = [
  value.nothing,
  value.text(''),
  value.text('leave it "next door"\n\tthank you \\o/'),
  value.text('Grüße aus 北京 🚲'),
  value.text('{"N":"1"}'),
]

const BIG = '98765432109876543210987654321098765432'

const line = (random: Random): Twin =>
  value.map([
    ['sku', value.text(`sku-${random.below(5_000)}`)],
    ['quantity', value.number(String(1 + random.below(9)))],
  ])

function address(random: Random): Twin {
  return value.map([
    ['city', value.text(random.pick(['Bregenz', 'Łódź', 'São Paulo']))],
    ['zip', value.text(String(random.below(100_000)).padStart(5, '0'))],
    ['geo', value.list([value.number(tiny(random)), value.number(`-${digits38(random)}`)])],
    ['__proto__', value.nothing],
  ])
}

/** 38 digits, some of them behind a point: more than a double can hold. */
function digits38(random: Random): string {
  let digits = String(1 + random.below(9))
  while (digits.length < 37) digits += random.below(10)
  digits += 1 + random.below(9)
  const point = random.below(38)
  return point === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`
}

/** A number far below one: a double holds some of these exactly enough, and prints them with an exponent. */
const tiny = (random: Random): string => `0.${'0'.repeat(random.below(25))}${1 + random.below(9)}`

/** As DynamoDB trims a decimal number. */
const trimmed = (decimal: string): string => decimal.replace(/\.?0+$/, '')

const bytes = (random: Random): Uint8Array => Buffer.from(random.hex(8 * random.below(4)), 'hex')

const sealsOf = (random: Random): readonly Uint8Array[] => [
  Buffer.from(`1${random.hex(8)}`),
  Buffer.from(`2${random.hex(8)}`),
]

function shuffled<T>(members: readonly T[], random: Random): T[] {
  const left = [...members]
  const out: T[] = []
  while (left.length > 0) out.push(...left.splice(random.below(left.length), 1))
  return out
}
