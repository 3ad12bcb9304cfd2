/**
 * The wire format of protobuf, as much of it as the messages of GPSS need.
 * https://protobuf.dev/programming-guides/encoding/
 */

export type WireType = 0 | 1 | 2 | 5
export const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5] as const

/** What stands in front of a value, as a varint: the number of the field and the kind of value. */
export const tag = (field: number, type: WireType): number => (field << 3) | type

/** @param value a whole number; a negative one takes ten bytes, as its 64 bits do */
function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

/** A message, string or bytes as field. Written also when empty, as a member of a oneof and an element of a list are. */
export function lengthField(field: number, content: string | Uint8Array): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return Buffer.concat([varint(tag(field, LENGTH)), varint(bytes.length), bytes])
}

/** A string that is left out when it is empty, as proto3 does. */
export const stringField = (field: number, text: string): Buffer =>
  text === '' ? Buffer.alloc(0) : lengthField(field, text)

/** A number that is left out when it is zero, as proto3 does. */
export const numberField = (field: number, value: number): Buffer =>
  value === 0 ? Buffer.alloc(0) : Buffer.concat([varint(tag(field, VARINT)), varint(value)])

/** A field of a message that was read. */
export interface Field {
  readonly number: number
  /** A varint with its 64 bits unsigned; the bytes of all else. */
  readonly value: bigint | Buffer
}

/** @throws RangeError if the bytes are no message */
export function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0

  function readVarint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message.readUInt8(at++)
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asUintN(64, value)
    }
    throw new RangeError('A varint has more than ten bytes')
  }

  function readBytes(length: number): Buffer {
    if (length > message.length - at) throw new RangeError('The message ends inside of a field')
    at += length
    return message.subarray(at - length, at)
  }

  while (at < message.length) {
    const key = readVarint()
    const number = Number(key >> 3n)
    switch (Number(key & 7n)) {
      case VARINT:
        yield { number, value: readVarint() }
        break
      case FIXED64:
        yield { number, value: readBytes(8) }
        break
      case LENGTH:
        yield { number, value: readBytes(Number(readVarint())) }
        break
      case FIXED32:
        yield { number, value: readBytes(4) }
        break
      default:
        throw new RangeError(`Field ${number} has a wire type that is not known`)
    }
  }
}

/** Read as the int64 that it is. */
export const integerOf = ({ value }: Field): number =>
  typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0
export const bytesOf = ({ value }: Field): Buffer => (typeof value === 'bigint' ? Buffer.alloc(0) : value)
export const textOf = (field: Field): string => bytesOf(field).toString('utf8')
