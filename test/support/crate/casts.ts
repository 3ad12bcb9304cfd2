import { isIP } from 'node:net'
import { CrateError, cannotCast } from './failure.ts'
import { digitsOf, Numeric, readNumeric, rescale } from './numeric.ts'
import { type DataType, type ScalarType, typeName, typeText } from './types.ts'
import { isList, isObject, readJson, type Value, writeDouble, writeJson } from './values.ts'

/**
 * `CAST(value AS type)`. Objects keep what they hold: what their policy makes of it is decided when a row is indexed.
 * @throws CrateError `Cannot cast value … to type …`
 */
export function castTo(type: DataType, value: Value): Value {
  if (value === null) return null
  if (type.kind === 'object') return toObject(value)
  if (type.kind === 'array') {
    const list = typeof value === 'string' ? readJsonOr(value, type) : value
    if (!isList(list)) throw cannotCast(show(value), typeName(type))
    return list.map((element) => castTo(type.element, element))
  }
  return toScalar(type, value)
}

/** For error messages. */
export function show(value: Value): string {
  return typeof value === 'string' ? value : writeJson(value)
}

function toObject(value: Value): Value {
  const object =
    typeof value === 'string' ? readJsonOr(value, { kind: 'object', policy: 'dynamic', fields: new Map() }) : value
  if (!isObject(object)) throw cannotCast(show(value), 'object')
  return object
}

function readJsonOr(text: string, type: DataType): Value {
  try {
    return readJson(text)
  } catch {
    throw cannotCast(text, typeName(type))
  }
}

function toScalar(type: ScalarType, value: Exclude<Value, null>): Value {
  switch (type.name) {
    case 'undefined':
      return value
    case 'boolean':
      return toBoolean(value)
    case 'smallint':
      return toInteger(type, value, 1n << 15n)
    case 'integer':
      return toInteger(type, value, 1n << 31n)
    case 'bigint':
      return toInteger(type, value, 1n << 63n)
    case 'real':
      return Math.fround(toDouble(type, value))
    case 'double precision':
      return toDouble(type, value)
    case 'numeric':
      return toNumeric(type, value)
    case 'text':
    case 'character varying':
    case 'character':
      return toText(type, value)
    case 'bit':
      if (typeof value !== 'string' || !/^[01]+$/.test(value)) throw cannotCast(show(value), typeText(type))
      if (value.length === type.length) return value
      throw new CrateError(`bit string length ${value.length} does not match type bit(${type.length})`)
    case 'ip':
      if (typeof value !== 'string' || isIP(value) === 0) throw cannotCast(show(value), 'ip')
      return value
    case 'geo_point':
    case 'geo_shape':
      if (typeof value === 'string' && /^[A-Z]+ ?\(.*\)$/.test(value)) return value
      throw cannotCast(show(value), type.name)
    case 'timestamp with time zone':
    case 'timestamp without time zone':
    case 'date':
      return toMilliseconds(type, value)
    case 'uuid':
      if (typeof value !== 'string' || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value))
        throw new CrateError(`Invalid UUID string: ${show(value)}`)
      return value.toLowerCase()
    case 'json':
      return typeof value === 'string' ? writeJson(readJsonOr(value, type)) : writeJson(value)
    case 'time with time zone':
      return show(value)
    case 'float_vector':
      throw cannotCast(show(value), 'float_vector')
  }
}

function toBoolean(value: Exclude<Value, null>): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') {
    if (/^(t|true)$/i.test(value)) return true
    if (/^(f|false)$/i.test(value)) return false
  }
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value) > 0
  throw cannotCast(show(value), 'boolean')
}

/** A decimal loses its fraction without a word; a text must be a whole number. */
function toInteger(type: ScalarType, value: Exclude<Value, null>, limit: bigint): bigint {
  const whole = wholeOf(value)
  // The words of Java's own parsers.
  if (typeof value === 'string' && whole === null) throw new CrateError(`For input string: "${value}"`)
  if (typeof value === 'string' && type.name === 'smallint' && (whole! < -limit || whole! >= limit))
    throw new CrateError(`Value out of range. Value:"${value}" Radix:10`)
  if (typeof value === 'string' && (whole! < -limit || whole! >= limit))
    throw new CrateError(`For input string: "${value}"`)
  if (whole === null || whole < -limit || whole >= limit) throw cannotCast(show(value), type.name)
  return whole
}

function wholeOf(value: Exclude<Value, null>): bigint | null {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isFinite(value) ? BigInt(Math.trunc(value)) : null
  if (typeof value === 'string') return /^[+-]?\d+$/.test(value) ? BigInt(value.replace(/^\+/, '')) : null
  return value instanceof Numeric ? value.unscaled / 10n ** BigInt(value.scale) : null
}

function toDouble(type: ScalarType, value: Exclude<Value, null>): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Numeric) return Number(value.toString())
  if (typeof value === 'string' && /^[+-]?(NaN|Infinity)$/.test(value)) return Number(value)
  if (typeof value === 'string' && readNumeric(value) !== null) return Number(value)
  if (typeof value === 'string') throw new CrateError('illegal syntax')
  throw cannotCast(show(value), type.name)
}

/** More fraction digits than the scale are rounded; more digits before the point than fit are refused. */
function toNumeric(type: ScalarType, value: Exclude<Value, null>): Numeric {
  const read =
    typeof value === 'bigint' || typeof value === 'number' || typeof value === 'string'
      ? readNumeric(String(value))
      : value
  if (typeof value === 'string' && read === null)
    throw new CrateError(
      `Character ${value[0]} is neither a decimal digit number, decimal point, nor "e" notation exponential mark.`,
    )
  if (!(read instanceof Numeric)) throw cannotCast(show(value), 'numeric')
  if (type.precision === undefined) return read
  const rounded = rescale(read, type.scale ?? 0)
  if (digitsOf(rounded) > type.precision) throw cannotCast(show(value), `numeric(${type.precision},${type.scale ?? 0})`)
  return rounded
}

/** Length is in UTF-16 units. Blanks beyond it are cut without a word, and CHARACTER(n) is filled up with them. */
function toText(type: ScalarType, value: Exclude<Value, null>): string {
  const text =
    typeof value === 'number' ? writeDouble(value) : typeof value === 'boolean' ? `${value}`[0]! : show(value)
  if (type.length === undefined) return text
  if (type.name === 'character' && text.length <= type.length) return text.padEnd(type.length)
  if (text.length <= type.length || /^ +$/.test(text.slice(type.length))) return text.slice(0, type.length)
  const shown = text.length > 20 ? `${text.slice(0, 20)}...` : text
  throw new CrateError(`'${shown}' is too long for the ${typeName(type)} type of length: ${type.length}`)
}

/** Whole milliseconds: what is finer is cut off. */
function toMilliseconds(type: ScalarType, value: Exclude<Value, null>): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return BigInt(Math.trunc(value))
  if (typeof value === 'string') {
    if (/^[+-]?\d{5,}$/.test(value)) return BigInt(value)
    const iso = /^(\d{4,}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(value)
    const [, date, time = '00:00', zone = 'Z'] = iso ?? []
    const zoned = type.name === 'timestamp with time zone' ? zone.replace(/^([+-]\d\d)(?::?(\d\d))?$/, zoneOf) : 'Z'
    const milliseconds = Date.parse(`${date}T${time.replace(/(\.\d{3})\d+$/, '$1')}${zoned}`)
    if (!Number.isNaN(milliseconds)) return BigInt(milliseconds)
    throw new CrateError(`Invalid format: "${value}"`)
  }
  throw cannotCast(show(value), type.name)
}

function zoneOf(_zone: string, hours: string, minutes: string | undefined): string {
  return `${hours}:${minutes ?? '00'}`
}
