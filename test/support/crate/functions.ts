import { randomUUID } from 'node:crypto'
import { castTo } from './casts.ts'
import { TEXT } from './types.ts'
import { compareValues, isList, isObject, type Value } from './values.ts'

/** The few functions that the fake knows; all others were refused when their type was asked for. */
export function callScalar(
  name: string,
  operands: readonly Value[],
  session: { readonly schema: string; readonly user: string; readonly crateVersion: string },
): Value {
  const [first = null, second = null] = operands
  switch (name) {
    case 'coalesce':
      return operands.find((operand) => operand !== null) ?? null
    case 'nullif':
      return first !== null && second !== null && compareValues(first, second) === 0 ? null : first
    case 'greatest':
    case 'least': {
      const sorted = operands.filter((operand) => operand !== null).sort(compareValues)
      return sorted.at(name === 'least' ? 0 : -1) ?? null
    }
    case 'version':
      return `CrateDB ${session.crateVersion} (a fake of its wire protocol)`
    case 'current_schema':
      return session.schema
    case 'current_user':
      return session.user
    case 'now':
    case 'current_timestamp':
      return BigInt(Date.now())
    case 'gen_random_text_uuid':
      return randomUUID()
    case 'concat_operator':
      return operands.includes(null) ? null : operands.map((operand) => castTo(TEXT, operand)).join('')
    case 'concat':
      return operands.map((operand) => castTo(TEXT, operand) ?? '').join('')
    default:
      return first === null ? null : callOnValue(name, first)
  }
}

function callOnValue(name: string, value: Exclude<Value, null>): Value {
  switch (name) {
    case 'lower':
      return String(value).toLowerCase()
    case 'upper':
      return String(value).toUpperCase()
    case 'length':
    case 'char_length':
      return BigInt([...String(value)].length)
    case 'octet_length':
      return BigInt(Buffer.byteLength(String(value)))
    case 'abs':
      return (typeof value === 'bigint' || typeof value === 'number') && value < 0 ? -value : value
    case 'array_length':
      return isList(value) && value.length > 0 ? BigInt(value.length) : null
    case 'object_keys':
      return isObject(value) ? [...value.keys()] : null
    default:
      throw new Error(`The function ${name} has a type, but no code`)
  }
}
