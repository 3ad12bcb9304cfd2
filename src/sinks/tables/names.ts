import { createHash } from 'node:crypto'

/** PostgreSQL's limit; it cuts longer names without an error. https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
const MAX_NAME_BYTES = 63

/** What every table has, the last one in Greenplum only. */
const SYSTEM_COLUMNS = ['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid', 'gp_segment_id']
/** Columns of ours in a mirrored table: no column of the source can bear their names. */
const TAKEN = new Set(['data', 'cdc_version', 'cdc_deleted', ...SYSTEM_COLUMNS])
const TAKEN_BESIDE_VALUES = new Set(['cdc_version', 'cdc_deleted', 'cdc_extra', ...SYSTEM_COLUMNS])

/**
 * A name of the source → the name in the target: the same, verbatim, since every name is quoted. Except an empty one,
 * one with U+0000 and one over 63 bytes: it is cut at the border of a character and gets `_` and 8 hex digits of the
 * SHA-256 of the whole name.
 */
export function targetName(name: string): string {
  return name === '' || name.includes('\0') || Buffer.byteLength(name) > MAX_NAME_BYTES ? hashed(name) : name
}

/** No schema that a user makes may begin so. */
export const isReservedInPostgres = (schema: string): boolean => schema.startsWith('pg_')
export const isReservedInGreenplum = (schema: string): boolean => /^(?:pg|gp)_/.test(schema)

/** As `targetName`, for a key column: a name that the table needs for itself is hashed, too. */
export function keyColumnName(attribute: string): string {
  return TAKEN.has(attribute) ? hashed(attribute) : targetName(attribute)
}

/** As `targetName`, for a column of the layout `columns`. */
export function valueColumnName(attribute: string): string {
  return TAKEN_BESIDE_VALUES.has(attribute) ? hashed(attribute) : targetName(attribute)
}

/** The view that shows the rows of a table with `--deletes soft` that are not deleted. */
export function liveViewName(table: string): string {
  return targetName(`${table}_live`)
}

/** The table in the schema `cdc_relay` that remembers the deleted rows of a table. */
export function tombstonesName(schema: string, table: string): string {
  const hash = sha256(JSON.stringify([schema, table])).slice(0, 16)
  return `tombstones_${cutToBytes(table, MAX_NAME_BYTES - 'tombstones_'.length - 1 - hash.length)}_${hash}`
}

function hashed(name: string): string {
  const suffix = `_${sha256(name).slice(0, 8)}`
  return cutToBytes(name.replaceAll('\0', ''), MAX_NAME_BYTES - suffix.length) + suffix
}

/** At most `bytes` bytes of a text, no character torn. */
export function cutToBytes(text: string, bytes: number): string {
  const encoded = Buffer.from(text)
  let end = Math.min(bytes, encoded.length)
  // A byte 10xxxxxx continues a character of UTF-8.
  while (end < encoded.length && (encoded[end]! & 0xc0) === 0x80) end--
  return encoded.toString('utf8', 0, end)
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
