import { assign, type CompiledAssignment, compileAssignments, tooManyParts } from './assignments.ts'
import { castTo } from './casts.ts'
import { type StoredRow, storeRow, type Table, tableNamed } from './catalogue.ts'
import { type Compiled, compile, NO_ROW, type Scope } from './compile.ts'
import type { Context, Result } from './context.ts'
import { isConvertible } from './conversions.ts'
import { CrateError } from './failure.ts'
import { idText, LONGEST_TERM_BYTES, termBytes } from './id-term.ts'
import { checkRequired, conformAtCoordinator, indexAtShard } from './indexing.ts'
import { idOf, typeOfPath } from './key-lookup.ts'
import { atLeast, columnName } from './names.ts'
import { Numeric } from './numeric.ts'
import type { Parameters } from './parameters.ts'
import { compileItems, type OutputItem, planQuery } from './queries.ts'
import { member, relationScope, tableRelation } from './relations.ts'
import type { Insert, OnConflict } from './syntax.ts'
import { type DataType, typeText } from './types.ts'
import { isObject, type Value } from './values.ts'

type Cells = Map<string, Value>

export interface InsertPlan {
  readonly returning: readonly OutputItem[] | null
  /** The rows of VALUES, cast to their columns; throws for the first that cannot be. Null for INSERT … SELECT. */
  readonly values: (() => readonly Cells[]) | null
  /** Writes what can be written: null where a row failed at its shard. */
  write(rows: readonly Cells[]): readonly Outcome[]
  run(): Result
}

/** A row as it is stored now; `kept` where ON CONFLICT DO NOTHING left it alone; or why it could not be written. */
type Outcome = { readonly row: StoredRow } | 'kept' | { readonly refused: CrateError }

/** @throws CrateError for what CrateDB finds before it runs an INSERT */
export function planInsert(insert: Insert, context: Context, parameters: Parameters): InsertPlan {
  const table = tableNamed(context.catalogue, insert.table, context.schema, 'INSERT')
  const names = targetColumns(insert, table)
  const scope = relationScope(tableRelation(table, null, context), context, parameters)
  const read =
    insert.source.kind === 'values' ? planValues(insert.source.rows, names, table, context, parameters) : null
  const query = insert.source.kind === 'query' ? planQuery(insert.source.query, context, parameters) : null
  if (query !== null) {
    checkCount(names, query.columns.length)
    for (const [at, { name, type }] of query.columns.entries()) checkType(type, name, names[at]!, table)
  }
  const assignments = planConflict(insert.onConflict, table, scope)
  const returning =
    insert.returning === null ? null : compileItems(insert.returning, tableRelation(table, null, context), scope)
  const fresh = new Set<DataType>()
  const write = (cells: Cells) =>
    writeRow(cells, { table, assignments, ignore: insert.onConflict !== null, context, fresh })

  function selectedRows(strict: boolean): readonly Cells[] {
    return query!.rows().flatMap((row) => {
      try {
        return [
          conformRow(new Map(names.map((name, at) => [name, uncastNumeric(row[at]!, table, name)])), table, context),
        ]
      } catch (error) {
        if (strict || !(error instanceof CrateError)) throw error
        return []
      }
    })
  }

  return {
    returning,
    values: read,
    write: (rows) => rows.map(write),
    run() {
      const failFast =
        read === null &&
        context.variables.get('insert_select_fail_fast') === 'true' &&
        atLeast(context.settings.crateVersion, '6.0.0')
      const rows = read === null ? selectedRows(failFast || context.settings.badSelectedRow === 'error') : read()
      const stored: StoredRow[] = []
      for (const cells of rows) {
        const outcome = write(cells)
        if (outcome === 'kept') continue
        if ('row' in outcome) stored.push(outcome.row)
        // Of several rows nobody hears why one failed, nor that it did.
        else if (failFast || (read !== null && rows.length === 1)) throw outcome.refused
      }
      return {
        tag: `INSERT 0 ${stored.length}`,
        columns: returning === null ? null : returning.map(({ name, compiled }) => ({ name, type: compiled.type })),
        rows: returning === null ? [] : stored.map((row) => returning.map(({ compiled }) => compiled.value({ row }))),
      }
    },
  }
}

/** To INSERT … SELECT all NUMERICs are one type, and none is cast to another: the point of one of another scale is misplaced. */
function uncastNumeric(value: Value, table: Table, name: string): Value {
  const type = table.columns.get(name)!.type
  const isNumeric = value instanceof Numeric && type.kind === 'scalar' && type.name === 'numeric'
  return isNumeric ? new Numeric(value.unscaled, type.scale ?? 0) : value
}

/**
 * N binds of one INSERT before one Sync. What does not fit is found before anything is written, and fails them all; what a
 * shard refuses shows as -3, without a reason. RETURNING is dropped.
 * @throws CrateError nothing was written
 */
export function runInserts(plans: readonly InsertPlan[]): readonly Result[] {
  if (plans.some((plan) => plan.values === null)) return plans.map((plan) => plan.run())
  const rows = plans.map((plan) => plan.values!())
  return plans.map((plan, at) => {
    const outcomes = plan.write(rows[at]!)
    const failed = outcomes.some((outcome) => outcome !== 'kept' && 'refused' in outcome)
    const count = outcomes.filter((outcome) => outcome !== 'kept').length
    return { tag: `INSERT 0 ${failed ? -3 : count}`, columns: null, rows: [] }
  })
}

function targetColumns(insert: Insert, table: Table): readonly string[] {
  const names = insert.columns.length === 0 ? [...table.columns.keys()] : insert.columns
  for (const name of names)
    if (!table.columns.has(name)) throw new CrateError(`Column ${columnName([name])} unknown`, '42703')
  if (new Set(names).size < names.length) throw new CrateError('Columns of an INSERT must not repeat')
  for (const [name] of table.primaryKey)
    if (!names.includes(name!))
      throw new CrateError(`Column "${name}" is required but is missing from the insert statement`)
  return names
}

function checkCount(names: readonly string[], count: number): void {
  if (count === names.length) return
  throw new CrateError(
    `Number of target columns (${names.join(', ')}) of insert statement doesn't match number of source columns (${count})`,
  )
}

function checkType(from: DataType, source: string, name: string, table: Table): void {
  const to = table.columns.get(name)!.type
  if (isConvertible(from, to)) return
  throw new CrateError(
    `The type '${typeText(from)}' of the insert source '${source}' is not convertible to the type '${typeText(to)}' of target column '${name}'`,
  )
}

function planValues(
  rows: (Insert['source'] & { kind: 'values' })['rows'],
  names: readonly string[],
  table: Table,
  context: Context,
  parameters: Parameters,
): () => readonly Cells[] {
  const nothing = relationScope(null, context, parameters)
  const compiled = rows.map((row): readonly Compiled[] => {
    checkCount(names, row.length)
    return row.map((value, at) => {
      const name = names[at]!
      const source = compile(value, nothing, table.columns.get(name)!.type)
      checkType(source.type, `$${at + 1}`, name, table)
      return source
    })
  })
  return () =>
    compiled.map((row) =>
      conformRow(new Map(row.map((value, at) => [names[at]!, value.value({ row: NO_ROW })])), table, context),
    )
}

/** @throws CrateError this row does not fit the columns known so far */
function conformRow(cells: Cells, table: Table, { settings }: Context): Cells {
  const conformed: Cells = new Map()
  for (const [name, column] of table.columns) {
    const value = conformAtCoordinator(name, column, cells.get(name) ?? null)
    if (value === null && isKey(table, name)) throw new CrateError(`Missing primary key value for column "${name}"`)
    conformed.set(name, value)
  }
  // 5.10 refuses here what 6.4 refuses at the shard.
  if (!atLeast(settings.crateVersion, '6.0.0')) checkAllRequired(table, conformed)
  return conformed
}

function checkAllRequired(table: Table, cells: Cells): void {
  for (const [name, column] of table.columns) checkRequired(column, cells.get(name) ?? null, [name])
}

function isKey(table: Table, name: string): boolean {
  return table.primaryKey.some((path) => path[0] === name)
}

interface Writing {
  readonly table: Table
  readonly assignments: readonly CompiledAssignment[] | null
  /** A key that is there already is no error. */
  readonly ignore: boolean
  readonly context: Context
  /** Members that the rows before have made. */
  readonly fresh: Set<DataType>
}

function writeRow(cells: Cells, { table, assignments, ignore, context, fresh }: Writing): Outcome {
  const id = table.primaryKey.length === 0 ? String(++table.ids) : idOf(keyOf(cells, table))
  try {
    checkIdLength(table, cells)
    const refusal = context.settings.refusal?.(table.name, cells) ?? null
    if (refusal !== null) throw new CrateError(refusal)
    if (context.lostRow(table, id)) throw new CrateError(`[${table.schema}.${table.name}] primary shard is not active`)
    const before = table.live.get(id)
    if (before === undefined) {
      checkAllRequired(table, cells)
      return { row: storeRow(table, id, indexAtShard(table, context.settings, cells, fresh)) }
    }
    if (assignments === null) {
      if (ignore) return 'kept'
      throw new CrateError('A document with the same primary key exists already', '23505')
    }
    const after = assign(assignments, table, { row: before, excluded: cells })
    return { row: storeRow(table, id, indexAtShard(table, context.settings, after, fresh)) }
  } catch (error) {
    if (error instanceof CrateError) return { refused: error }
    throw error
  }
}

/** @throws CrateError the key makes an id that is longer than a term of the index */
function checkIdLength(table: Table, cells: Cells): void {
  if (table.primaryKey.length === 0 || termBytes(idText(keyOf(cells, table))) <= LONGEST_TERM_BYTES) return
  throw new CrateError(
    `Document contains at least one immense term in field="_id" (whose UTF8 encoding is longer than the max length ${LONGEST_TERM_BYTES}), all of which were skipped.`,
  )
}

/** @throws CrateError the key is null somewhere */
function keyOf(cells: Cells, table: Table): readonly Value[] {
  return table.primaryKey.map((path) => {
    let value = cells.get(path[0]!) ?? null
    for (const name of path.slice(1)) value = isObject(value) ? (value.get(name) ?? null) : null
    if (value === null) throw new CrateError(`Missing primary key value for column "${columnName(path)}"`)
    return castTo(typeOfPath(table, path), value)
  })
}

/** The existing row is named by bare columns, the new one by `excluded`. Null: DO NOTHING, or nothing said. */
function planConflict(onConflict: OnConflict | null, table: Table, scope: Scope): readonly CompiledAssignment[] | null {
  if (onConflict === null) return null
  const { target, assignments } = onConflict
  const [named, key] = [target, table.primaryKey].map((paths) => paths.map(columnName))
  if (assignments !== null || named!.length > 0) {
    if (named!.length !== key!.length)
      throw new CrateError(
        `Number of conflict targets ([${named!.join(', ')}]) did not match the number of primary key columns ([${key!.join(', ')}])`,
      )
    if (named!.some((name) => !key!.includes(name)))
      throw new CrateError(
        `Conflict target ([${named!.join(', ')}]) did not match the primary key columns ([${key!.join(', ')}])`,
      )
  }
  if (assignments === null) return null
  return compileAssignments(assignments, table, {
    ...scope,
    column(parts, path) {
      if (parts.length === 1) return scope.column(parts, path)
      const [qualifier, name] = parts
      if (parts.length > 2 || qualifier !== 'excluded') throw tooManyParts(parts)
      const column = table.columns.get(name!)
      if (column === undefined) throw new CrateError(`Column excluded.${name} unknown`, '42703')
      return member({ name: name!, type: column.type }, path, (env) => env.excluded!)
    },
  })
}
