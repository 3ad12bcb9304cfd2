import type { JsonSpan } from '../../change.ts'

const CHUNK_BYTES = 256 * 1024
/** Of UTF-8, for one UTF-16 unit. */
const MOST_BYTES_A_UNIT = 3
/** A call costs more than a short run of bytes. */
const LONG_RUN = 100

/** Writes rows as UTF-8, one behind the other. What was written stays as it is for as long as somebody refers to it. */
export class RowWriter {
  #bytes = Buffer.alloc(0)
  #at = 0
  #start = 0

  /** What was written since the last row counts no more. */
  begin(): this {
    this.#at = this.#start
    return this
  }

  text(text: string): this {
    this.#reserve(text.length * MOST_BYTES_A_UNIT)
    this.#at += this.#bytes.write(text, this.#at, 'utf8')
    return this
  }

  span(bytes: Uint8Array, start: number, end: number): this {
    this.#reserve(end - start)
    const to = this.#bytes
    let at = this.#at
    if (end - start > LONG_RUN) {
      to.set(bytes.subarray(start, end), at)
      at += end - start
    } else for (let from = start; from < end; from++) to[at++] = bytes[from]!
    this.#at = at
    return this
  }

  /** The row that was begun. */
  row(): JsonSpan {
    const row = { bytes: this.#bytes, start: this.#start, end: this.#at }
    this.#start = this.#at
    return row
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const begun = this.#bytes.subarray(this.#start, this.#at)
    // Twice the row, or a long one would be copied with each of its parts.
    const larger = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, 2 * (begun.length + bytes)))
    larger.set(begun)
    this.#bytes = larger
    this.#at = begun.length
    this.#start = 0
  }
}

/** Rows, each a JSON value → the JSON array of them. */
export function arrayOf(rows: readonly JsonSpan[]): Buffer {
  let length = 2 + Math.max(0, rows.length - 1)
  for (const { start, end } of rows) length += end - start
  const array = Buffer.allocUnsafe(length)
  array[0] = OPEN_BRACKET
  let at = 1
  for (let i = 0; i < rows.length; i++) {
    const { bytes, start, end } = rows[i]!
    if (i > 0) array[at++] = COMMA
    bytes.copy(array, at, start, end)
    at += end - start
  }
  array[at] = CLOSE_BRACKET
  return array
}

export const textOf = ({ bytes, start, end }: JsonSpan): string => bytes.toString('utf8', start, end)

const [OPEN_BRACKET, COMMA, CLOSE_BRACKET] = [0x5b, 0x2c, 0x5d]
