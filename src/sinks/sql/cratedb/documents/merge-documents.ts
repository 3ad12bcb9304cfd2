import { parseJsonWithSource } from '../../../../parse-json.ts'
import { NUMBERS_KEY } from '../tables/names.ts'

/**
 * Lays the members of a partial image over a stored document, in the JSON of `ignoredDocument`: numbers keep their digits,
 * and `cdc_numbers` tells of the members that are there then.
 *
 * @param stored JSON text; null for none
 * @param sets names of members as they are stored: what was there under them goes
 * @param image JSON text of the members that come; null for none
 */
export function mergeDocuments(stored: string | null, sets: readonly string[], image: string | null): string {
  const before = stored === null ? {} : parse(stored)
  const after = image === null ? {} : parse(image)
  const gone = new Set([...sets, ...Object.keys(after)])
  const members = [
    ...Object.entries(before).filter(([name]) => name !== NUMBERS_KEY && !gone.has(name)),
    ...Object.entries(after).filter(([name]) => name !== NUMBERS_KEY),
  ]
  const numbers = [...pointersOf(before).filter((pointer) => !gone.has(memberOf(pointer))), ...pointersOf(after)]
  if (numbers.length > 0) members.push([NUMBERS_KEY, numbers])
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`
}

type Members = Readonly<Record<string, unknown>>

const parse = (json: string): Members =>
  parseJsonWithSource(json, (value, source) => (typeof value === 'number' ? rawJson(source!) : value)) as Members

const pointersOf = (members: Members): readonly string[] =>
  Object.hasOwn(members, NUMBERS_KEY) ? (members[NUMBERS_KEY] as readonly string[]) : []

/** Of a JSON pointer. */
const memberOf = (pointer: string): string => pointer.split('/')[1]!.replaceAll('~1', '/').replaceAll('~0', '~')

/** Present from Node.js 22 on; missing from the TypeScript library of that year. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON
