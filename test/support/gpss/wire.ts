/**
 * Protocol buffers, as much of them as the service needs, read and written by ourselves: a server that shared a
 * library or a `.proto` with the client under test would share its mistakes, too.
 *
 * A message is a list of `tag value` pairs. The tag is the varint `number << 3 | wire type`; the value is a varint (0),
 * eight bytes (1), a length and so many bytes (2), or four bytes (5). A field that is absent has its default.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */

/** The bytes are not the message they should be. */
export class WireError extends Error {}

type WireType = 0 | 1 | 2 | 5

const VARINT = 0
const SIXTY_FOUR_BITS = 1
const LENGTH_DELIMITED = 2
const THIRTY_TWO_BITS = 5

interface Cursor {
  readonly bytes: Buffer
  at: number
}

/** How one value lies in the bytes. */
export interface Kind<T> {
  readonly wireType: WireType
  read(cursor: Cursor): T
  write(value: T): Buffer
}

interface Scalar<T> extends Kind<T> {
  readonly default: T
}

/** One field of a message, or a oneof, which takes several numbers. */
export interface Field<T> {
  readonly wireTypes: ReadonlyMap<number, WireType>
  absent(): T
  /** @param before what the earlier bytes of the message said */
  read(number: number, cursor: Cursor, before: T): T
  write(value: T): Buffer[]
}

export interface Message<T> {
  /**
   * Unknown fields are skipped; the last of several values of a field or oneof stands.
   *
   * @throws WireError cut off, a varint of more than 64 bits, invalid UTF-8, a known field of the wrong wire type
   */
  decode(bytes: Uint8Array): T
  /** Canonical: fields in the order of their declaration, defaults left out. */
  encode(value: Partial<T>): Buffer
}

/** What a message holds. */
export type Of<M> = M extends Message<infer T> ? T : never

/** @param fields in the order of their numbers */
export function message<T>(fields: { readonly [N in keyof T]: Field<T[N]> }): Message<T> {
  const named = Object.entries(fields) as [string, Field<unknown>][]
  const byNumber = new Map(
    named.flatMap(([name, field]) => [...field.wireTypes].map(([number, type]) => [number, { name, field, type }])),
  )

  return {
    decode(bytes) {
      const cursor = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0 }
      const values = Object.fromEntries(named.map(([name, field]) => [name, field.absent()]))
      while (cursor.at < bytes.byteLength) {
        const { number, wireType } = readTag(cursor)
        const known = byNumber.get(number)
        if (known === undefined) skip(cursor, wireType)
        else if (known.type !== wireType) throw new WireError(`field ${number} has wire type ${wireType}`)
        else values[known.name] = known.field.read(number, cursor, values[known.name])
      }
      return values as T
    },
    encode(value) {
      const given = value as Record<string, unknown>
      const written = named.filter(([name]) => given[name] !== undefined)
      return Buffer.concat(written.flatMap(([name, field]) => field.write(given[name])))
    },
  }
}

/** A field of which a message holds at most one; without presence, so its default is not written. */
export function one<T>(number: number, kind: Scalar<T>): Field<T> {
  return {
    wireTypes: new Map([[number, kind.wireType]]),
    absent: () => kind.default,
    read: (_number, cursor) => kind.read(cursor),
    write: (value) => (value === kind.default ? [] : [tag(number, kind.wireType), kind.write(value)]),
  }
}

/** A message inside of another; null where it is absent. */
export function inner<T>(number: number, of: Message<T>): Field<T | null> {
  const kind = nested(of)
  return {
    wireTypes: new Map([[number, kind.wireType]]),
    absent: () => null,
    read: (_number, cursor) => kind.read(cursor),
    write: (value) => (value === null ? [] : [tag(number, kind.wireType), kind.write(value)]),
  }
}

/** A field that holds a list. */
export function many<T>(number: number, kind: Kind<T>): Field<T[]> {
  return {
    wireTypes: new Map([[number, kind.wireType]]),
    absent: () => [],
    read(_number, cursor, before) {
      before.push(kind.read(cursor))
      return before
    },
    write: (values) => values.flatMap((value) => [tag(number, kind.wireType), kind.write(value)]),
  }
}

/** The member that is set, and its value. */
type Chosen<M> = { [N in keyof M]: { readonly case: N; readonly value: M[N] } }[keyof M]

/** At most one of several fields. A member that is set is written even when it has its default. */
export function oneOf<M extends Record<string, unknown>>(
  members: {
    [N in keyof M]: readonly [number, Kind<M[N]>]
  },
): Field<Chosen<M> | null> {
  const list = Object.entries(members) as [keyof M, readonly [number, Kind<M[keyof M]>]][]
  const byNumber = new Map(list.map(([name, [number, kind]]) => [number, { name, kind }]))
  return {
    wireTypes: new Map(list.map(([, [number, kind]]) => [number, kind.wireType])),
    absent: () => null,
    read(number, cursor) {
      const { name, kind } = byNumber.get(number)!
      return { case: name, value: kind.read(cursor) }
    },
    write(chosen) {
      if (chosen === null) return []
      const [number, kind] = members[chosen.case]
      return [tag(number, kind.wireType), kind.write(chosen.value)]
    },
  }
}

/** Negative ones take ten bytes. Of a longer number the low 32 bits count. */
export const int32: Scalar<number> = {
  wireType: VARINT,
  default: 0,
  read: (cursor) => Number(BigInt.asIntN(32, readVarint(cursor))),
  write: (value) => varint(BigInt(value)),
}

export const int64: Scalar<bigint> = {
  wireType: VARINT,
  default: 0n,
  read: (cursor) => BigInt.asIntN(64, readVarint(cursor)),
  write: varint,
}

export const bool: Scalar<boolean> = {
  wireType: VARINT,
  default: false,
  read: (cursor) => readVarint(cursor) !== 0n,
  write: (value) => varint(value ? 1n : 0n),
}

export const float: Scalar<number> = {
  wireType: THIRTY_TWO_BITS,
  default: 0,
  read: (cursor) => take(cursor, 4).readFloatLE(),
  write(value) {
    const bytes = Buffer.alloc(4)
    bytes.writeFloatLE(value)
    return bytes
  },
}

export const double: Scalar<number> = {
  wireType: SIXTY_FOUR_BITS,
  default: 0,
  read: (cursor) => take(cursor, 8).readDoubleLE(),
  write(value) {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleLE(value)
    return bytes
  },
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const string: Scalar<string> = {
  wireType: LENGTH_DELIMITED,
  default: '',
  read(cursor) {
    const text = readDelimited(cursor)
    try {
      return utf8.decode(text)
    } catch (cause) {
      throw new WireError('string field contains invalid UTF-8', { cause })
    }
  },
  write: (value) => delimited(Buffer.from(value)),
}

export const bytes: Scalar<Uint8Array> = {
  wireType: LENGTH_DELIMITED,
  default: new Uint8Array(),
  read: readDelimited,
  write: delimited,
}

/** A message as a member of a list or a oneof. */
export function nested<T>(of: Message<T>): Kind<T> {
  return {
    wireType: LENGTH_DELIMITED,
    read: (cursor) => of.decode(readDelimited(cursor)),
    write: (value) => delimited(of.encode(value)),
  }
}

function tag(number: number, wireType: WireType): Buffer {
  return varint(BigInt((number << 3) | wireType))
}

function varint(value: bigint): Buffer {
  const written: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest > 0x7fn; rest >>= 7n) written.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...written, Number(rest)])
}

function delimited(value: Uint8Array): Buffer {
  return Buffer.concat([varint(BigInt(value.length)), value])
}

function readTag(cursor: Cursor): { number: number; wireType: number } {
  const read = Number(readVarint(cursor))
  const number = Math.floor(read / 8)
  if (number < 1 || number > 0x1fffffff) throw new WireError(`there is no field ${number}`)
  return { number, wireType: read % 8 }
}

/** Unsigned, of at most 64 bits. */
function readVarint(cursor: Cursor): bigint {
  const { bytes } = cursor
  let low = 0
  for (let read = 0; read < 4; read++) {
    const byte = nextByte(bytes, cursor)
    low += (byte & 0x7f) * 2 ** (7 * read)
    if (byte < 0x80) return BigInt(low)
  }
  let value = BigInt(low)
  for (let read = 4; read < 10; read++) {
    const byte = nextByte(bytes, cursor)
    value |= BigInt(byte & 0x7f) << BigInt(7 * read)
    if (byte < 0x80) {
      if (value >= 1n << 64n) break
      return value
    }
  }
  throw new WireError('a varint has more than 64 bits')
}

function nextByte(bytes: Buffer, cursor: Cursor): number {
  const byte = bytes[cursor.at++]
  if (byte === undefined) throw new WireError('the message is cut off')
  return byte
}

function readDelimited(cursor: Cursor): Buffer {
  const length = readVarint(cursor)
  if (length > BigInt(cursor.bytes.length)) throw new WireError('the message is cut off')
  return take(cursor, Number(length))
}

function take(cursor: Cursor, length: number): Buffer {
  const end = cursor.at + length
  if (end > cursor.bytes.length) throw new WireError('the message is cut off')
  const taken = cursor.bytes.subarray(cursor.at, end)
  cursor.at = end
  return taken
}

function skip(cursor: Cursor, wireType: number): void {
  if (wireType === VARINT) readVarint(cursor)
  else if (wireType === SIXTY_FOUR_BITS) take(cursor, 8)
  else if (wireType === LENGTH_DELIMITED) readDelimited(cursor)
  else if (wireType === THIRTY_TWO_BITS) take(cursor, 4)
  else throw new WireError(`there is no wire type ${wireType}`)
}
