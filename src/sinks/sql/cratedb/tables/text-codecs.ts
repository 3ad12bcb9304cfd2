import { Binary, type ColumnType, Numeric, toJson, type Value, type ValueKind } from '../../../../change.ts'
import type { Codec } from '../../../tables/codecs/codec.ts'
import { plainDecimal } from '../../../tables/keys.ts'
import { quotedElement } from '../rows/array-literal.ts'
import { fitsIndex } from '../rows/index-limits.ts'
import type { CrateColumn } from './column.ts'
import { type Reader, readerOf } from './readers.ts'

/**
 * TEXT, VARCHAR(n), CHAR(n). What they hold, by the source's type:
 *
 * | type | text |
 * |---|---|
 * | `timestamp` | `2024-07-12T01:17:42.000000Z`, always with six digits, in UTC |
 * | `local-timestamp` | `2024-07-12T01:17:42.000000` |
 * | `date`, `time` | `2024-07-12`, `01:17:42.000000` |
 * | `numeric`, integers | digits without exponent, leading or ending zeros |
 * | `bytes` | base64 |
 * | `uuid` | lower case with hyphens |
 *
 * So equal values have equal texts, and moments sort as texts; moments of other years than 1 to 9999 would not, and do not
 * fit. `infinity` of DMS sorts behind all others, `-infinity` before. Of any other type, and of one that is not known, text
 * is kept as it came, and bytes are base64.
 */
export function textCodec(column: CrateColumn, given: ValueKind, type: ColumnType | null): Codec {
  const read = readerFor(given, type)
  const maxLength = column.maxLength ?? Number.POSITIVE_INFINITY
  const isPadded = column.dataType === 'character'

  const most = column.isIndexed ? 'at most 32,766 bytes' : 'any length'
  return {
    travelsAs: 'array(text)',
    castTo: null,
    isKeyable: true,
    holds: `texts of ${column.maxLength === null ? most : `at most ${column.maxLength} UTF-16 units`}`,
    encode(value) {
      const found = read(value)
      // CHAR(n) ignores trailing blanks.
      const text = isPadded ? found?.replace(/ +$/, '') : found
      // CrateDB counts UTF-16 units, and cuts blanks beyond the length in silence.
      if (text === undefined || text.length > maxLength || (column.isIndexed && !fitsIndex(text))) return undefined
      return quotedElement(text)
    },
  }
}

function readerFor(given: ValueKind, type: ColumnType | null): Reader {
  switch (type) {
    case 'timestamp':
      return padded(readerOf('timestamptz', -1, given), PLAIN_MOMENT, 'Z')
    case 'local-timestamp':
      return padded(readerOf('timestamp', -1, given), PLAIN_MOMENT, '')
    case 'time':
      return padded(readerOf('time', -1, given), PLAIN_TIME, '')
    case 'date':
      return padded(readerOf('date', -1, given), PLAIN_DATE, null)
    case 'uuid':
      return readerOf('uuid', -1, given)
    case 'boolean':
      return readerOf('bool', -1, given)
    case 'bytes':
      return bytesReader(readerOf('bytea', -1, given))
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'uint64':
    case 'numeric':
      return readerOf('numeric', -1, given)
    default:
      return (value) => textOf(value, given, type)
  }
}

const PLAIN_MOMENT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z?$/
const PLAIN_TIME = /^(\d\d:\d\d:\d\d)(?:\.(\d+))?$/
const PLAIN_DATE = /^(\d{4}-\d\d-\d\d)$/
const INFINITIES: ReadonlySet<string> = new Set(['infinity', '-infinity'])

/** @param zone behind six digits of the fraction; null where there is none of either */
function padded(read: Reader, plain: RegExp, zone: string | null): Reader {
  return (value) => {
    const text = read(value)
    if (text === undefined || INFINITIES.has(text)) return text
    const match = plain.exec(text)
    if (match === null || zone === null) return match?.[1]
    return `${match[1]}.${(match[2] ?? '').padEnd(6, '0')}${zone}`
  }
}

function bytesReader(hexOf: Reader): Reader {
  return (value) => {
    if (value instanceof Binary) return value.toJSON()
    // As PostgreSQL's token: two backslashes, x, and the digits.
    const hex = hexOf(value)?.slice(3)
    return hex === undefined ? undefined : Buffer.from(hex, 'hex').toString('base64')
  }
}

function textOf(value: Exclude<Value, null>, given: ValueKind, type: ColumnType | null): string | undefined {
  if (typeof value === 'string') return value
  if (value instanceof Binary) return type === null ? value.toJSON() : undefined
  if (given !== 'textual') return undefined
  if (typeof value === 'number' || value instanceof Numeric) return plainDecimal(value)
  return toJson(value)
}
