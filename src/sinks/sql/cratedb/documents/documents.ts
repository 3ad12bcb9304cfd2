import { Binary, type Numeric, type Row, type Value } from '../../../../change.ts'
import { plainDecimal } from '../../../tables/keys.ts'
import { documentKey, NUMBERS_KEY, objectKey } from '../tables/names.ts'
import { exactToken, isNumber } from './exact-numbers.ts'

/**
 * A row → the JSON text that an `OBJECT(IGNORED)` keeps as it is. Members are named by `names.ts`; binary is base64.
 *
 * A number that CrateDB would round or refuse (a whole one beyond 64 bits, one whose double prints other digits) is a text
 * with all its digits. In a list of nothing but numbers, such as a set, then all of them are texts. Where this is so, the
 * member `cdc_numbers` of the document tells: a list of JSON pointers (RFC 6901), each to such a text or to a list of them.
 *
 *     {"id":1,"price":"0.1234567890123456789","sizes":["1","36893488147419103232"],"cdc_numbers":["/price","/sizes"]}
 *
 * So a text that no pointer leads to is a text. A member `cdc_numbers` of the source is stored as `%63dc_numbers`.
 */
export function ignoredDocument(row: Row): string {
  const pointers: string[] = []
  let members = ''
  for (const name in row) {
    const key = documentKey(name)
    members += `${members && ','}${JSON.stringify(key)}:${valueText(row[name]!, key, null, pointers)}`
  }
  if (pointers.length > 0) members += `${members && ','}"${NUMBERS_KEY}":${JSON.stringify(pointers)}`
  return `{${members}}`
}

/** Where a value is: put together only for the few that are pointed to. */
interface Parent {
  readonly step: string | number
  readonly parent: Parent | null
}

function valueText(value: Value, step: string | number, parent: Parent | null, pointers: string[]): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (isNumber(value)) return exactToken(value) ?? numberAsText(value, step, parent, pointers)
  if (value === null || typeof value === 'boolean') return String(value)
  if (value instanceof Binary) return `"${value.toJSON()}"`
  const here = { step, parent }
  return isList(value) ? listText(value, here, pointers) : objectText(value as Row, here, pointers)
}

function numberAsText(
  value: number | Numeric,
  step: string | number,
  parent: Parent | null,
  pointers: string[],
): string {
  pointers.push(pointerTo({ step, parent }))
  return `"${plainDecimal(value)}"`
}

function listText(list: readonly Value[], here: Parent, pointers: string[]): string {
  if (list.length > 0 && list.every(isNumber)) return numbersText(list, here, pointers)
  let elements = ''
  for (let index = 0; index < list.length; index++) {
    elements += `${index > 0 ? ',' : ''}${valueText(list[index]!, index, here, pointers)}`
  }
  return `[${elements}]`
}

function numbersText(numbers: readonly (number | Numeric)[], here: Parent, pointers: string[]): string {
  const tokens = numbers.map(exactToken)
  if (!tokens.includes(undefined)) return `[${tokens.join(',')}]`
  pointers.push(pointerTo(here))
  return `["${numbers.map(plainDecimal).join('","')}"]`
}

function objectText(row: Row, here: Parent, pointers: string[]): string {
  let members = ''
  for (const name in row) {
    const key = objectKey(name)
    members += `${members && ','}${JSON.stringify(key)}:${valueText(row[name]!, key, here, pointers)}`
  }
  return `{${members}}`
}

function pointerTo({ step, parent }: Parent): string {
  const token = String(step).replaceAll('~', '~0').replaceAll('/', '~1')
  return `${parent === null ? '' : pointerTo(parent)}/${token}`
}

/** `Array.isArray` does not narrow lists that are read only. */
export const isList = (value: Value): value is readonly Value[] => Array.isArray(value)
