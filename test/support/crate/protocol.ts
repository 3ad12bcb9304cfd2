import type { CrateError } from './failure.ts'
import type { OutputColumn } from './relations.ts'
import { oidOf } from './types.ts'

/**
 * Messages of PostgreSQL's protocol 3: a letter, the length (which counts itself), the body. Texts end with a zero byte.
 * @see PostgreSQL documentation, "Frontend/Backend Protocol", "Message Formats"
 */

export function message(letter: string, ...parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(5)
  head.write(letter)
  head.writeInt32BE(4 + parts.reduce((sum, part) => sum + part.length, 0), 1)
  return Buffer.concat([head, ...parts])
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

export function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

export function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeInt16BE(value)
  return buffer
}

export const AUTHENTICATION_OK = message('R', int32(0))
export const AUTHENTICATION_CLEARTEXT = message('R', int32(3))
export const PARSE_COMPLETE = message('1')
export const BIND_COMPLETE = message('2')
export const CLOSE_COMPLETE = message('3')
export const NO_DATA = message('n')
export const EMPTY_QUERY = message('I')

export function parameterStatus(name: string, value: string): Buffer {
  return message('S', text(name), text(value))
}

export function readyForQuery(status: 'I' | 'T' | 'E'): Buffer {
  return message('Z', Buffer.from(status))
}

export function commandComplete(tag: string): Buffer {
  return message('C', text(tag))
}

export function parameterDescription(oids: readonly number[]): Buffer {
  return message('t', int16(oids.length), ...oids.map(int32))
}

/** All columns come as text. */
export function rowDescription(columns: readonly OutputColumn[]): Buffer {
  const fields = columns.map(({ name, type }) =>
    Buffer.concat([text(name), int32(0), int16(0), int32(oidOf(type)), int16(-1), int32(-1), int16(0)]),
  )
  return message('T', int16(columns.length), ...fields)
}

export function dataRow(cells: readonly (string | null)[]): Buffer {
  const parts = cells.flatMap((cell) => {
    if (cell === null) return [int32(-1)]
    const bytes = Buffer.from(cell)
    return [int32(bytes.length), bytes]
  })
  return message('D', int16(cells.length), ...parts)
}

export function errorResponse(error: CrateError, severity: 'ERROR' | 'FATAL' = 'ERROR'): Buffer {
  const fields: readonly (readonly [string, string])[] = [
    ['S', severity],
    ['V', severity],
    ['C', error.sqlState],
    ['M', error.message],
    ['F', 'SQLExceptions.java'],
    ['L', '1'],
    ['R', 'esToCrateException'],
  ]
  return message(
    'E',
    ...fields.map(([letter, value]) => Buffer.concat([Buffer.from(letter), text(value)])),
    Buffer.alloc(1),
  )
}

/** Reads the body of a message from front to back. */
export interface Reader {
  text(): string
  int16(): number
  int32(): number
  byte(): string
  bytes(length: number): Buffer
}

export function readerOf(body: Buffer): Reader {
  let at = 0
  const step = (length: number) => {
    at += length
    return at - length
  }
  return {
    text() {
      const start = at
      at = body.indexOf(0, start) + 1
      return body.toString('utf8', start, at - 1)
    },
    int16: () => body.readInt16BE(step(2)),
    int32: () => body.readInt32BE(step(4)),
    byte: () => String.fromCharCode(body[step(1)]!),
    bytes: (length) => body.subarray(at, step(length) + length),
  }
}
