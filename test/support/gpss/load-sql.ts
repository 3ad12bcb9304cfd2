/**
 * The statements of a load. All rows go into a staging table first; at the end they go from there into the target, in
 * the steps of the vendor's own loader gpload: update what matches, forget what matches now, insert the rest. Not with
 * ON CONFLICT: that wants a unique index and refuses duplicates, and so would hide a client that lacks a key, or sends
 * a key twice.
 */
import pg from 'pg'
import type { GpssSettings } from './settings.ts'
import type { Target } from './target.ts'

const id = pg.escapeIdentifier

/** The name that the client's SQL has no reason to use. */
const STAGE = `pg_temp.${id('gpss stage')}`
/** The number of a row in the order of arrival; beside the target's own columns, which have no such names. */
const ARRIVAL = id('(arrival)')
/** The largest arrival of the row's key. */
const LAST = id('(last)')
/** The place of a row among those of its key. */
const CHOICE = id('(choice)')

export function truncateTable(target: Target): string {
  return `TRUNCATE ${table(target)}`
}

/** Types and lengths as the target's, but no constraints: only a value that is not of its type is a bad row. */
export function createStage(target: Target): string {
  return `CREATE TEMP TABLE ${id('gpss stage')} ON COMMIT DROP AS
    SELECT NULL::bigint AS ${ARRIVAL}, ${columns(target)} FROM ${table(target)} WITH NO DATA`
}

/** Parameters: the numbers of the rows, then for each column its values as text. */
export function stageRows(target: Target): string {
  const given = target.columns.map((_, at) => `v${at}`).join(', ')
  const cast = target.columns.map(({ castType }, at) => `v${at}::${castType}`).join(', ')
  const lists = target.columns.map((_, at) => `$${at + 2}::text[]`).join(', ')
  return `INSERT INTO ${STAGE} (${ARRIVAL}, ${columns(target)}) SELECT n, ${cast}
    FROM unnest($1::bigint[], ${lists}) AS given (n, ${given})`
}

export function insertAll(target: Target): string {
  return `INSERT INTO ${table(target)} (${columns(target)}) SELECT ${columns(target)} FROM ${STAGE} ORDER BY ${ARRIVAL}`
}

/** Answers a row if any match columns came twice. */
export function findDuplicate(target: Target): string {
  return `SELECT 1 FROM ${STAGE} GROUP BY ${matchColumns(target)} HAVING count(*) > 1 LIMIT 1`
}

/**
 * In the condition the target is `into_table` and the row of the load `from_table`, as in gpload; a bare name is a
 * column of the target: the innermost FROM holds nothing else.
 */
export function updateMatching(target: Target, duplicates: GpssSettings['duplicates']): string {
  const set = target.updateColumns.map((name) => `${id(name)} = from_table.${id(name)}`).join(', ')
  const condition =
    target.condition === '' ? '' : ` AND EXISTS (SELECT FROM (SELECT into_table.*) AS target WHERE ${target.condition})`
  return `UPDATE ${table(target)} AS into_table SET ${set}
    FROM (${onePerKey(target, duplicates)}) AS from_table WHERE ${matches(target)}${condition}`
}

export function forgetMatching(target: Target): string {
  return `DELETE FROM ${STAGE} AS from_table USING ${table(target)} AS into_table WHERE ${matches(target)}`
}

export function insertRest(target: Target, duplicates: GpssSettings['duplicates']): string {
  return `INSERT INTO ${table(target)} (${columns(target)})
    SELECT ${columns(target)} FROM (${onePerKey(target, duplicates)}) AS from_table`
}

/** One staged row for each key: the first, or any but the last. */
function onePerKey(target: Target, duplicates: GpssSettings['duplicates']): string {
  const order =
    typeof duplicates === 'object'
      ? `${ARRIVAL} = ${LAST}, md5(${ARRIVAL}::text || ${pg.escapeLiteral(String(duplicates.randomSeed))}), ${ARRIVAL}`
      : ARRIVAL
  const key = matchColumns(target)
  return `SELECT ${columns(target)} FROM (
      SELECT *, row_number() OVER (PARTITION BY ${key} ORDER BY ${order}) AS ${CHOICE}
      FROM (SELECT *, max(${ARRIVAL}) OVER (PARTITION BY ${key}) AS ${LAST} FROM ${STAGE}) AS staged
    ) AS ranked WHERE ${CHOICE} = 1`
}

/** Null equals nothing: such a row matches nothing and is inserted each time. */
function matches({ matchColumns }: Target): string {
  return matchColumns.map((name) => `into_table.${id(name)} = from_table.${id(name)}`).join(' AND ')
}

function matchColumns(target: Target): string {
  return target.matchColumns.map(id).join(', ')
}

function columns(target: Target): string {
  return target.columns.map(({ name }) => id(name)).join(', ')
}

function table({ schema, table }: Target): string {
  return `${id(schema)}.${id(table)}`
}
