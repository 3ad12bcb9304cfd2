import { isDigit, POINT, QUOTE } from '../json-bytes.ts'
import { epochMicroseconds } from './dms-metadata.ts'

/** `2026-11-02T08:00:00` */
const SECOND_LENGTH = 19
const LETTER_Z = 'Z'.charCodeAt(0)

/** Reads times of records of DMS from their bytes. Neighbours are mostly of one second, which is read once. */
export class TimeReader {
  readonly #second = Buffer.alloc(SECOND_LENGTH)
  /** Epoch microseconds at which it begins; NaN for none. */
  #secondUs = Number.NaN

  /** A string, with its quotes → epoch microseconds, cut where it is finer; NaN for what is no time. */
  microseconds(bytes: Buffer, start: number, end: number): number {
    const first = start + 1
    const behind = first + SECOND_LENGTH
    if (bytes[start] !== QUOTE || behind + 2 > end || bytes[end - 2] !== LETTER_Z) return Number.NaN
    if (!this.#isSecond(bytes, first)) this.#read(bytes, first, behind)
    if (behind === end - 2) return this.#secondUs
    if (bytes[behind] !== POINT) return Number.NaN
    let fraction = 0
    let digits = 0
    for (let at = behind + 1; at < end - 2; at++) {
      if (!isDigit(bytes[at]) || ++digits > 9) return Number.NaN
      if (digits <= 6) fraction = fraction * 10 + bytes[at]! - ZERO
    }
    return digits === 0 ? Number.NaN : this.#secondUs + fraction * POWERS[Math.min(digits, 6)]!
  }

  #isSecond(bytes: Buffer, first: number): boolean {
    const second = this.#second
    // From its end: there they differ.
    for (let i = SECOND_LENGTH - 1; i >= 0; i--) if (bytes[first + i] !== second[i]) return false
    return true
  }

  #read(bytes: Buffer, first: number, behind: number): void {
    bytes.copy(this.#second, 0, first, behind)
    this.#secondUs = epochMicroseconds(`${bytes.toString('latin1', first, behind)}Z`)
  }
}

const ZERO = '0'.charCodeAt(0)
/** What a fraction of so many digits is multiplied by. */
const POWERS = [0, 100_000, 10_000, 1000, 100, 10, 1]
