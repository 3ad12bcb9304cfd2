import { sql } from 'kysely'
import { columnList, parameterKeys, sameKey, tableId } from '../../tables/clauses.ts'
import type { ColumnsTable, TargetColumn } from '../../tables/columns-table.ts'
import type { Statement } from '../../tables/database.ts'
import type { BoundTable, KeyColumn } from '../../tables/target.ts'
import { noNewerTombstone, tombstonesId } from '../postgresql/tombstones.ts'

/**
 * The statements that merge staged rows into a mirrored table, with what Greenplum 6 has: no data-modifying WITH, no key
 * column in SET, and ON CONFLICT only where it is asked for. The one rule is in each of them, so running them again changes
 * nothing. One by one they are right only while nobody else writes into the table.
 */

/** One kind of rows at a time, in the order in which the plan of a table gives them. */
export interface Step {
  readonly kind: 'rows' | 'patches' | 'moves' | 'added'
  /** A query for the key as `k0`, `k1`, …, and for `cdc_row`: JSON objects with the members that `columnsShape` or the shape of a document describes. */
  readonly staged: Statement
}

export interface MergeTable extends BoundTable {
  /** The columns beside the key; null where the row lies in `data`. */
  readonly columns: Pick<ColumnsTable, 'values' | 'hasExtra'> | null
  /** `json` or `jsonb`, where the row lies in `data`. */
  readonly dataType: string | null
}

/**
 * What lets the planner write few rows by their keys: the planner of PostgreSQL, which starts faster than GPORCA, and which
 * may then use the index of a key. By default it has neither nested loops nor a price for random access that an index could
 * meet, and reads the whole target for each batch (measured on 6.24.3: 2.7 s against 0.8 s at 600,000 rows).
 * https://docs.vmware.com/en/VMware-Greenplum/6/greenplum-database/ref_guide-config_params-guc-list.html
 */
export const BY_KEY: Readonly<Record<string, string>> = {
  optimizer: 'off',
  enable_nestloop: 'on',
  random_page_cost: '4',
}

const NO_VERSION = sql.raw(`'-9223372036854775808'::bigint`)

/** What one column of the target is set to, by what stands beside the staged row `s`. */
interface Assignment {
  readonly column: Statement
  /** By a whole row. */
  readonly row: Statement
  /** By partial images, over what was before (`x`), or over nothing. */
  patch(guard: Statement, before: Statement | null): Statement
}

/** @param hasOnConflict false for Greenplum 6 */
export function mergeStatements(table: MergeTable, step: Step, hasOnConflict = false): readonly Statement[] {
  const assignments = table.columns === null ? documentOf(table) : columnsOf(table.columns)
  const from = stagedRows(table, step.kind, step.staged)
  switch (step.kind) {
    case 'rows':
      return hasOnConflict ? [upsertRows(table, assignments, from)] : mergeRows(table, assignments, from)
    case 'patches':
      return mergePatches(table, assignments, from)
    case 'moves':
      return mergeMoves(table, assignments, from)
    case 'added':
      return [addRows(table, assignments, from)]
  }
}

/**
 * What hard deletes do: a tombstone is made, or made newer, exactly where the delete is applied, also where there is no
 * row; then the rows go.
 */
export function deleteStatements(
  table: MergeTable,
  staged: Statement,
): { leaveTombstones: Statement[]; removeRows: Statement } {
  const { keys } = table
  const from = stagedRows(table, 'deletes', staged)
  const isNewest = sql`NOT EXISTS (SELECT 1 FROM ${tableId(table)} x WHERE ${sameKey(keys, 'x')} AND x.cdc_version > s.v)`
  return {
    leaveTombstones: [
      sql`UPDATE ${tombstonesId(table)} b SET version = s.v, removed_at = now()
        FROM ${from} WHERE ${sameKey(keys, 'b')} AND b.version <= s.v AND ${isNewest}`,
      sql`INSERT INTO ${tombstonesId(table)} (${columnList(keys)}, version, removed_at)
        SELECT ${parameterKeys(keys)}, s.v, now() FROM ${from}
        WHERE ${isNewest} AND NOT EXISTS (SELECT 1 FROM ${tombstonesId(table)} b WHERE ${sameKey(keys, 'b')})`,
    ],
    removeRows: sql`DELETE FROM ${tableId(table)} x USING ${from} WHERE ${sameKey(keys, 'x')} AND ${isNotOlder}`,
  }
}

const isNotOlder = sql`(x.cdc_version IS NULL OR x.cdc_version <= s.v)`

/** In one statement; a row that is there is found by the index, whatever the planner thinks of it. */
function upsertRows(table: MergeTable, assignments: readonly Assignment[], from: Statement): Statement {
  const columns = [...assignments.map(({ column }) => column), ...ownColumns(table)]
  const values = [...assignments.map(({ row }) => row), ...ownValues(table, sql`coalesce(s.x, false)`)]
  return sql`INSERT INTO ${tableId(table)} AS x (${sql.join([columnList(table.keys), ...columns])})
    SELECT ${sql.join([parameterKeys(table.keys), ...values])} FROM ${from} WHERE ${isAlive(table)}
    ON CONFLICT (${columnList(table.keys)}) DO UPDATE
    SET ${sql.join(columns.map((column) => sql`${column} = excluded.${column}`))}
    WHERE x.cdc_version IS NULL OR excluded.cdc_version >= x.cdc_version`
}

function mergeRows(table: MergeTable, assignments: readonly Assignment[], from: Statement): Statement[] {
  const values = assignments.map(({ row }) => row)
  const isDeleted = sql`coalesce(s.x, false)`
  return [
    update(table, assignments, values, isDeleted, from, isAlive(table)),
    insert(table, assignments, values, isDeleted, from, isAlive(table)),
  ]
}

function mergePatches(table: MergeTable, assignments: readonly Assignment[], from: Statement): Statement[] {
  const guard = sql`coalesce(x.cdc_version, ${NO_VERSION})`
  const tombstoneVersion = table.hasTombstones ? sql`coalesce(t.version, ${NO_VERSION})` : NO_VERSION
  const tombstone = table.hasTombstones ? sql`LEFT JOIN ${tombstonesId(table)} t ON ${sameKey(table.keys, 't')}` : sql``
  const merged = assignments.map(({ column, patch }) => patch(guard, sql`x.${column}`))
  const made = assignments.map(({ patch }) => patch(tombstoneVersion, null))
  return [
    update(table, assignments, merged, sql`false`, from, sql`true`),
    insert(table, assignments, made, sql`false`, sql`${from} ${tombstone}`, sql`${tombstoneVersion} <= s.v`),
  ]
}

/** The row to build on is the one at the old key, if it lives and is not newer; else what stands at the new key. */
function mergeMoves(table: MergeTable, assignments: readonly Assignment[], from: Statement): Statement[] {
  const { keys } = table
  const isCarried = sql`o.${sql.id(keys[0]!.column)} IS NOT NULL`
  const lives = table.hasTombstones ? sql`` : sql` AND o.cdc_deleted IS NOT TRUE`
  const old = sql`${from} LEFT JOIN ${tableId(table)} o ON ${sameKey(keys, 'o', 'o')}
    AND coalesce(o.cdc_version, ${NO_VERSION}) <= s.v${lives}`
  const merged = assignments.map(({ column, patch }) => {
    const before = sql`CASE WHEN ${isCarried} THEN o.${column} ELSE x.${column} END`
    return patch(NO_VERSION, before)
  })
  const made = assignments.map(({ column, patch }) => patch(NO_VERSION, sql`o.${column}`))
  return [
    update(table, assignments, merged, sql`false`, old, isAlive(table)),
    insert(table, assignments, made, sql`false`, old, isAlive(table)),
  ]
}

/** No tombstone is newer than the staged row; where deleted rows stay, their own version says so. */
const isAlive = (table: MergeTable): Statement => (table.hasTombstones ? noNewerTombstone(table) : sql`true`)

const ownColumns = ({ hasTombstones }: MergeTable): Statement[] =>
  hasTombstones ? [sql`cdc_version`] : [sql`cdc_version`, sql`cdc_deleted`]

const ownValues = ({ hasTombstones }: MergeTable, isDeleted: Statement): Statement[] =>
  hasTombstones ? [sql`s.v`] : [sql`s.v`, isDeleted]

/** Of a table without key. */
function addRows(table: MergeTable, assignments: readonly Assignment[], from: Statement): Statement {
  return sql`INSERT INTO ${tableId(table)} (${sql.join([...assignments.map(({ column }) => column), sql`cdc_version`])})
    SELECT ${sql.join([...assignments.map(({ row }) => row), sql`s.v`])} FROM ${from}`
}

/** Of the rows that are there, and not newer. */
function update(
  table: MergeTable,
  assignments: readonly Assignment[],
  values: readonly Statement[],
  isDeleted: Statement,
  from: Statement,
  which: Statement,
): Statement {
  const columns = [...assignments.map(({ column }) => column), ...ownColumns(table)]
  const all = [...values, ...ownValues(table, isDeleted)]
  return sql`UPDATE ${tableId(table)} x SET ${sql.join(columns.map((column, i) => sql`${column} = ${all[i]}`))}
    FROM ${from} WHERE ${sameKey(table.keys, 'x')} AND ${isNotOlder} AND ${which}`
}

/** Of the rows that are not there. */
function insert(
  table: MergeTable,
  assignments: readonly Assignment[],
  values: readonly Statement[],
  isDeleted: Statement,
  from: Statement,
  which: Statement,
): Statement {
  const columns = [columnList(table.keys), ...assignments.map(({ column }) => column), ...ownColumns(table)]
  return sql`INSERT INTO ${tableId(table)} (${sql.join(columns)})
    SELECT ${sql.join([parameterKeys(table.keys), ...values, ...ownValues(table, isDeleted)])} FROM ${from}
    WHERE ${which} AND NOT EXISTS (SELECT 1 FROM ${tableId(table)} x WHERE ${sameKey(table.keys, 'x')})`
}

function documentOf({ dataType }: MergeTable): Assignment[] {
  const as = (value: Statement): Statement => (dataType === 'jsonb' ? value : sql`(${value})::${sql.raw(dataType!)}`)
  // What was before is taken apart in its own type: to cast it would take a function that Greenplum runs on the coordinator only.
  const each = sql.raw(`${dataType}_each`)
  return [
    {
      column: sql`data`,
      row: as(sql`s.d`),
      // Greenplum 6 has no operator that lays one document over another.
      patch: (_, before) =>
        as(sql`(SELECT json_object_agg(coalesce(n.key, b.key), CASE WHEN n.key IS NOT NULL THEN ${as(sql`n.value`)} ELSE b.value END)::jsonb
          FROM jsonb_each(s.d) n FULL JOIN ${each}(coalesce(${before ?? sql`NULL`}, '{}'::${sql.raw(dataType!)})) b ON b.key = n.key)`),
    },
  ]
}

function columnsOf({ values, hasExtra }: NonNullable<MergeTable['columns']>): Assignment[] {
  const extra: Assignment = {
    column: sql`cdc_extra`,
    row: sql`s.e`,
    patch: (guard, before) => patchedExtra(values, before ?? sql`NULL::jsonb`, guard),
  }
  return [...values.map(valueAssignment), ...(hasExtra ? [extra] : [])]
}

function valueAssignment(column: TargetColumn): Assignment {
  const value = stagedValue(column)
  return {
    column: sql.id(column.column),
    row: value,
    patch: (guard, before) =>
      sql`CASE WHEN ${versionOf(pieceOf(sql.lit(column.index)))} >= ${guard} THEN ${value} ELSE ${before ?? sql`NULL`} END`,
  }
}

function stagedValue({ index, castTo }: TargetColumn): Statement {
  const value = sql.id('s', `c${index}`)
  return castTo === null ? value : sql`${value}::${sql.raw(castTo)}`
}

/**
 * Greenplum 6 cannot take names out of a document: it is put together again, of what was before (0) and of what each piece
 * adds. Nothing that a function in FROM is given may be less than immutable (as reading an array from text is), or
 * Greenplum wants to run it on the coordinator, where a subquery of each row cannot be; nor does the subquery hold another
 * one, for Greenplum looks only one level up. (The parentheses are needed: until PostgreSQL 9.5, IS bound tighter than
 * other operators.)
 */
function patchedExtra(values: readonly TargetColumn[], before: Statement, guard: Statement): Statement {
  const columns = JSON.stringify(Object.fromEntries(values.map(({ attribute, index }) => [attribute, index])))
  const column = sql`(${sql.lit(columns)}::jsonb->>l.key)::int`
  return sql`CASE WHEN ${before} IS NULL AND s.e IS NULL THEN NULL ELSE (
    SELECT json_object_agg(l.key, l.value)::jsonb
    FROM generate_series(0, coalesce(jsonb_array_length(s.e), 0)) AS piece,
      jsonb_each(CASE WHEN piece = 0 THEN ${before} ELSE s.e->(piece - 1) END) AS l
    WHERE CASE WHEN piece > 0 THEN ${versionOf(sql`piece`)} >= ${guard}
      ELSE (${versionOf(sql`s.b`)} >= ${guard}) IS NOT TRUE AND (s.n ? l.key) IS NOT TRUE
        AND (${versionOf(pieceOf(column))} >= ${guard}) IS NOT TRUE END
  ) END`
}

/** The number of the piece that gives a column its value; NULL if none does. */
const pieceOf = (column: Statement): Statement => sql`nullif((s.p->>${column})::int, 0)`

const versionOf = (piece: Statement): Statement => sql`(s.pv->>(${piece} - 1))::bigint`

/** `(SELECT … AS k0, … AS c0, …) s`: the members of the staged rows, typed. */
function stagedRows(
  { keys, columns, dataType }: MergeTable,
  kind: Step['kind'] | 'deletes',
  staged: Statement,
): Statement {
  const member = (name: string, type: string): Statement =>
    sql`(r.cdc_row->>${sql.lit(name)})::${sql.raw(type)} AS ${sql.id(name)}`
  const isPatch = (kind === 'patches' || kind === 'moves') && columns !== null
  const values = [
    ...(columns?.values ?? []).map(({ index, travelsAs }) => member(`c${index}`, travelsAs)),
    dataType === null ? sql`r.cdc_row->'e' AS e` : sql`r.cdc_row->'d' AS d`,
  ]
  return sql`(SELECT ${sql.join([
    ...keys.map((_, i) => sql.id('r', `k${i}`)),
    ...(kind === 'moves' ? keys.map(({ travelsAs }: KeyColumn, i) => member(`o${i}`, travelsAs)) : []),
    member('v', 'bigint'),
    ...(kind === 'deletes' ? [] : values),
    ...(kind === 'rows' ? [member('x', 'boolean')] : []),
    ...(isPatch
      ? [sql`r.cdc_row->'p' AS p`, sql`r.cdc_row->'pv' AS pv`, sql`r.cdc_row->'n' AS n`, member('b', 'int')]
      : []),
  ])} FROM ${staged} r) s`
}
