import { COLUMN_TYPES, type Column, type Row } from '../../support/dms-life/columns.ts'
import { quoted, rowsQuery, tableDifferences } from '../../support/dms-life/compare.ts'
import type { DmsLife } from '../../support/dms-life/dms-life.ts'
import type { SourceTable } from '../../support/dms-life/tables.ts'
import type { MissingColumns } from '../../support/dms-life/truth.ts'
import { literal, type Query } from '../../support/targets/sql-target.ts'

/** What the operator decides that the truth depends on. */
export interface MirrorSettings {
  readonly missing: MissingColumns
  readonly onReload: 'keep' | 'sweep'
  readonly deletes: 'hard' | 'soft'
}

/** Where the target is not what it must be, in words, row by row and value by value; empty if it is. */
export async function targetDifferences(query: Query, life: DmsLife, settings: MirrorSettings): Promise<string[]> {
  const expected = life.expectedRows(settings.missing)
  const leftovers = life.leftovers(settings.onReload)
  const differences: string[] = []
  for (const table of life.tables) {
    const found = await foundRows(query, life, table, settings)
    differences.push(...tableDifferences(table, expected.get(table)!, found, leftovers.get(table) ?? new Set()))
    differences.push(...(await narrowColumns(query, life, table)))
  }
  return differences
}

/** A column that nothing was ever said of may not be there. */
async function foundRows(query: Query, life: DmsLife, table: SourceTable, { deletes }: MirrorSettings): Promise<Row[]> {
  const name = deletes === 'soft' ? `${table.name}_live` : table.name
  const there = await query(
    `SELECT column_name::text AS name FROM information_schema.columns
     WHERE table_schema = ${literal(table.schema)} AND table_name = ${literal(name)}`,
  )
  const columns = life.columns(table).filter((column) => there.some((one) => one.name === column.name))
  if (columns.length === 0) return []
  const target = `${quoted(table.schema)}.${quoted(name)}`
  const isWidened = table.widened !== null && life.story.widenColumns && there.some((one) => one.name === 'cdc_extra')
  const rows = await query(rowsQuery(isWidened ? withWidened(target, columns, table.widened) : target, columns))
  return rows.map((row) => new Map(columns.map((column) => [column.name, row[column.name] ?? null])))
}

/** Of a table whose last definition said that one is wider by now. */
async function narrowColumns(
  query: Query,
  { story, endpoint }: DmsLife,
  { schema, name, widened }: SourceTable,
): Promise<string[]> {
  const isTold = story.widenColumns && story.reload === 'with-drop-table' && endpoint.includeControlDetails
  if (!isTold || widened === null) return []
  const narrow = await query(
    `SELECT FROM information_schema.columns WHERE table_schema = ${literal(schema)} AND table_name = ${literal(name)}
       AND column_name = ${literal(widened)} AND data_type = 'integer'`,
  )
  return narrow.map(() => `${name}: ${widened} did not get wider`)
}

/** What came before the column was wide enough lies in `cdc_extra`. */
function withWidened(target: string, columns: readonly Column[], widened: string): string {
  const selected = columns.map(({ name }) =>
    name === widened
      ? `coalesce(${quoted(name)}::text, cdc_extra->>${literal(name)}) AS ${quoted(name)}`
      : quoted(name),
  )
  return `(SELECT ${selected.join(', ')} FROM ${target}) AS t`
}

/** Tables as an operator makes them who knows the source, before the relay comes. */
export async function makeTables(query: Query, tables: readonly SourceTable[]): Promise<void> {
  for (const schema of new Set(tables.map(({ schema }) => schema))) await query(`CREATE SCHEMA ${quoted(schema)}`)
  for (const { schema, name, columns, key } of tables) {
    const definitions = columns.map((column) => `${quoted(column.name)} ${COLUMN_TYPES[column.type].sql}`)
    if (key.length > 0) definitions.push(`PRIMARY KEY (${key.map(quoted).join(', ')})`)
    await query(`CREATE TABLE ${quoted(schema)}.${quoted(name)} (${definitions.join(', ')})`)
  }
}
