import { sql } from 'kysely'
import { columnList, parameterKeys, sameKey, tableId } from '../sql/clauses.ts'
import type { ColumnsTable, TargetColumn } from '../sql/columns-shape.ts'
import type { BoundTable, KeyColumn, Statement } from '../sql/layout.ts'

/**
 * The statements that merge staged rows into a mirrored table, with what Greenplum 6 has: no ON CONFLICT, no data-modifying
 * WITH, no key column in SET. The one rule is in each of them, so running them again changes nothing.
 */

/** One kind of rows at a time, in the order in which the plan of a table gives them. */
export interface Step {
  readonly kind: 'rows' | 'patches' | 'moves' | 'added'
  /** Staged rows: text of JSON objects with the members that `columnsShape` or the shape of a document describes. */
  readonly staged: Statement
}

export interface MergeTable extends BoundTable {
  /** The columns beside the key; null where the row lies in `data`. */
  readonly columns: Pick<ColumnsTable, 'values' | 'hasExtra'> | null
  /** `json` or `jsonb`, where the row lies in `data`. */
  readonly dataType: string | null
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

export function mergeStatements(table: MergeTable, { kind, staged }: Step): readonly Statement[] {
  const assignments = table.columns === null ? documentOf(table) : columnsOf(table.columns)
  const from = stagedRows(table, kind, staged)
  switch (kind) {
    case 'rows':
      return mergeRows(table, assignments, from)
    case 'patches':
      return mergePatches(table, assignments, from)
    case 'moves':
      return mergeMoves(table, assignments, from)
    case 'added':
      return [addRows(table, assignments, from)]
  }
}

const isNotOlder = sql`(x.cdc_version IS NULL OR x.cdc_version <= s.v)`

function mergeRows(table: MergeTable, assignments: readonly Assignment[], from: Statement): Statement[] {
  const set = assignments.map(({ column, row }) => sql`${column} = ${row}`)
  return [
    sql`UPDATE ${tableId(table)} x
      SET ${sql.join([...set, sql`cdc_version = s.v`, sql`cdc_deleted = coalesce(s.x, false)`])}
      FROM ${from} WHERE ${sameKey(table.keys, 'x')} AND ${isNotOlder}`,
    insert(
      table,
      assignments,
      assignments.map(({ row }) => row),
      sql`coalesce(s.x, false)`,
      from,
    ),
  ]
}

function mergePatches(table: MergeTable, assignments: readonly Assignment[], from: Statement): Statement[] {
  const guard = sql`coalesce(x.cdc_version, ${NO_VERSION})`
  const set = assignments.map(({ column, patch }) => sql`${column} = ${patch(guard, sql`x.${column}`)}`)
  return [
    sql`UPDATE ${tableId(table)} x SET ${sql.join([...set, sql`cdc_version = s.v`, sql`cdc_deleted = false`])}
      FROM ${from} WHERE ${sameKey(table.keys, 'x')} AND ${isNotOlder}`,
    insert(
      table,
      assignments,
      assignments.map(({ patch }) => patch(NO_VERSION, null)),
      sql`false`,
      from,
    ),
  ]
}

/** The row to build on is the one at the old key, if it lives and is not newer; else what stands at the new key. */
function mergeMoves(table: MergeTable, assignments: readonly Assignment[], from: Statement): Statement[] {
  const { keys } = table
  const isCarried = sql`o.${sql.id(keys[0]!.column)} IS NOT NULL`
  const old = sql`LEFT JOIN ${tableId(table)} o ON ${sameKey(keys, 'o', 'o')}
    AND coalesce(o.cdc_version, ${NO_VERSION}) <= s.v AND o.cdc_deleted IS NOT TRUE`
  const set = assignments.map(({ column, patch }) => {
    const before = sql`CASE WHEN ${isCarried} THEN o.${column} ELSE x.${column} END`
    return sql`${column} = ${patch(NO_VERSION, before)}`
  })
  const made = assignments.map(({ column, patch }) => patch(NO_VERSION, sql`o.${column}`))
  return [
    sql`UPDATE ${tableId(table)} x SET ${sql.join([...set, sql`cdc_version = s.v`, sql`cdc_deleted = false`])}
      FROM ${from} ${old} WHERE ${sameKey(keys, 'x')} AND ${isNotOlder}`,
    insert(table, assignments, made, sql`false`, sql`${from} ${old}`),
  ]
}

/** Of a table without key. */
function addRows(table: MergeTable, assignments: readonly Assignment[], from: Statement): Statement {
  return sql`INSERT INTO ${tableId(table)} (${sql.join([...assignments.map(({ column }) => column), sql`cdc_version`])})
    SELECT ${sql.join([...assignments.map(({ row }) => row), sql`s.v`])} FROM ${from}`
}

/** Of the rows that are not there. */
function insert(
  table: MergeTable,
  assignments: readonly Assignment[],
  values: readonly Statement[],
  isDeleted: Statement,
  from: Statement,
): Statement {
  const columns = [columnList(table.keys), ...assignments.map(({ column }) => column)]
  return sql`INSERT INTO ${tableId(table)} (${sql.join([...columns, sql`cdc_version`, sql`cdc_deleted`])})
    SELECT ${sql.join([parameterKeys(table.keys), ...values, sql`s.v`, isDeleted])} FROM ${from}
    WHERE NOT EXISTS (SELECT 1 FROM ${tableId(table)} x WHERE ${sameKey(table.keys, 'x')})`
}

function documentOf({ dataType }: MergeTable): Assignment[] {
  const as = (value: Statement): Statement => (dataType === 'jsonb' ? value : sql`(${value})::${sql.raw(dataType!)}`)
  return [
    {
      column: sql`data`,
      row: as(sql`s.d`),
      // Greenplum 6 has no operator that lays one document over another.
      patch: (_, before) =>
        as(sql`(SELECT json_object_agg(coalesce(n.key, b.key), CASE WHEN n.key IS NOT NULL THEN n.value ELSE b.value END)::jsonb
          FROM jsonb_each(s.d) n FULL JOIN jsonb_each(coalesce(${before === null ? sql`NULL` : sql`(${before})::jsonb`}, '{}'::jsonb)) b
            ON b.key = n.key)`),
    },
  ]
}

function columnsOf({ values, hasExtra }: NonNullable<MergeTable['columns']>): Assignment[] {
  const names = values.map(({ attribute }) => attribute)
  const extra: Assignment = {
    column: sql`cdc_extra`,
    row: sql`s.e`,
    patch: (guard, before) => patchedExtra(names, before ?? sql`NULL::jsonb`, guard),
  }
  return [...values.map(valueAssignment), ...(hasExtra ? [extra] : [])]
}

function valueAssignment(column: TargetColumn): Assignment {
  const value = stagedValue(column)
  return {
    column: sql.id(column.column),
    row: value,
    patch: (guard, before) =>
      sql`CASE WHEN s.pv[s.p[${sql.lit(column.index + 1)}]] >= ${guard} THEN ${value} ELSE ${before ?? sql`NULL`} END`,
  }
}

function stagedValue({ index, castTo }: TargetColumn): Statement {
  const value = sql.id('s', `c${index}`)
  return castTo === null ? value : sql`${value}::${sql.raw(castTo)}`
}

/** Greenplum 6 cannot take names out of a document: it is put together anew. */
function patchedExtra(names: readonly string[], before: Statement, guard: Statement): Statement {
  const isSet = sql`EXISTS (SELECT 1 FROM json_array_elements_text(${sql.lit(JSON.stringify(names))}::json) WITH ORDINALITY AS name(value, number)
    WHERE name.value = b.key AND s.pv[s.p[name.number]] >= ${guard})`
  const pieces = sql`SELECT e.key, e.value FROM generate_subscripts(s.pv, 1) AS piece, jsonb_each(s.e->(piece - 1)) e
    WHERE s.pv[piece] >= ${guard}`
  return sql`CASE WHEN ${before} IS NULL AND s.e IS NULL THEN NULL ELSE (
    SELECT json_object_agg(l.key, l.value)::jsonb FROM (
      ${pieces} UNION ALL
      SELECT b.key, b.value FROM jsonb_each(${before}) b
      WHERE s.pv[s.b] >= ${guard} IS NOT TRUE AND NOT ${isSet} AND s.n ? b.key IS NOT TRUE
        AND NOT EXISTS (SELECT 1 FROM (${pieces}) new WHERE new.key = b.key)
    ) l) END`
}

/** `(SELECT … AS k0, … AS c0, …) s`: the members of the staged rows, typed. */
function stagedRows({ keys, columns, dataType }: MergeTable, kind: Step['kind'], staged: Statement): Statement {
  const member = (name: string, type: string): Statement =>
    sql`(r.j->>${sql.lit(name)})::${sql.raw(type)} AS ${sql.id(name)}`
  const keyMembers = (letter: string): Statement[] =>
    keys.map(({ travelsAs }: KeyColumn, i) => member(`${letter}${i}`, travelsAs))
  const list = (name: string, type: string): Statement =>
    sql`translate(r.j->>${sql.lit(name)}, '[]', '{}')::${sql.raw(type)}[] AS ${sql.id(name)}`
  const isPatch = (kind === 'patches' || kind === 'moves') && columns !== null
  return sql`(SELECT ${sql.join([
    ...keyMembers('k'),
    ...(kind === 'moves' ? keyMembers('o') : []),
    ...(columns?.values ?? []).map(({ index, travelsAs }) => member(`c${index}`, travelsAs)),
    member('v', 'bigint'),
    ...(kind === 'rows' ? [member('x', 'boolean')] : []),
    ...(dataType === null ? [sql`r.j->'e' AS e`] : [sql`r.j->'d' AS d`]),
    ...(isPatch ? [list('p', 'int'), list('pv', 'bigint'), sql`r.j->'n' AS n`, member('b', 'int')] : []),
  ])} FROM (SELECT staged.cdc_row::jsonb AS j FROM ${staged} staged) r) s`
}
