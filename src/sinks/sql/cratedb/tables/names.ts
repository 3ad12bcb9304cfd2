import { createHash } from 'node:crypto'
import { cutToBytes } from '../../../tables/names.ts'

/**
 * Names of the source → names that CrateDB takes. What it refuses, or would take for something else, is written as `%` and
 * two hexadecimal digits (`a.b` → `a%2Eb`), `%` itself as `%25`; the empty name is a lone `%`. `sourceName` reads it back,
 * and so does what reads URLs, but for the lone `%`, `%80` to `%9F`, and `%u` with four digits, which is half a surrogate pair.
 *
 * A name that is too long then is cut and ends in `%-` and 16 digits of the SHA-256 of the whole name: as no other name
 * holds `%-`, it is nobody else's, but what was cut is gone.
 *
 * https://cratedb.com/docs/crate/reference/en/latest/general/ddl/create-table.html#naming-restrictions
 */

/** An index in the file system of a node bears the name of schema and table, which leaves 255 bytes for both and a dot. */
const MAX_SCHEMA_BYTES = 63
const MAX_TABLE_BYTES = 255 - 1 - MAX_SCHEMA_BYTES
/** CrateDB has no limit here, but each name is part of the cluster's state and of every statement. */
const MAX_COLUMN_BYTES = 255

/** Refused, or (`:`) refused by some versions. \p{Cc} are control characters. */
const NOT_IN_TABLES = /[%\\/*?"<>| ,#.:\p{Cc}]/gu
const NOT_IN_COLUMNS = /[%.[\]\p{Cc}]/gu
/** Reserved for the system. Some versions refuse the hyphen and the plus, too. */
const NOT_FIRST_IN_TABLES = /^[_+-]/
const NOT_FIRST_IN_COLUMNS = /^_/

/** Schemas of the system. CrateDB compares some of these without regard to case, so we do with all. */
const SYSTEM_SCHEMAS = new Set(['blob', 'information_schema', 'pg_catalog', 'sys'])
/** Of any other case, it would share its tables' files with `doc`. */
const DEFAULT_SCHEMA = 'doc'

/** Columns of ours, and of the table shapes that we write: no column of the source can bear their names. */
const TAKEN_BESIDE_KEYS = new Set(['data', 'aux', 'cdc_version', 'cdc_deleted'])
const TAKEN_BESIDE_VALUES = new Set(['cdc_version', 'cdc_deleted', 'cdc_extra'])
/** The member of a stored document that tells which of its texts are numbers. */
export const NUMBERS_KEY = 'cdc_numbers'

export function schemaName(name: string): string {
  const lower = name.toLowerCase()
  const isTaken = SYSTEM_SCHEMAS.has(lower) || (lower === DEFAULT_SCHEMA && name !== DEFAULT_SCHEMA)
  return shortened(escaped(name, NOT_IN_TABLES, isTaken || NOT_FIRST_IN_TABLES.test(name)), name, MAX_SCHEMA_BYTES)
}

/** Also of a view. */
export function tableName(name: string): string {
  return shortened(escaped(name, NOT_IN_TABLES, NOT_FIRST_IN_TABLES.test(name)), name, MAX_TABLE_BYTES)
}

/** The view that shows the rows of a table that are not deleted. @param table as the target names it */
export function liveViewName(table: string): string {
  const name = `${table}_live`
  return shortened(name, name, MAX_TABLE_BYTES)
}

/** A column that is part of the key, in the layout `document`. */
export function keyColumnName(attribute: string): string {
  return columnName(attribute, TAKEN_BESIDE_KEYS)
}

/** Any column, in the layout `columns`. */
export function valueColumnName(attribute: string): string {
  return columnName(attribute, TAKEN_BESIDE_VALUES)
}

function columnName(attribute: string, taken: ReadonlySet<string>): string {
  const isTaken = taken.has(attribute) || NOT_FIRST_IN_COLUMNS.test(attribute)
  return shortened(escaped(attribute, NOT_IN_COLUMNS, isTaken), attribute, MAX_COLUMN_BYTES)
}

/**
 * A member of an object, of any length: always reversible. Escaped in `OBJECT(IGNORED)`, too: whether CrateDB checks the
 * members there its documentation leaves open, and `object['a.b']` is hard to ask for in any case.
 */
export function objectKey(attribute: string): string {
  return PLAIN_KEY.test(attribute) ? attribute : escaped(attribute, NOT_IN_COLUMNS, false)
}

/** A member of the document itself, where one is ours. */
export function documentKey(attribute: string): string {
  return attribute === NUMBERS_KEY ? escaped(attribute, NOT_IN_COLUMNS, true) : objectKey(attribute)
}

const PLAIN_KEY = /^[\w-]+$/

/** Any of these names → the source's; null for one that was too long. */
export function sourceName(name: string): string | null {
  if (name === EMPTY) return ''
  if (name.includes(CUT)) return null
  return name.replaceAll(/%(?:u([\dA-F]{4})|([\dA-F]{2}))/g, (_, unit, code) =>
    String.fromCharCode(Number.parseInt(unit ?? code, 16)),
  )
}

const EMPTY = '%'
const CUT = '%-'

function escaped(name: string, refused: RegExp, alsoFirst: boolean): string {
  if (name === '') return EMPTY
  let text = name.replaceAll(refused, escapeChar)
  if (alsoFirst && text[0] !== '%') text = escapeChar(text[0]!) + text.slice(1)
  return text.isWellFormed() ? text : text.replaceAll(HALF_A_PAIR, escapeHalf)
}

const HALF_A_PAIR = /\p{Surrogate}/gu
const escapeChar = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
const escapeHalf = (half: string): string => `%u${half.charCodeAt(0).toString(16).toUpperCase()}`

function shortened(text: string, name: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const suffix = CUT + createHash('sha256').update(JSON.stringify(name)).digest('hex').slice(0, 16)
  return cutToBytes(text, maxBytes - suffix.length) + suffix
}
