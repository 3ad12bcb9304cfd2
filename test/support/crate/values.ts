import { compareNumerics, Numeric, readNumeric } from './numeric.ts'

/**
 * What a cell holds. Whole numbers and timestamps (milliseconds since 1970) are `bigint`, REAL and DOUBLE are `number`,
 * objects are maps, so that `__proto__` is a name like any other.
 */
export type Value = null | boolean | bigint | number | string | Numeric | readonly Value[] | ReadonlyMap<string, Value>

/** Numbers without point or exponent become `bigint`, however large; all others are rounded to a double. */
export function readJson(text: string): Value {
  return JSON.parse(text, revive as Parameters<typeof JSON.parse>[1]) as Value
}

function revive(_name: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value === 'number') return /^-?\d+$/.test(context.source!) ? BigInt(context.source!) : value
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof Map) return value
  return new Map(Object.entries(value))
}

/** Members of objects come back in another order than they went, as CrateDB gives them. */
export function writeJson(value: Value): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return writeDouble(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Numeric) return value.toString()
  if (isList(value)) return `[${value.map(writeJson).join(',')}]`
  const members = [...(value as ReadonlyMap<string, Value>)].reverse()
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`).join(',')}}`
}

/** As Java writes it: a whole double keeps its point. */
export function writeDouble(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return `${Object.is(value, -0) ? '-0' : value}.0`
  return String(value).replace('e+', 'E').replace('e', 'E')
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

export function isObject(value: Value): value is ReadonlyMap<string, Value> {
  return value instanceof Map
}

/** Below, at or above 0, as in sorting. Neither may be null. */
export function compareValues(a: Exclude<Value, null>, b: Exclude<Value, null>): number {
  const left = asNumeric(a)
  const right = asNumeric(b)
  if (left !== null && right !== null) {
    if (typeof left === 'object' || typeof right === 'object') return compareNumerics(exact(left), exact(right))
    return left < right ? -1 : left > right ? 1 : 0
  }
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  const [one, other] = [canonical(a), canonical(b)]
  return one < other ? -1 : one > other ? 1 : 0
}

function asNumeric(value: Value): bigint | number | Numeric | null {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof Numeric ? value : null
}

function exact(value: bigint | number | Numeric): Numeric {
  return value instanceof Numeric ? value : readNumeric(String(value))!
}

/** The same text for equal values, whatever the order of an object's members. */
function canonical(value: Value): string {
  if (isList(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return writeJson(value)
  const members = [...value].sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
