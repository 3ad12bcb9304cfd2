import type { ValueKind } from '../../../change.ts'
import { isPlainDay, isPlainInstant } from './as-is.ts'
import type { Codec } from './codec.ts'

const TYPES = {
  date: { travelsAs: 'date', write: dateToken },
  time: { travelsAs: 'time', write: timeToken },
  timetz: { travelsAs: 'timetz', write: zonedTimeToken },
  timestamp: { travelsAs: 'timestamp', write: timestampToken },
  timestamptz: { travelsAs: 'timestamptz', write: instantToken },
} as const

/** What most values are: tokens already, whose day is in every month. */
const PLAIN_DATE = /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])$/
const PLAIN_INSTANT =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{0,5}[1-9])?Z$/
/** `2024-07-12T01:17:42.` */
const BEFORE_FRACTION = 20

/**
 * Dates and times, from ISO 8601 texts and, for DMS, the forms that PostgreSQL itself prints.
 *
 * DMS writes `Z` behind every timestamp, also those without time zone: `timestamp` and `time` keep the wall clock and
 * drop it; another offset has no place there. Without zone `timestamptz` and `timetz` take a text for UTC.
 * @param modifier `pg_attribute.atttypmod`: digits of the fraction, or -1 for six
 */
export function timeCodec(type: keyof typeof TYPES, modifier: number, given: ValueKind): Codec {
  const { travelsAs, write } = TYPES[type]
  const maxFraction = modifier === -1 ? 6 : modifier
  const isStamp = type === 'timestamp' || type === 'timestamptz'
  const zoneLength = type === 'timestamptz' ? 0 : 1
  const hasInfinity = given === 'textual' && (isStamp || type === 'date')

  return {
    travelsAs,
    castTo: null,
    isKeyable: true,
    ...(maxFraction === 6 && type !== 'date'
      ? { fix: 'Make it a column of text, or let the source send no more digits' }
      : {}),
    takesAsIs:
      type === 'date'
        ? isPlainDay
        : type === 'timestamptz'
          ? (bytes, start, end) => isPlainInstant(bytes, start, end, maxFraction)
          : undefined,
    holds: type === 'date' ? 'days' : `times with at most ${maxFraction} digits of the second's fraction`,
    encode(value) {
      if (typeof value !== 'string') return undefined
      if (type === 'date' && PLAIN_DATE.test(value)) return `"${value}"`
      if (isStamp && PLAIN_INSTANT.test(value) && value.length - 1 - BEFORE_FRACTION <= maxFraction) {
        return zoneLength === 0 ? `"${value}"` : `"${value.slice(0, -zoneLength)}"`
      }
      if (hasInfinity && /^-?infinity$/i.test(value)) return `"${value.toLowerCase()}"`
      const moment = type === 'time' || type === 'timetz' ? parseClock(value) : parseMoment(value, given)
      return moment === undefined || moment.fraction.length > maxFraction ? undefined : write(moment)
    },
  }
}

interface Day {
  /** Astronomical: 0 is 1 BC. */
  readonly year: number
  readonly month: number
  readonly day: number
}

interface Clock {
  /** Seconds since midnight: 86400 for 24:00:00. */
  readonly seconds: number
  /** Of a second, without zeros at its end. */
  readonly fraction: string
  /** Seconds east of UTC; null where the text has no zone. */
  readonly offset: number | null
}

type Moment = Day & Clock

const CLOCK = String.raw`(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?: ?(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?))?`
const MOMENT = new RegExp(String.raw`^(\d{4,7})-(\d\d)-(\d\d)(?:[T ]${CLOCK})?( BC)?$`, 'i')
const TIME = new RegExp(`^${CLOCK}$`, 'i')

function parseMoment(text: string, given: ValueKind): Moment | undefined {
  const match = MOMENT.exec(text)
  if (match === null || (match[9] !== undefined && given !== 'textual')) return undefined
  const [, year, month, day, hour = '00', minute = '00', second, fraction, zone, bc] = match
  const clock = clockOf(hour, minute, second, fraction, zone)
  const date = { year: bc === undefined ? Number(year) : 1 - Number(year), month: Number(month), day: Number(day) }
  return clock === undefined || Number(year) === 0 || !isDay(date) ? undefined : { ...date, ...clock }
}

/** A time of day, on no day. */
function parseClock(text: string): Moment | undefined {
  const match = TIME.exec(text)
  if (match === null) return undefined
  const clock = clockOf(match[1]!, match[2]!, match[3], match[4], match[5])
  return clock === undefined ? undefined : { year: 0, month: 0, day: 0, ...clock }
}

function clockOf(hour: string, minute: string, second = '00', fraction = '', zone?: string): Clock | undefined {
  // PostgreSQL takes a leap second for the next one: it holds none.
  if (Number(minute) > 59 || Number(second) > 59) return undefined
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second)
  const kept = withoutEndingZeros(fraction)
  if (seconds > 86_400 || (seconds === 86_400 && kept !== '')) return undefined
  const offset = zone === undefined ? null : offsetOf(zone)
  return offset === undefined ? undefined : { seconds, fraction: kept, offset }
}

function withoutEndingZeros(digits: string): string {
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return digits.slice(0, end)
}

/** Below 16 hours, as in PostgreSQL. */
function offsetOf(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0
  const digits = zone.slice(1).replaceAll(':', '')
  const [hours, minutes, seconds] = [0, 2, 4].map((at) => Number(digits.slice(at, at + 2)))
  if (hours! > 15 || minutes! > 59 || seconds! > 59) return undefined
  const size = hours! * 3600 + minutes! * 60 + seconds!
  // Not minus zero.
  return zone.startsWith('-') && size > 0 ? -size : size
}

const isDay = ({ year, month, day }: Day): boolean =>
  month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** A day that begins at midnight and is nothing but a day. */
function dateToken(moment: Moment): string | undefined {
  const { seconds, fraction, offset } = moment
  if (seconds !== 0 || fraction !== '' || (offset ?? 0) !== 0 || !isHeld(moment, 5_874_897)) return undefined
  return `"${dayText(moment)}${era(moment)}"`
}

function timeToken({ seconds, fraction, offset }: Moment): string | undefined {
  return (offset ?? 0) === 0 ? `"${clockText(seconds, fraction)}"` : undefined
}

/** Two of these are one only if their zones are, too. */
function zonedTimeToken({ seconds, fraction, offset }: Moment): string | undefined {
  const size = Math.abs(offset ?? 0)
  return `"${clockText(seconds, fraction)}${(offset ?? 0) < 0 ? '-' : '+'}${clockText(size, '')}"`
}

function timestampToken(moment: Moment): string | undefined {
  return (moment.offset ?? 0) === 0 ? stampToken(moment, moment.seconds, moment.fraction, '') : undefined
}

function instantToken(moment: Moment): string | undefined {
  return stampToken(moment, moment.seconds - (moment.offset ?? 0), moment.fraction, 'Z')
}

/** @param seconds since midnight of `day`: of the day before, or after, where they are too few or too many */
function stampToken(day: Day, seconds: number, fraction: string, zone: '' | 'Z'): string | undefined {
  const days = Math.floor(seconds / 86_400)
  const moved = days === 0 ? day : days > 0 ? dayAfter(day) : dayBefore(day)
  if (!isHeld(moved, 294_276)) return undefined
  return `"${dayText(moved)}T${clockText(seconds - days * 86_400, fraction)}${zone}${era(moved)}"`
}

function dayAfter({ year, month, day }: Day): Day {
  if (day < daysIn(year, month)) return { year, month, day: day + 1 }
  return month < 12 ? { year, month: month + 1, day: 1 } : { year: year + 1, month: 1, day: 1 }
}

function dayBefore({ year, month, day }: Day): Day {
  if (day > 1) return { year, month, day: day - 1 }
  return month > 1 ? { year, month: month - 1, day: daysIn(year, month - 1) } : { year: year - 1, month: 12, day: 31 }
}

/** PostgreSQL counts days from 24 November 4714 BC. */
function isHeld({ year, month, day }: Day, lastYear: number): boolean {
  if (year !== -4713) return year > -4713 && year <= lastYear
  return month === 12 || (month === 11 && day >= 24)
}

const dayText = ({ year, month, day }: Day): string =>
  `${String(year > 0 ? year : 1 - year).padStart(4, '0')}-${two(month)}-${two(day)}`

const clockText = (seconds: number, fraction: string): string =>
  `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${fraction && '.'}${fraction}`

const era = ({ year }: Day): string => (year > 0 ? '' : ' BC')

const two = (number: number): string => (number < 10 ? `0${number}` : String(number))
