import type { JsonSpan } from '../../change.ts'
import type { Key } from './mirror.ts'
import { RowWriter } from './row-writer.ts'

/**
 * Begins one row of a recordset, a JSON object. Members: k0, k1, … the key, v the version, and those of the table's shape, which
 * the caller writes, each with a comma in front.
 */
export function beginRow(key: Key, version: string): RowWriter {
  return writer.begin().text(`{${members('k', key)}"v":${version}`)
}

/** One for all tables: a row is written at one go. */
const writer = new RowWriter()

export const endRow = (): JsonSpan => writer.text('}').row()

/** The same with the key where the row was: o0, o1, … */
export const endMovedRow = (from: Key): JsonSpan => writer.text(`,${members('o', from).slice(0, -1)}}`).row()

/** A deleted row: x is true if it stays, marked. */
export function deletedRow(key: Key, version: string, isMarked: boolean): JsonSpan {
  beginRow(key, version).text(isMarked ? ',"x":true' : '')
  return endRow()
}

/** `"k0":…,"k1":…,` */
function members(letter: 'k' | 'o', { tokens }: Key): string {
  let text = ''
  for (let i = 0; i < tokens.length; i++) text += `"${letter}${i}":${tokens[i]},`
  return text
}
