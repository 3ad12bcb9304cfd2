import type { RawRecord } from './change.ts'
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  equals,
  escapeEnd,
  FALSE,
  isBlank,
  isDigit,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  MINUS,
  memberOf,
  type Names,
  NULL,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
  TRUE,
  ZERO,
} from './json-bytes.ts'
import { bufferOf, PageRecord } from './page-record.ts'
import { parseJson } from './parse-json.ts'

/** In place of an offset: the bytes are not what is read here. */
export const LEAVE = -1

/** Far from what the stack holds; `JSON.parse` goes deeper. */
const MOST_DEPTH = 100

/**
 * Reads JSON of programs, bytes in UTF-8, without making objects of it: no number with a fraction that nobody looks at. What it goes through, `JSON.parse` takes, as far as it is UTF-8 (`isUtf8`): each method is given
 * where something begins, and gives where it ends, or LEAVE.
 */
export abstract class JsonScanner {
  protected bytes: Buffer = Buffer.alloc(0)
  protected start = 0
  protected end = 0
  /** True once it left something that has an escape. */
  protected metEscape = false
  /** Whether the string that was read last is ASCII. */
  protected isAscii = true

  /** What is read is `bytes[start, end)`; a method may look at a byte behind it, but gives nothing that ends there. */
  protected begin(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.metEscape = false
  }

  protected beginRecord(record: RawRecord): void {
    if (record instanceof PageRecord) this.begin(record.page.buffer, record.start, record.end)
    else this.begin(bufferOf(record.data), 0, record.data.byteLength)
  }

  /** Reads the value of a member, which begins at `at`. @param member what its name stands for; 0 for a name that is not known */
  protected abstract member(member: number, at: number): number

  /** An object with a member; its members that mean something come once. */
  protected members(start: number, names: Names): number {
    const bytes = this.bytes
    if (bytes[start] !== OPEN_BRACE) return LEAVE
    let at = start
    let seen = 0
    do {
      at = this.behindBlank(at + 1)
      const nameEnd = this.plainEnd(at)
      if (nameEnd === LEAVE) return LEAVE
      const member = memberOf(names, bytes, at + 1, nameEnd)
      if ((seen & member) !== 0) return LEAVE
      seen |= member
      at = this.behindColon(nameEnd + 1)
      if (at !== LEAVE) at = this.member(member, at)
      if (at === LEAVE) return LEAVE
      at = this.behindBlank(at)
    } while (bytes[at] === COMMA)
    return bytes[at] === CLOSE_BRACE ? at + 1 : LEAVE
  }

  /** Behind the white space at `at`, if there is any. */
  protected behindBlank(at: number): number {
    const bytes = this.bytes
    let behind = at
    while (bytes[behind]! <= SPACE && isBlank(bytes[behind])) behind++
    return behind
  }

  /** Behind a colon at `at`, and behind the white space around it. */
  protected behindColon(at: number): number {
    const colon = this.behindBlank(at)
    return this.bytes[colon] === COLON ? this.behindBlank(colon + 1) : LEAVE
  }

  /** Any value of JSON; gives where it ends. */
  protected skip(at: number, depth: number): number {
    const bytes = this.bytes
    switch (bytes[at]) {
      case QUOTE:
        return this.skipString(at)
      case OPEN_BRACE:
        return this.#skipMembers(at, depth + 1)
      case OPEN_BRACKET:
        return this.#skipElements(at, depth + 1)
      case LOWER_T:
        return equals(bytes, at, at + 4, TRUE) ? at + 4 : LEAVE
      case LOWER_F:
        return equals(bytes, at, at + 5, FALSE) ? at + 5 : LEAVE
      case LOWER_N:
        return equals(bytes, at, at + 4, NULL) ? at + 4 : LEAVE
      default:
        return this.#skipNumber(at)
    }
  }

  #skipMembers(start: number, depth: number): number {
    const bytes = this.bytes
    if (depth > MOST_DEPTH) return LEAVE
    let at = this.behindBlank(start + 1)
    if (bytes[at] === CLOSE_BRACE) return at + 1
    for (;;) {
      const behindName = this.skipString(at)
      at = behindName === LEAVE ? LEAVE : this.behindColon(behindName)
      if (at !== LEAVE) at = this.skip(at, depth)
      if (at === LEAVE) return LEAVE
      at = this.behindBlank(at)
      if (bytes[at] !== COMMA) return bytes[at] === CLOSE_BRACE ? at + 1 : LEAVE
      at = this.behindBlank(at + 1)
    }
  }

  #skipElements(start: number, depth: number): number {
    const bytes = this.bytes
    if (depth > MOST_DEPTH) return LEAVE
    let at = this.behindBlank(start + 1)
    if (bytes[at] === CLOSE_BRACKET) return at + 1
    for (;;) {
      at = this.skip(at, depth)
      if (at === LEAVE) return LEAVE
      at = this.behindBlank(at)
      if (bytes[at] !== COMMA) return bytes[at] === CLOSE_BRACKET ? at + 1 : LEAVE
      at = this.behindBlank(at + 1)
    }
  }

  /** Whole numbers only: nothing else stands bare in these records. */
  #skipNumber(start: number): number {
    const bytes = this.bytes
    const first = bytes[start] === MINUS ? start + 1 : start
    const end = this.digitsEnd(first)
    return end === first || (bytes[first] === ZERO && end > first + 1) ? LEAVE : end
  }

  protected digitsEnd(start: number): number {
    let at = start
    while (isDigit(this.bytes[at])) at++
    return at
  }

  /** Of a string without escapes that opens at `start`: where its closing quote is. */
  protected plainEnd(start: number): number {
    const bytes = this.bytes
    if (bytes[start] !== QUOTE) return LEAVE
    let all = 0
    let at = start + 1
    for (; at < this.end; at++) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        this.isAscii = all < 0x80
        return at
      }
      if (byte === BACKSLASH) this.metEscape = true
      if (byte === BACKSLASH || byte < SPACE) return LEAVE
      all |= byte
    }
    return LEAVE
  }

  /** Of a name, which opens at `start`: where its closing quote is, in front of a colon. */
  protected nameEnd(start: number): number {
    const end = this.plainEnd(start)
    return end !== LEAVE && this.bytes[end + 1] === COLON ? end : LEAVE
  }

  /** As `plainEnd`, of a string that may have escapes. */
  protected escapedEnd(start: number): number {
    const behind = this.skipString(start)
    if (behind === LEAVE) return LEAVE
    this.metEscape = false
    return behind - 1
  }

  /** As `nameEnd`, of a name that may have escapes. */
  protected escapedNameEnd(start: number): number {
    const end = this.escapedEnd(start)
    return end !== LEAVE && this.bytes[end + 1] === COLON ? end : LEAVE
  }

  /** What the string between its quotes says, escapes read. */
  protected decoded(start: number, end: number): string {
    return parseJson(`"${this.bytes.toString('utf8', start, end)}"`) as string
  }

  /** Behind a string that opens at `start`. */
  protected skipString(start: number): number {
    const bytes = this.bytes
    if (bytes[start] !== QUOTE) return LEAVE
    const end = this.end
    for (let at = start + 1; at < end; at++) {
      const byte = bytes[at]!
      if (byte === QUOTE) return at + 1
      if (byte < SPACE) return LEAVE
      if (byte === BACKSLASH) {
        at = escapeEnd(bytes, at) - 1
        if (at < start) {
          this.metEscape = true
          return LEAVE
        }
      }
    }
    return LEAVE
  }

  /** The text of plain bytes that were looked at last. */
  protected text(start: number, end: number): string {
    return this.isAscii ? this.bytes.toString('latin1', start, end) : this.bytes.toString('utf8', start, end)
  }
}
