import type { ValueKind } from '../../../change.ts'
import type { UnderlyingType } from '../relation.ts'
import type { Codec } from './codec.ts'
import { QUOTED, quotedPart, type TextReader, unquoted } from './parts.ts'
import { textOrScalar } from './text.ts'

/**
 * Ranges and multiranges, from PostgreSQL's text form. Each bound is read as a value of its own.
 * @see https://www.postgresql.org/docs/current/rangetypes.html#RANGETYPES-IO
 */
export function rangeCodec({ sql, kind, subtype }: UnderlyingType, bounds: TextReader, given: ValueKind): Codec {
  const compare = COMPARISONS[subtype!.name]
  return {
    travelsAs: sql,
    castTo: null,
    isKeyable: false,
    mayBeRefused: bounds.mayBeRefused || compare === undefined,
    holds: `ranges in PostgreSQL's form, ${kind === 'm' ? '{[…,…)}' : '[…,…)'}, whose bounds are ${bounds.holds}`,
    encode(value) {
      const text = textOrScalar(value, given)
      if (text === undefined) return undefined
      const written = kind === 'm' ? readRanges(text) : readRange(text)
      return written === undefined ? undefined : JSON.stringify(written)
    },
  }

  function readRanges(text: string): string | undefined {
    const inside = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1]
    if (inside === undefined) return undefined
    if (inside.trim() === '') return '{}'
    const ranges: string[] = []
    const one = new RegExp(ONE_OF_MANY, 'isy')
    while (true) {
      const match = one.exec(inside)
      const range = match === null ? undefined : readRange(match[1]!)
      if (range === undefined) return undefined
      ranges.push(range)
      if (match![2] === '') return `{${ranges.join(',')}}`
    }
  }

  function readRange(text: string): string | undefined {
    if (/^\s*empty\s*$/i.test(text)) return 'empty'
    const match = RANGE.exec(text)
    if (match === null) return undefined
    const [, left, lowerText, upperText, right] = match
    const lower = boundOf(lowerText!)
    const upper = boundOf(upperText!)
    const [from, to] = [readBound(lower, bounds), readBound(upper, bounds)]
    if (from === undefined || to === undefined) return undefined
    const isDiscrete = LAST_VALUES.has(subtype!.name)
    if (isDiscrete && (isLast(subtype!.name, from, left === '(') || isLast(subtype!.name, to, right === ']')))
      return undefined
    if (from !== null && to !== null && compare !== undefined && compare(from, to) > 0) return undefined
    return `${left}${quotedBound(from)},${quotedBound(to)}${right}`
  }
}

const BOUND = String.raw`((?:${QUOTED}|\\.|[^"\\,)\]])*)`
const RANGE = new RegExp(String.raw`^\s*([[(])${BOUND},${BOUND}([\])])\s*$`, 's')
const ONE_OF_MANY = String.raw`\s*(empty|[[(](?:${QUOTED}|\\.|[^"\\\])])*[\])])\s*(,|$)`

/** Null where nothing is written: there is no bound. */
const boundOf = (raw: string): string | null => (raw === '' ? null : unquoted(raw))

const readBound = (bound: string | null, reader: TextReader): string | null | undefined =>
  bound === null ? null : reader.read(bound)

const quotedBound = (bound: string | null): string => (bound === null ? '' : quotedPart(bound))

/** The last value of each discrete type: PostgreSQL fails when it computes the next one. */
const LAST_VALUES: ReadonlyMap<string, string> = new Map([
  ['int4', '2147483647'],
  ['int8', '9223372036854775807'],
  ['date', '5874897-12-31'],
])

const isLast = (type: string, bound: string | null, isStepped: boolean): boolean =>
  isStepped && bound !== null && bound === LAST_VALUES.get(type)

/** Of two texts that the codecs of the types wrote: below 0 if the first is less. */
const COMPARISONS: Readonly<Record<string, (a: string, b: string) => number>> = {
  int4: compareNumbers,
  int8: compareNumbers,
  numeric: compareNumbers,
  date: compareMoments,
  timestamp: compareMoments,
  timestamptz: compareMoments,
}

/** Decimals; NaN is the largest. */
function compareNumbers(a: string, b: string): number {
  if (a === 'NaN' || b === 'NaN') return a === b ? 0 : a === 'NaN' ? 1 : -1
  const [[wholeA, fractionA = ''], [wholeB, fractionB = '']] = [a.split('.'), b.split('.')] as [string[], string[]]
  const digits = Math.max(fractionA.length, fractionB.length)
  const x = BigInt(`${wholeA}${fractionA.padEnd(digits, '0')}`)
  const y = BigInt(`${wholeB}${fractionB.padEnd(digits, '0')}`)
  return x < y ? -1 : x > y ? 1 : 0
}

function compareMoments(a: string, b: string): number {
  const [x, y] = [orderOf(a), orderOf(b)]
  return x.year - y.year || (x.rest < y.rest ? -1 : x.rest > y.rest ? 1 : 0)
}

function orderOf(text: string): { year: number; rest: string } {
  if (text.endsWith('infinity')) return { year: text.startsWith('-') ? -Infinity : Infinity, rest: '' }
  const [, year, rest, era] = /^(\d+)-(.*?)Z?( BC)?$/.exec(text)!
  return { year: era === undefined ? Number(year) : -Number(year), rest: rest! }
}
