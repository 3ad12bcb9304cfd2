import { CrateError } from './failure.ts'

const SYSTEM_COLUMNS = new Set(
  ['id', 'version', 'seq_no', 'primary_term', 'score', 'doc', 'docid', 'raw', 'uid', 'fetchid'].map(
    (name) => `_${name}`,
  ),
)
const RESERVED_SCHEMAS = new Set(['blob', 'information_schema', 'sys', 'pg_catalog'])

/**
 * @param top a column of the table, not a member of an object
 * @throws CrateError
 * @see https://cratedb.com/docs/crate/reference/en/latest/general/ddl/create-table.html#naming-restrictions
 */
export function checkColumnName(name: string, crateVersion: string, top: boolean): void {
  if (name.includes('.')) throw new CrateError(`"${name}" contains a dot`)
  if (/[[\]]/.test(name))
    throw new CrateError(`"${name}" conflicts with subscript pattern, square brackets are not allowed`)
  if (/[\t\n\r]/.test(name)) throw new CrateError(`"${name}" contains illegal whitespace character`)
  if (!top) return
  if (name === '') throw new CrateError('A column must have a name', '42601')
  if (SYSTEM_COLUMNS.has(name) || (name.startsWith('_') && !atLeast(crateVersion, '6.2.0')))
    throw new CrateError(`"${name}" conflicts with system column pattern`)
}

/** @throws CrateError */
export function checkTableName(schema: string, name: string): void {
  for (const part of [schema, name])
    if (part === '' || /[\\/*?"<>|\s,#.]/.test(part))
      throw new CrateError(`Relation name "${schema}.${name}" is invalid.`)
  if (Buffer.byteLength(schema) + Buffer.byteLength(name) > 255)
    throw new CrateError(`Relation name "${schema}.${name}" is too long: at most 255 bytes`)
  if (RESERVED_SCHEMAS.has(schema)) throw new CrateError(`Cannot create relation in read-only schema: ${schema}`)
}

export function atLeast(version: string, wanted: string): boolean {
  const [have, need] = [version, wanted].map((text) => text.split('.').map(Number))
  for (let at = 0; at < 3; at++) if (have![at] !== need![at]) return have![at]! > need![at]!
  return true
}

/** As messages and information_schema write it: `o['x']`. */
export function columnName(path: readonly string[]): string {
  return (
    path[0]! +
    path
      .slice(1)
      .map((member) => `['${member}']`)
      .join('')
  )
}
