import { Numeric } from './numeric.ts'
import { isList, isObject, type Value } from './values.ts'

/** For tests to compare: objects without prototype, so that `__proto__` is a member; exact decimals as text. */
export function plainValue(value: Value): unknown {
  if (value instanceof Numeric) return value.toString()
  if (isList(value)) return value.map(plainValue)
  if (!isObject(value)) return value
  const plain = Object.create(null) as Record<string, unknown>
  for (const [name, member] of value) plain[name] = plainValue(member)
  return plain
}
