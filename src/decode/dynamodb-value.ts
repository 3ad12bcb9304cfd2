import { Binary, type Numeric, newRow, type Row, type Value } from '../change.ts'
import { RelayError } from '../errors.ts'
import { compareNumbers, DIGITS_OF_A_DOUBLE, readNumber } from './dynamodb-number.ts'
import { isObject, type JsonObject, jsonType } from './json.ts'

/**
 * How often binary is base64-encoded. A Kinesis destination encodes it a second time, inside the JSON; emulators
 * and exports do not. The content cannot tell: bytes that are themselves base64 text can be read either way.
 * @see Amazon DynamoDB Developer Guide, "Using Kinesis Data Streams to capture changes to DynamoDB"
 */
export type BinaryEncoding = 'double' | 'single'

/** Maps and lists inside each other. @see Amazon DynamoDB Developer Guide, "Quotas", nesting depth */
export const MAX_DEPTH = 32

/**
 * Reads an image: attribute name → described value, exactly one descriptor in each (`{"S":"x"}`). What is a name and
 * what a descriptor is decided by its place, for an attribute may be called `S` or `NULL` as well.
 *
 * S → string, N → number or `Numeric`, B → `Binary`, BOOL → boolean, NULL → null, M → row, L → array; sets → arrays in
 * a fixed order, since DynamoDB keeps none (SS by code unit, NS by value, BS by bytes).
 *
 * Beyond what the service sends, three habits of dumps are understood: members that are null beside the one descriptor, null
 * under it (then the value is null), and numbers that are JSON numbers, as long as no digit can have been lost.
 *
 * @param image its name in messages
 * @param onOddNull called with the path of each value that is null under another descriptor than NULL
 * @throws RelayError DECODE_VALUE with the path of the attribute; never with the value
 */
export function readImage(
  described: unknown,
  image: string,
  binary: BinaryEncoding,
  onOddNull: (path: string) => void = () => {},
): Row {
  const walk: Walk = { image, binary, onOddNull, path: [] }
  if (!isObject(described)) throw refusal(`is ${jsonType(described)}, not an object`, 0, walk)
  return readMap(described, 0, walk)
}

interface Walk {
  readonly image: string
  readonly binary: BinaryEncoding
  readonly onOddNull: (path: string) => void
  /** Names and indexes down to the value in hand; what lies beyond its depth is left over from values before. */
  readonly path: (string | number)[]
}

/** Reads one value; `depth` is the length of its path. */
type Read<T> = (described: unknown, depth: number, walk: Walk) => T

function readMap(members: JsonObject, depth: number, walk: Walk): Row {
  const row = newRow()
  for (const name in members) {
    walk.path[depth] = name
    row[name] = readValue(members[name], depth + 1, walk)
  }
  return row
}

function readList<T>(members: readonly unknown[], depth: number, walk: Walk, read: Read<T>): T[] {
  const list: T[] = []
  for (let i = 0; i < members.length; i++) {
    walk.path[depth] = i
    list.push(read(members[i], depth + 1, walk))
  }
  return list
}

function readValue(described: unknown, depth: number, walk: Walk): Value {
  if (!isObject(described)) throw refusal(`is ${jsonType(described)}, not a described value`, depth, walk)
  const descriptor = soleMember(described) ?? soleMemberNotNull(described, depth, walk)
  const body = described[descriptor]
  if (body === null && DESCRIPTORS.has(descriptor)) {
    walk.onOddNull(pathOf(depth, walk))
    return null
  }
  switch (descriptor) {
    case 'S':
      if (typeof body !== 'string') break
      return body
    case 'N':
      return readN(body, depth, walk)
    case 'B':
      return Binary.fromBase64Text(readBase64(body, depth, walk))
    case 'BOOL':
      if (typeof body !== 'boolean') break
      return body
    case 'NULL':
      if (body !== true) break
      return null
    case 'M':
      if (!isObject(body)) break
      refuseTooDeep(depth, walk)
      return readMap(body, depth, walk)
    case 'L':
      if (!Array.isArray(body)) break
      refuseTooDeep(depth, walk)
      return readList(body, depth, walk, readValue)
    case 'SS':
      if (!Array.isArray(body)) break
      return readList(body, depth, walk, readText).sort()
    case 'NS':
      if (!Array.isArray(body)) break
      return readList(body, depth, walk, readN).sort(compareNumbers)
    case 'BS':
      if (!Array.isArray(body)) break
      return readList(body, depth, walk, readBase64).map(Binary.fromBase64Text).sort(Buffer.compare)
    default:
      throw refusal(`has the unknown descriptor ${JSON.stringify(descriptor.slice(0, MAX_SHOWN))}`, depth, walk)
  }
  throw refusal(`has ${jsonType(body)} under ${descriptor}`, depth, walk)
}

/** Null under `NULL` is neither true nor a habit of anybody. */
const DESCRIPTORS: ReadonlySet<string> = new Set(['S', 'N', 'B', 'BOOL', 'M', 'L', 'SS', 'NS', 'BS'])

function refuseTooDeep(depth: number, walk: Walk): void {
  if (depth > MAX_DEPTH) throw refusal(`is nested deeper than ${MAX_DEPTH} levels`, depth, walk)
}

/** The name of the only member; undefined if there are more or none. (What `JSON.parse` makes inherits no members.) */
function soleMember(described: object): string | undefined {
  let sole: string | undefined
  for (const name in described) {
    if (sole !== undefined) return undefined
    sole = name
  }
  return sole
}

function soleMemberNotNull(described: JsonObject, depth: number, walk: Walk): string {
  const names = Object.keys(described).filter((name) => described[name] !== null)
  if (names.length !== 1) throw refusal(`has ${names.length} descriptors instead of one`, depth, walk)
  return names[0]!
}

function readText(body: unknown, depth: number, walk: Walk): string {
  if (typeof body !== 'string') throw refusal(`is ${jsonType(body)}, not a string`, depth, walk)
  return body
}

function readN(body: unknown, depth: number, walk: Walk): number | Numeric {
  const number = typeof body === 'number' ? readJsonNumber(body) : readNumber(readText(body, depth, walk))
  if (number !== null) return number
  throw refusal(
    typeof body === 'number'
      ? 'is a JSON number of more digits than a double keeps; DynamoDB writes numbers as strings'
      : `is ${jsonType(body)} that is no number DynamoDB can hold`,
    depth,
    walk,
  )
}

/** A JSON number went through a double. What has so few digits came out as it went in. */
function readJsonNumber(number: number): number | Numeric | null {
  const text = String(number)
  return Number.isSafeInteger(number) || text.replace(/e.*|\D/g, '').length <= DIGITS_OF_A_DOUBLE
    ? readNumber(text)
    : null
}

/**
 * The bytes of a B, as plain base64 text. Only canonical base64 counts: Node.js reads anything, and would lose data.
 *
 * Under `double`, binary that was encoded once is refused instead of kept: of such a stream some values look encoded
 * twice by chance, so keeping the others would only hide that the setting is wrong.
 */
function readBase64(body: unknown, depth: number, walk: Walk): string {
  const text = readText(body, depth, walk)
  const plain = plainBase64(text, walk.binary)
  if (plain !== null) return plain
  if (!isBase64(text)) throw refusal(`is ${jsonType(text)} that is not base64`, depth, walk)
  throw refusal('is binary that was base64-encoded once; for such a stream set `--dynamodb-binary single`', depth, walk)
}

/** The text of a B as base64 of its bytes; null if it is not encoded as often as it should be. */
export function plainBase64(text: string, binary: BinaryEncoding): string | null {
  if (!isBase64(text)) return null
  if (binary === 'single') return text
  const inner = Buffer.from(text, 'base64').toString('latin1')
  return isBase64(inner) ? inner : null
}

const isBase64 = (text: string): boolean => Buffer.from(text, 'base64').toString('base64') === text

/** How much of a name stands in a message: names may have 64 KiB. */
const MAX_SHOWN = 80

/** Like `NewImage.lines[3]."unit price" is …` */
const refusal = (what: string, depth: number, walk: Walk): RelayError =>
  new RelayError('DECODE_VALUE', `${pathOf(depth, walk)} ${what}`)

function pathOf(depth: number, { image, path }: Walk): string {
  const steps = path.slice(0, depth).map((step) => {
    if (typeof step === 'number') return `[${step}]`
    return `.${/^\w+$/.test(step) && step.length <= MAX_SHOWN ? step : JSON.stringify(step.slice(0, MAX_SHOWN))}`
  })
  return image + steps.join('')
}
