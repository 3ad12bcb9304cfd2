import { refreshTable, tableNamed } from './catalogue.ts'
import { planDelete, planUpdate, runChanges } from './changes-by-where.ts'
import type { Context, Result } from './context.ts'
import { define } from './definitions.ts'
import { describeTable } from './describe-table.ts'
import { CrateError } from './failure.ts'
import { planInsert, runInserts } from './inserts.ts'
import { lookedUpIds } from './key-lookup.ts'
import { newParameters, type Parameters } from './parameters.ts'
import { planQuery } from './queries.ts'
import { type OutputColumn, openSource, relationScope } from './relations.ts'
import type { Query, Statement, Write } from './syntax.ts'
import { TEXT } from './types.ts'
import type { Value } from './values.ts'

/** A statement with its parameters, looked through and not run yet. */
export interface Plan {
  readonly columns: readonly OutputColumn[] | null
  run(): Result
}

export type ParameterTexts = readonly (string | null)[]

export function isWrite(statement: Statement): statement is Write {
  return statement.kind === 'insert' || statement.kind === 'update' || statement.kind === 'delete'
}

/** @throws CrateError for what CrateDB finds before it runs a statement */
export function plan(statement: Statement, context: Context, parameters: Parameters): Plan {
  switch (statement.kind) {
    case 'select': {
      const { columns, rows } = planQuery(statement.query, context, parameters)
      return { columns, run: () => answer('SELECT', columns, rows()) }
    }
    case 'explain':
      return texts('EXPLAIN', 'QUERY PLAN', () => explain(statement.query, context, parameters))
    case 'insert': {
      const { returning, run } = planInsert(statement, context, parameters)
      return { columns: returning?.map(({ name, compiled }) => ({ name, type: compiled.type })) ?? null, run }
    }
    case 'update':
    case 'delete': {
      const planned =
        statement.kind === 'update'
          ? planUpdate(statement, context, parameters)
          : planDelete(statement, context, parameters)
      return { columns: planned.columns, run: () => planned.run().result }
    }
    case 'show':
      return texts('SHOW', 'setting', () => shown(statement.name, context))
    case 'show-create-table': {
      const table = tableNamed(context.catalogue, statement.name, context.schema, 'SHOW CREATE')
      return texts('SHOW', `SHOW CREATE TABLE ${table.schema}.${table.name}`, () => describeTable(table))
    }
    default:
      return { columns: null, run: () => command(statement, context) }
  }
}

/**
 * N binds of one write before one Sync.
 * @throws CrateError every one of them failed
 */
export function runBulk(write: Write, context: Context, binds: readonly ParameterTexts[]): readonly Result[] {
  const parameters = binds.map((texts) => newParameters(texts.length, texts))
  switch (write.kind) {
    case 'insert':
      return runInserts(parameters.map((one) => planInsert(write, context, one)))
    case 'update':
      return runChanges(
        parameters.map((one) => planUpdate(write, context, one)),
        'UPDATE',
      )
    case 'delete':
      return runChanges(
        parameters.map((one) => planDelete(write, context, one)),
        'DELETE',
      )
  }
}

function answer(verb: string, columns: readonly OutputColumn[], rows: readonly (readonly Value[])[]): Result {
  return { tag: `${verb} ${rows.length}`, columns, rows }
}

function texts(verb: string, name: string, text: () => string): Plan {
  const columns = [{ name, type: TEXT }]
  return { columns, run: () => answer(verb, columns, [[text()]]) }
}

function command(statement: Exclude<Statement, Write>, context: Context): Result {
  switch (statement.kind) {
    case 'refresh':
      for (const name of statement.tables) refreshTable(tableNamed(context.catalogue, name, context.schema, 'REFRESH'))
      return { tag: `REFRESH ${statement.tables.length}`, columns: null, rows: [] }
    case 'set':
      if (statement.value === null) context.variables.delete(statement.name)
      else context.variables.set(statement.name, statement.value)
      return { tag: 'SET 0', columns: null, rows: [] }
    case 'begin':
      return { tag: 'BEGIN', columns: null, rows: [] }
    case 'commit':
      return { tag: 'COMMIT', columns: null, rows: [] }
    case 'nothing':
      return { tag: 'SET 0', columns: null, rows: [] }
    case 'refused':
      throw new CrateError(statement.text)
    case 'select':
    case 'explain':
    case 'show':
    case 'show-create-table':
      throw new Error(`${statement.kind} is no command`)
    default:
      return define(statement, context)
  }
}

const DEFAULT_VARIABLES: Readonly<Record<string, string>> = {
  statement_timeout: '0s',
  insert_select_fail_fast: 'false',
  server_version: '14.0',
  standard_conforming_strings: 'on',
  max_identifier_length: '255',
}

function shown(name: string, context: Context): string {
  if (name === 'search_path') return context.variables.get(name) ?? context.schema
  const value =
    context.variables.get(name) ?? (Object.hasOwn(DEFAULT_VARIABLES, name) ? DEFAULT_VARIABLES[name] : undefined)
  if (value === undefined) throw new CrateError(`Unknown session setting name '${name}'.`)
  return name === 'statement_timeout' ? inLargestUnit(value) : value
}

/** `60000` was set, and `1m` is told. */
function inLargestUnit(value: string): string {
  if (!/^\d+$/.test(value)) return value
  const ms = Number(value)
  const [factor, unit] = UNITS.find(([factor]) => ms % factor === 0)!
  return `${ms / factor}${ms === 0 ? 's' : unit}`
}

const UNITS = [
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
  [1, 'ms'],
] as const

/** `Get` reads by key, `Collect` searches. */
function explain(query: Query, context: Context, parameters: Parameters): string {
  const relation = query.from === null ? null : openSource(query.from, context, parameters)
  if (relation?.table == null) return 'Collect[.empty_row]'
  const scope = relationScope(relation, context, parameters)
  const ids = query.where === null ? null : lookedUpIds(query.where, relation.table, scope)
  const name = `${relation.table.schema}.${relation.table.name}`
  return ids === null ? `Collect[${name}]` : `Get[${name} | ${ids.size} keys]`
}
