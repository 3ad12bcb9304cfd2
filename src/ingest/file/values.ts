import { RelayError } from '../../errors.ts'
import { GrowingWindow } from './growing-window.ts'

/** One JSON value of a file, or what stands there instead of one, without the blanks and the line end around it. */
export interface FileValue {
  readonly bytes: Buffer
  /** How far the file is read when the value is: the byte offset behind it, and behind the line end that follows it. */
  readonly end: number
}

/** What is left when the input is over. */
export interface Rest {
  /** Values of which only now is known that they are over. */
  readonly values: readonly FileValue[]
  /** A value that has begun and not ended. */
  readonly unfinished: FileValue | undefined
  /** Whether a list of records has begun and not ended. */
  readonly isListOpen: boolean
}

/** Kinesis takes records of up to 10 MiB, which base64 makes a third longer; nobody means a value of more than this. */
export const MAX_VALUE_BYTES = 64 * 1024 * 1024

/** What comes next; of the last five, what the scan is in. `RESUMED`: at the top, or behind a member of a list. */
const BETWEEN = 0
const RESUMED = 13
const FIRST_NAME = 1
const NAME = 2
const COLON = 3
const FIRST_MEMBER = 4
const VALUE = 5
const AFTER_VALUE = 6
const BEHIND_LIST = 7
const IN_NAME = 8
const IN_STRING = 9
const IN_WORD = 10
const IN_LINE_END = 11
const IN_GARBAGE = 12

/** At which depth values are given out: at the top, in a list at the top, in the list `Records` of an object at the top, nowhere. */
const TOP = 0
const LIST = 1
const RECORDS = 2
const NOWHERE = -1

/**
 * Cuts bytes into the JSON values that they hold, one behind the other: on lines of their own, over many lines, or with
 * nothing between them. A list stands for its members, and so does an object for the members of its list `Records`, as the
 * AWS CLI and AWS Lambda write it. Only the structure is looked at, in one pass: the decoder says what is wrong with a value.
 *
 * What is no JSON is given out, too, and the scan goes on behind it: at the next line, or, where the value that broke
 * has many lines, at a `{` that begins a line or follows a `}`.
 *
 * A value may be torn by chunks anywhere. A scan may begin behind any value that was given out, within a list, too.
 */
export class ValueCutter {
  readonly #window: GrowingWindow
  #state: number
  #depth = TOP
  /** The brackets that are open. */
  readonly #open: number[] = []
  /** Where in the window the value in hand begins; -1 if there is none. */
  #start = -1
  #nameStart = 0
  /** Where the value ended whose line end is looked for. */
  #valueEnd = 0
  #isEscaped = false
  /** Whether the list in hand began in front of where the scan did. */
  #isResumedList = false
  /** Whether the scan lost a list when a member of it broke. */
  #mayBeInList = false
  /** Whether a value stands on this line. */
  #isBehindValue = false
  #values: FileValue[] = []

  /** Of garbage: whether it is a value of many lines that broke, and whether what was last read of it may end a record. */
  #hasLines = false
  #isBehindObject = false
  /** Offset of the byte at which a value broke last. */
  #brokeAt = -1

  /** @param offset where in the file the first chunk begins */
  constructor(offset: number) {
    this.#window = new GrowingWindow(offset)
    this.#state = offset > 0 ? RESUMED : BETWEEN
  }

  /** The values that end in `chunk`. They share memory with it. @throws RelayError SOURCE_BROKEN */
  cut(chunk: Buffer): readonly FileValue[] {
    const from = this.#window.bytes.length
    const dropped = this.#window.append(chunk, this.#start === -1 ? from : this.#start)
    if (this.#start !== -1) this.#start -= dropped
    this.#nameStart -= dropped
    this.#valueEnd -= dropped
    this.#scan(from - dropped)
    const { length } = this.#window.bytes
    if (this.#start !== -1 && length - this.#start > MAX_VALUE_BYTES) {
      const place = { byte: this.#window.offsetOf(this.#start) }
      throw new RelayError('SOURCE_BROKEN', `A value of the file has more than ${MAX_VALUE_BYTES >> 20} MiB`, place)
    }
    return this.#taken()
  }

  finish(): Rest {
    this.#endLine()
    if (this.#state === IN_GARBAGE && this.#hasLines) this.#giveOutGarbage(this.#window.bytes.length)
    while (this.#isBrokenLine()) {
      const behind = this.#window.bytes.indexOf(LF, this.#start) + 1
      this.#reset()
      this.#giveOutGarbage(behind)
      this.#scan(behind)
      this.#endLine()
    }
    const { length } = this.#window.bytes
    const unfinished = this.#start === -1 ? undefined : this.#valueOf(this.#start, length, length)
    return { values: this.#taken(), unfinished, isListOpen: this.#depth === LIST || this.#depth === RECORDS }
  }

  /**
   * Whether the value in hand begins with a line as no value of many lines does: with more than a bracket, and a `{` at the
   * beginning of the next line, or nothing that asks for one. Then nobody is still writing it.
   */
  #isBrokenLine(): boolean {
    const { bytes } = this.#window
    const lf = this.#start === -1 || this.#depth !== TOP ? -1 : bytes.indexOf(LF, this.#start)
    if (lf === -1) return false
    const line = bytes.toString('latin1', this.#start, lf).trimEnd()
    return !/[[{,]$/.test(line) || (line.length > 1 && bytes[lf + 1] === OPEN_OBJECT)
  }

  #taken(): readonly FileValue[] {
    const values = this.#values
    this.#values = []
    return values
  }

  #scan(from: number): void {
    const { bytes } = this.#window
    let i = from
    while (i < bytes.length) {
      const byte = bytes[i]!
      switch (this.#state) {
        case IN_STRING:
        case IN_NAME:
          i = this.#scanString(i)
          continue
        case IN_WORD:
          if (IS_IN_WORD[byte] === 1) break
          this.#endValue(i)
          continue
        case IN_LINE_END:
          i = this.#scanLineEnd(byte, i)
          continue
        case IN_GARBAGE:
          i = this.#scanGarbage(byte, i)
          continue
        default:
          if (byte === LF) this.#isBehindValue = false
          else if (!isBlank(byte) && !this.#take(byte, i)) {
            i = this.#break(i)
            continue
          }
      }
      i++
    }
  }

  /** @returns where to go on, as the two below */
  #scanLineEnd(byte: number, i: number): number {
    if (byte === LF) this.#giveOut(this.#valueEnd, i + 1)
    else if (!isBlank(byte)) {
      this.#endLine()
      return i
    }
    return i + 1
  }

  #scanGarbage(byte: number, i: number): number {
    if (byte === OPEN_OBJECT && this.#mayBeginAt(i)) {
      this.#giveOutGarbage(i)
      return i
    }
    if (byte === LF && !this.#hasLines) this.#giveOutGarbage(i + 1)
    else this.#lookForEnd(byte)
    return i + 1
  }

  /** False for a byte that must not stand here. Blanks are not asked for. */
  #take(byte: number, i: number): boolean {
    switch (this.#state) {
      case BETWEEN:
        return this.#begin(byte, i)
      case RESUMED:
        return this.#resume(byte, i)
      case BEHIND_LIST:
        return this.#takeBehindList(byte, i)
      case FIRST_NAME:
        return byte === CLOSE_OBJECT ? this.#close(OPEN_OBJECT, i) : this.#takeName(byte, i)
      case NAME:
        return this.#takeName(byte, i)
      case COLON:
        this.#state = VALUE
        return byte === COLON_SIGN
      case FIRST_MEMBER:
        if (byte === CLOSE_LIST) return this.#close(OPEN_LIST, i)
        return this.#open.length === LIST && this.#depth === LIST
          ? this.#takeFirstOfList(byte, i)
          : this.#takeValue(byte, i)
      case VALUE:
        return this.#takeValue(byte, i)
      default:
        if (byte === CLOSE_OBJECT) return this.#close(OPEN_OBJECT, i)
        if (byte === CLOSE_LIST) return this.#close(OPEN_LIST, i)
        this.#state = this.#open.at(-1) === OPEN_OBJECT ? NAME : VALUE
        return byte === COMMA
    }
  }

  #begin(byte: number, i: number): boolean {
    if (byte === BYTE_ORDER_MARK[this.#window.offsetOf(i)]) return true
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      this.#start = i
      if (byte === OPEN_LIST) this.#depth = LIST
      this.#openAs(byte)
      return true
    }
    // Left of a list that was lost.
    if (byte === COMMA) return this.#mayBeInList
    if (byte !== CLOSE_LIST || !this.#mayBeInList) return false
    this.#state = BEHIND_LIST
    this.#mayBeInList = false
    return true
  }

  #resume(byte: number, i: number): boolean {
    this.#state = byte === CLOSE_LIST ? BEHIND_LIST : BETWEEN
    if (byte === CLOSE_LIST) return true
    if (byte !== COMMA) return this.#begin(byte, i)
    this.#openAs(OPEN_LIST)
    this.#depth = LIST
    this.#isResumedList = true
    this.#state = VALUE
    return true
  }

  /** A list that holds no objects is none of records. */
  #takeFirstOfList(byte: number, i: number): boolean {
    if (byte === OPEN_OBJECT) return this.#takeValue(byte, i)
    this.#depth = TOP
    return false
  }

  #openAs(bracket: number): void {
    this.#open.push(bracket)
    this.#state = bracket === OPEN_OBJECT ? FIRST_NAME : FIRST_MEMBER
  }

  /** Behind a list of which the scan did not see the beginning: a member of an object, or at the top. */
  #takeBehindList(byte: number, i: number): boolean {
    this.#state = BETWEEN
    if (byte === CLOSE_OBJECT) return true
    if (byte !== COMMA) return this.#begin(byte, i)
    this.#openAs(OPEN_OBJECT)
    this.#depth = NOWHERE
    this.#state = NAME
    return true
  }

  #takeName(byte: number, i: number): boolean {
    this.#nameStart = i
    this.#state = IN_NAME
    return byte === QUOTE
  }

  #takeValue(byte: number, i: number): boolean {
    if (byte === OPEN_LIST && this.#depth === TOP && this.#isRecords()) {
      this.#depth = RECORDS
      this.#start = -1
    } else if (this.#open.length === this.#depth) this.#start = i
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      this.#openAs(byte)
      return true
    }
    this.#state = byte === QUOTE ? IN_STRING : IN_WORD
    return byte === QUOTE || IS_IN_WORD[byte] === 1
  }

  #isRecords(): boolean {
    const name = this.#window.bytes.subarray(this.#nameStart, this.#nameStart + RECORDS_NAME.length)
    return this.#open.length === 1 && name.equals(RECORDS_NAME)
  }

  #scanString(from: number): number {
    const { bytes } = this.#window
    let isEscaped = this.#isEscaped
    for (let i = from; i < bytes.length; i++) {
      const byte = bytes[i]!
      if (byte < SPACE) return this.#break(i)
      if (isEscaped) isEscaped = false
      else if (byte === BACKSLASH) isEscaped = true
      else if (byte === QUOTE) {
        this.#isEscaped = false
        if (this.#state === IN_NAME) this.#state = COLON
        else this.#endValue(i + 1)
        return i + 1
      }
    }
    this.#isEscaped = isEscaped
    return bytes.length
  }

  #close(opened: number, i: number): boolean {
    if (this.#open.pop() !== opened) return false
    const depth = this.#open.length
    if (this.#depth === RECORDS && depth === 1) {
      this.#depth = NOWHERE
      this.#state = AFTER_VALUE
    } else if (this.#depth !== TOP && depth === 0) {
      const isResumedList = this.#isResumedList
      this.#reset()
      this.#start = -1
      if (isResumedList) this.#state = BEHIND_LIST
    } else this.#endValue(i + 1)
    return true
  }

  #endValue(end: number): void {
    this.#state = AFTER_VALUE
    if (this.#open.length !== this.#depth) return
    this.#valueEnd = end
    if (this.#depth === TOP) this.#state = IN_LINE_END
    else this.#giveOut(end, end)
  }

  #endLine(): void {
    if (this.#state === IN_LINE_END) this.#giveOut(this.#valueEnd, this.#valueEnd)
  }

  #giveOut(valueEnd: number, end: number): void {
    this.#values.push(this.#valueOf(this.#start, valueEnd, end))
    this.#start = -1
    this.#isBehindValue = valueEnd === end
    if (this.#depth === TOP) this.#state = BETWEEN
  }

  #valueOf(start: number, valueEnd: number, end: number): FileValue {
    return { bytes: this.#window.bytes.subarray(start, valueEnd), end: this.#window.offsetOf(end) }
  }

  /** At the top, with no value in hand. */
  #reset(): void {
    this.#state = BETWEEN
    this.#depth = TOP
    this.#open.length = 0
    this.#isEscaped = false
    this.#isResumedList = false
  }

  /** A byte that must not stand where it does. @returns where to go on */
  #break(at: number): number {
    const { bytes } = this.#window
    if (this.#start === -1) this.#start = at
    if (this.#depth !== TOP) this.#mayBeInList = true
    this.#reset()
    const next = this.#nextBeginning(at)
    if (next !== -1) {
      this.#giveOutGarbage(next)
      return next
    }
    this.#state = IN_GARBAGE
    const garbage = bytes.subarray(this.#start, at)
    this.#hasLines = garbage.includes(LF)
    this.#isBehindObject = false
    for (const byte of garbage.subarray(-MAX_INDENT)) this.#lookForEnd(byte)
    return at
  }

  /** Between records a comma stands in a list alone. */
  #lookForEnd(byte: number): void {
    if (byte === CLOSE_OBJECT) this.#isBehindObject = true
    else if (!isBlank(byte) && byte !== LF && !(byte === COMMA && this.#mayBeInList)) this.#isBehindObject = false
  }

  /** Where in the value that broke another one begins: at a line, or where it broke; -1 if nowhere. */
  #nextBeginning(at: number): number {
    const { bytes } = this.#window
    const offset = this.#window.offsetOf(at)
    // A second time at one byte: no line in front of it begins a value that gets further.
    const last = bytes.lastIndexOf(LINE_WITH_OBJECT, at - 1)
    const line = this.#brokeAt === offset ? last : bytes.indexOf(LINE_WITH_OBJECT, this.#start)
    this.#brokeAt = offset
    if (line >= this.#start && line < at) return line + 1
    return bytes[at] === OPEN_OBJECT && at > this.#start ? at : -1
  }

  #mayBeginAt(i: number): boolean {
    if (i === this.#start) return false
    return this.#isBehindObject || this.#window.bytes[i - 1] === LF || (this.#isBehindValue && !this.#hasLines)
  }

  #giveOutGarbage(end: number): void {
    const { bytes } = this.#window
    let valueEnd = end
    while (isBlank(bytes[valueEnd - 1]!) || bytes[valueEnd - 1] === LF) valueEnd--
    const isBehindValue = bytes[end - 1] !== LF
    this.#giveOut(valueEnd, end)
    this.#isBehindValue = isBehindValue
  }
}

const [LF, CR, TAB, SPACE] = [0x0a, 0x0d, 0x09, 0x20]
const [QUOTE, BACKSLASH, COMMA, COLON_SIGN] = [0x22, 0x5c, 0x2c, 0x3a]
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d]
/** Of UTF-8, at the beginning of a file. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]
const RECORDS_NAME = Buffer.from('"Records"')
const LINE_WITH_OBJECT = '\n{'
/** How far back a bracket is looked for. */
const MAX_INDENT = 1024

const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB || byte === CR

/** The bytes of numbers and of `true`, `false` and `null`, and their like. */
const IS_IN_WORD = Uint8Array.from({ length: 256 }, (_, byte) => (/[\w.+-]/.test(String.fromCharCode(byte)) ? 1 : 0))
