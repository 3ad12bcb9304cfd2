import type { Key } from './mirror.ts'

/**
 * One row of a recordset, a JSON object. Members: k0, k1, … the key, v the version, and those of the table's shape.
 * @param rest members, each with a comma in front
 */
export function jsonRow(key: Key, version: string, rest: string): string {
  const keyMembers = key.tokens.length === 0 ? '' : `${members('k', key)},`
  return `{${keyMembers}"v":${version}${rest}}`
}

/** The same with the key where the row was: o0, o1, … */
export const movedJsonRow = (key: Key, from: Key, version: string, rest: string): string =>
  jsonRow(key, version, `${rest},${members('o', from)}`)

/** A deleted row: x is true if it stays, marked. */
export const deletedJsonRow = (key: Key, version: string, isMarked: boolean): string =>
  jsonRow(key, version, isMarked ? ',"x":true' : '')

/** `"k0":…,"k1":…` */
function members(letter: 'k' | 'o', { tokens }: Key): string {
  if (tokens.length === 1) return `"${letter}0":${tokens[0]}`
  return tokens.map((token, i) => `"${letter}${i}":${token}`).join(',')
}
