import type { ValueKind } from '../../../change.ts'
import type { Codec } from './codec.ts'
import { textOrScalar } from './text.ts'

/**
 * Intervals: what PostgreSQL and Oracle print, ISO 8601 with designators, and numbers with units. What a column of fewer
 * fields or digits would cut away does not fit. Another text goes as it is where nothing of it can be lost.
 *
 * @param modifier `pg_attribute.atttypmod`: fields and digits of the fraction, or -1
 * @see https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-INTERVAL-INPUT
 */
export function intervalCodec(modifier: number, given: ValueKind): Codec {
  const { fields, digits } = limitsOf(modifier)
  const unit = UNIT_OF_FIELDS.find(([of]) => (fields & of) !== 0)![1]
  return {
    travelsAs: 'interval',
    castTo: null,
    isKeyable: false,
    mayBeRefused: true,
    holds: `intervals of its fields, with at most ${digits} digits of the second's fraction`,
    encode(value) {
      const text = textOrScalar(value, given)
      if (text === undefined) return undefined
      const span = spanOf(text, unit, fields === (MINUTE | SECOND))
      if (span === null) return undefined
      if (span !== undefined) return isWithin(span, fields, digits) ? tokenOf(span) : undefined
      return modifier === -1 && !/\d[.,]|[.,]\d/.test(text) ? JSON.stringify(text) : undefined
    },
  }
}

/** Each part has its own sign. */
interface Span {
  readonly months: bigint
  readonly days: bigint
  readonly micros: bigint
}

/** As PostgreSQL numbers them in a modifier. */
const [MONTH, YEAR, DAY, HOUR, MINUTE, SECOND] = [1 << 1, 1 << 2, 1 << 3, 1 << 10, 1 << 11, 1 << 12]
const ALL_FIELDS = 0x7fff

/** The least field of a column says what a number without a unit counts. */
const UNIT_OF_FIELDS = [
  [SECOND, 's'],
  [MINUTE, 'min'],
  [HOUR, 'h'],
  [DAY, 'd'],
  [MONTH, 'mon'],
  [YEAR, 'y'],
] as const

function limitsOf(modifier: number): { fields: number; digits: number } {
  if (modifier === -1) return { fields: ALL_FIELDS, digits: 6 }
  return { fields: (modifier >> 16) & ALL_FIELDS, digits: Math.min(6, modifier & 0xffff) }
}

const SECONDS = 1_000_000n
const DAYS = 86_400n * SECONDS

/** Unit → what part of a span it counts, and how many of it. */
const UNITS: Readonly<Record<string, readonly [part: keyof Span, count: bigint]>> = {
  mil: ['months', 12_000n],
  c: ['months', 1200n],
  dec: ['months', 120n],
  y: ['months', 12n],
  mon: ['months', 1n],
  w: ['days', 7n],
  d: ['days', 1n],
  h: ['micros', 3600n * SECONDS],
  min: ['micros', 60n * SECONDS],
  s: ['micros', SECONDS],
  ms: ['micros', 1000n],
  us: ['micros', 1n],
}

const UNIT_NAMES: readonly (readonly [name: RegExp, unit: string])[] = [
  [/^(mils?|millennia|millennium)$/, 'mil'],
  [/^(c|cent|century|centuries)$/, 'c'],
  [/^(dec|decs|decade|decades)$/, 'dec'],
  [/^(y|yrs?|years?)$/, 'y'],
  [/^(mons?|months?)$/, 'mon'],
  [/^(w|weeks?)$/, 'w'],
  [/^(d|days?)$/, 'd'],
  [/^(h|hrs?|hours?)$/, 'h'],
  [/^(m|mins?|minutes?)$/, 'min'],
  [/^(s|secs?|seconds?)$/, 's'],
  [/^(ms|msecs?|milliseconds?)$/, 'ms'],
  [/^(us|usecs?|microseconds?)$/, 'us'],
]

const TIME = String.raw`([+-]?)(\d+):(\d{1,2})(?::(\d{1,2}))?(\.\d*)?`
const YEARS_AND_MONTHS = String.raw`([+-]?)(\d+)-(\d+)`
const NUMBER = String.raw`([+-]?)(\d+\.?\d*|(?<![+-])\.\d+)(?:\s*([a-z]+))?`
// Blanks stand between two pieces; not behind units of one letter, but for w.
const BETWEEN = String.raw`(?:^\s*|\s+|(?<![a-z][dhmsy])(?<=[dhmsy])(?=\d))`
const PIECE = new RegExp(`${BETWEEN}(?:${TIME}(?![\\d:.])|${YEARS_AND_MONTHS}(?![\\d.-])|${NUMBER}(?![.:]))`, 'y')

/** Undefined for a form that is not known here; null for a span of which PostgreSQL would round something away. */
function spanOf(text: string, unit: string, isMinutesFirst: boolean): Span | undefined | null {
  if (text.startsWith('P')) return spanOfIso(text)
  const [, body = '', ago] = /^\s*@?\s*(.*?)(\s+ago)?\s*$/i.exec(text)!
  const pieces = piecesOf(body.toLowerCase())
  if (pieces.length === 0) return undefined
  const reader = new SpanReader({ unit, isMinutesFirst, isAgo: ago !== undefined })
  const isTaken = pieces.every((piece, i) => reader.add(piece, pieces[i + 1]))
  return isTaken ? reader.span() : undefined
}

/** Empty if a part of the text is no piece. */
function piecesOf(text: string): RegExpExecArray[] {
  const pieces: RegExpExecArray[] = []
  PIECE.lastIndex = 0
  while (PIECE.lastIndex < text.length) {
    const piece = PIECE.exec(text)
    if (piece === null) return []
    pieces.push(piece)
  }
  return pieces
}

interface SpanForm {
  /** Of a number without one. */
  readonly unit: string
  readonly isMinutesFirst: boolean
  readonly isAgo: boolean
}

/** Adds up the pieces of a span, each unit once. */
class SpanReader {
  readonly #form: SpanForm
  readonly #sum = new Sum()
  readonly #seen = new Set<string>()

  constructor(form: SpanForm) {
    this.#form = form
  }

  /** False for a piece that PostgreSQL does not take there. */
  add(piece: RegExpExecArray, next: RegExpExecArray | undefined): boolean {
    const [, timeSign, hours, minutes, seconds, fraction = '', spanSign, years, months, sign, number, name = ''] = piece
    if (hours !== undefined) {
      const { isMinutesFirst } = this.#form
      return (
        this.#isFirst('h', 'min', ...SECONDS_UNITS) &&
        this.#sum.addTime(timeSign!, hours, minutes!, seconds, fraction, isMinutesFirst)
      )
    }
    if (years !== undefined) {
      if (!this.#isFirst('y', 'mon') || Number(months) > 11) return false
      this.#sum.add(spanSign!, years, 'y')
      this.#sum.add(spanSign!, months!, 'mon')
      return true
    }
    const unit = name === '' ? this.#unitBefore(next) : UNIT_NAMES.find(([form]) => form.test(name))?.[1]
    if (unit === undefined || !this.#isFirst(...unitsOf(unit, number!))) return false
    this.#sum.add(sign!, number!, unit)
    return true
  }

  /** Null if PostgreSQL would leave a part of a day out, as it does beside a time. */
  span(): Span | null {
    const hasTime = ['h', 'min', ...SECONDS_UNITS].some((unit) => this.#seen.has(unit))
    return this.#sum.hasPartsOfDays && hasTime ? null : this.#sum.span(this.#form.isAgo)
  }

  /** The unit of a number without one: days in front of a time; else PostgreSQL takes such a number only as the last piece. */
  #unitBefore(next: RegExpExecArray | undefined): string | undefined {
    if (this.#form.isAgo) return undefined
    if (next === undefined) return this.#form.unit
    return next[2] === undefined ? undefined : 'd'
  }

  #isFirst(...units: string[]): boolean {
    return units.every((unit) => !this.#seen.has(unit) && this.#seen.add(unit))
  }
}

const SECONDS_UNITS = ['s', 'ms', 'us']

/** What a number gives a value to, and is not to be given twice. */
const unitsOf = (unit: string, number: string): readonly string[] =>
  unit === 's' && number.includes('.') ? SECONDS_UNITS : [unit]

/** `P1Y2M3DT4H5M6.7S`, each number with a sign of its own. */
function spanOfIso(text: string): Span | undefined | null {
  const match = /^P((?:-?\d+(?:\.\d*)?[YMWD])*)(?:T((?:-?\d+(?:\.\d*)?[HMS])+))?$/.exec(text)
  if (match === null || text === 'P') return undefined
  const sum = new Sum()
  const add = (part: string, units: Readonly<Record<string, string>>): void => {
    for (const [, sign, number, letter] of part.matchAll(/(-?)(\d+(?:\.\d*)?)([A-Z])/g)) {
      sum.add(sign!, number!, units[letter!]!)
    }
  }
  add(match[1]!, { Y: 'y', M: 'mon', W: 'w', D: 'd' })
  add(match[2] ?? '', { H: 'h', M: 'min', S: 's' })
  return sum.span(false)
}

class Sum {
  readonly #parts = { months: 0n, days: 0n, micros: 0n }
  #isRounded = false
  hasPartsOfDays = false

  /** @param number digits, perhaps with a point */
  add(sign: string, number: string, unit: string): void {
    const [part, count] = UNITS[unit]!
    const [whole = '', fraction = ''] = number.split('.')
    const scale = 10n ** BigInt(fraction.length)
    const total = BigInt(whole + fraction || '0') * count
    this.#addPart(part, sign, total / scale)
    let rest = total % scale
    // A fraction of a month counts in days, one of a day in microseconds. Of a year PostgreSQL rounds it to months.
    if (part === 'months' && count === 1n) {
      this.#addPart('days', sign, (rest * 30n) / scale)
      rest = (rest * 30n) % scale
    }
    if (part === 'days' || (part === 'months' && count === 1n)) {
      this.hasPartsOfDays ||= rest !== 0n
      this.#addPart('micros', sign, (rest * DAYS) / scale)
      rest = (rest * DAYS) % scale
    }
    if (rest !== 0n) this.#isRounded = true
  }

  /** False for a time that there is not. @param isMinutesFirst two numbers are minutes and seconds */
  addTime(
    sign: string,
    first: string,
    second: string,
    third: string | undefined,
    fraction: string,
    isMinutesFirst: boolean,
  ): boolean {
    const isShort = third === undefined && (isMinutesFirst || fraction !== '')
    const [hours, minutes, seconds] = isShort ? ['0', first, second] : [first, second, third ?? '0']
    if (Number(minutes) > 59 || Number(seconds) > 59) return false
    this.add(sign, hours!, 'h')
    this.add(sign, minutes!, 'min')
    this.add(sign, `${seconds}${fraction}`, 's')
    return true
  }

  span(isNegated: boolean): Span | null {
    if (this.#isRounded) return null
    const { months, days, micros } = this.#parts
    return isNegated ? { months: -months, days: -days, micros: -micros } : { months, days, micros }
  }

  #addPart(part: keyof Span, sign: string, count: bigint): void {
    this.#parts[part] += sign === '-' ? -count : count
  }
}

/** Whether a column keeps all of it. Fields above those of the column are kept, too. */
function isWithin({ months, days, micros }: Span, fields: number, digits: number): boolean {
  if (!isInteger(months, 32n) || !isInteger(days, 32n) || !isInteger(micros, 64n)) return false
  if (micros % 10n ** BigInt(6 - digits) !== 0n) return false
  if (fields === YEAR) return months % 12n === 0n && days === 0n && micros === 0n
  if ((fields & ~(YEAR | MONTH)) === 0) return days === 0n && micros === 0n
  if (fields === DAY) return micros === 0n
  if ((fields & ~(DAY | HOUR)) === 0) return micros % (3600n * SECONDS) === 0n
  return (fields & SECOND) !== 0 || micros % (60n * SECONDS) === 0n
}

const isInteger = (value: bigint, bits: bigint): boolean => value >= -(2n ** (bits - 1n)) && value < 2n ** (bits - 1n)

/** With a sign in front of each part, so that it is read in one way whatever `IntervalStyle` is. */
function tokenOf({ months, days, micros }: Span): string {
  const size = micros < 0n ? -micros : micros
  const [hours, minutes, seconds] = [size / (3600n * SECONDS), (size / (60n * SECONDS)) % 60n, (size / SECONDS) % 60n]
  const fraction = String(size % SECONDS).padStart(6, '0')
  const time = [hours, minutes, seconds].map((part) => String(part).padStart(2, '0')).join(':')
  const signed = (part: bigint): string => (part < 0n ? String(part) : `+${part}`)
  return `"${signed(months)} mons ${signed(days)} days ${micros < 0n ? '-' : '+'}${time}.${fraction}"`
}
