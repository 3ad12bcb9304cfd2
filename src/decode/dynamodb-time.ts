import { RelayError } from '../errors.ts'
import { jsonType } from './json.ts'

const SECONDS_BELOW = 1e11
const MILLISECONDS_BELOW = 1e14
/** DynamoDB opened in January 2012: nothing that it writes is older. */
export const OLDEST_US = Date.UTC(2012, 0) * 1000

/**
 * `ApproximateCreationDateTime` → epoch microseconds.
 *
 * The unit is read from the magnitude, which is unmistakable from 1973 to 5138, and not from
 * `ApproximateCreationDateTimePrecision`: that member is missing from most records in milliseconds, it changes in the
 * middle of a stream, and an emulator writes seconds whatever it says. Trusting it where the two disagree would store
 * dates in 1970 or 57000.
 *
 * @throws RelayError DECODE_TIME
 */
export function epochMicroseconds(time: unknown): number {
  const us = typeof time === 'number' ? Math.round(time * microsecondsPerUnit(time)) : Number.NaN
  if (us >= OLDEST_US && Number.isSafeInteger(us)) return us
  const found = typeof time === 'number' ? String(time) : jsonType(time)
  throw new RelayError('DECODE_TIME', `ApproximateCreationDateTime is ${found}, not a time since DynamoDB exists`)
}

function microsecondsPerUnit(time: number): number {
  if (time < SECONDS_BELOW) return 1_000_000
  return time < MILLISECONDS_BELOW ? 1000 : 1
}

/** Epoch microseconds → ISO 8601 in UTC: `….123Z` where they are whole milliseconds, else `….123456Z`. */
export function isoTime(us: number): string {
  const iso = new Date(Math.floor(us / 1000)).toISOString()
  const beyondMs = us % 1000
  return beyondMs === 0 ? iso : `${iso.slice(0, -1)}${String(beyondMs).padStart(3, '0')}Z`
}
