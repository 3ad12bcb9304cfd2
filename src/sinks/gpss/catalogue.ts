import { sql } from 'kysely'
import { tableLabel } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Catalogue, TableWork } from '../tables/catalogue.ts'
import type { Statement } from '../tables/database.ts'
import { DELETED, EXTRA, VERSION } from '../tables/own-columns.ts'
import type { Column, Relation } from '../tables/relation.ts'
import type { Target } from '../tables/target.ts'
import type { GpssColumn } from './columns.ts'
import type { Gpss } from './connection.ts'
import { RowEncoder } from './rows.ts'
import type { GpssTable } from './session.ts'
import { doBlock, setWhereKnown, sqlText } from './sql-text.ts'
import { createStage, STAGE_COLUMNS } from './stage.ts'
import { typeOfColumn } from './types-of-columns.ts'
import { isKnownType } from './values.ts'

/**
 * The one table that an operator makes by hand. GPSS runs SQL only in front of a load and behind it, so there must be
 * something to load into before the first table can be made.
 */
export const DDL_TABLE: GpssTable = { schema: 'cdc_relay', name: 'stage' }

export interface GpssCatalogue extends Catalogue {
  /** Runs statements in one transaction. @throws RelayError SINK_TABLE if there is nothing to load into */
  run(statements: readonly Statement[]): Promise<void>
}

/**
 * The catalogue of a Greenplum database as GPSS shows it: columns, but no keys. Nothing is remembered there; what a table has
 * beside our own columns, the source has had.
 */
export function gpssCatalogue(gpss: Gpss): GpssCatalogue {
  async function look(schema: string, name: string): Promise<Relation | undefined> {
    const columns = await gpss.describe({ schema, name })
    return columns === null ? undefined : { kind: null, columns: columns.map(columnOf), uniques: null, foreignKeys: [] }
  }

  async function run(statements: readonly Statement[]): Promise<void> {
    if ((await gpss.describe(DDL_TABLE)) === null) throw ddlTableMissing()
    const encoder = new RowEncoder(STAGE_COLUMNS.map(([, , member]) => member))
    encoder.add([0, 'ddl', ''])
    const load = {
      table: DDL_TABLE,
      columns: STAGE_COLUMNS.map(([column]) => column),
      rows: encoder.finish(),
      preSql: statements.map(onceOnly).join(';\n'),
      postSql: sqlText([sql`DELETE FROM ${sql.id(DDL_TABLE.schema, DDL_TABLE.name)}`]),
    }
    const outcome = await gpss.load(load).catch((error: unknown) => {
      // The table of the load is ours, and says nothing of what was refused.
      throw error instanceof RelayError ? error.at({ sql: statements.map(headOf).join('; ') }) : error
    })
    if (outcome.kind === 'unknown') throw outcome.failure
  }

  const lacksSchema = async (schema: string): Promise<boolean> => schema !== 'public'

  async function work<T>(work: (table: TableWork) => Promise<T>): Promise<T> {
    let hasRun = false
    let seen = ''
    return await work({
      lacksSchema,
      remember: async () => {},
      async look(schema, name) {
        const relation = await look(schema, name)
        // A table is looked at, made if it is missing, and looked at again.
        if (relation === undefined && hasRun && seen === `${schema}.${name}`) throw folded(schema, name)
        seen = `${schema}.${name}`
        return relation
      },
      async run(statements) {
        await run(statements)
        hasRun = true
      },
    })
  }

  return {
    load: async () => [],
    look,
    run,
    work,
    lacksSchema,

    async columnsBefore({ schema, name }: Target) {
      const own = new Set([VERSION, DELETED, EXTRA].map((column) => column.name))
      const relation = await look(schema, name)
      const names = relation?.columns.map((column) => column.name).filter((column) => !own.has(column)) ?? []
      return names.map((column) => ({ attribute: column, column }))
    },

    textOf: asOperatorsRun,
  }
}

function columnOf({ name, declared, type, modifier, nullable }: GpssColumn): Column {
  const underlying = { name: type, sql: isKnownType(type) ? type : typeOfColumn(name), modifier, kind: 'b' }
  // GPSS does not tell whether something fills a column: what nothing fills, the load refuses.
  const rest = { notNull: nullable === false, filled: true, generated: null, collation: null }
  return { name, type: declared, baseType: type, modifier, underlying, ...rest }
}

/** Someone else, or a load whose answer was lost, may have done it already. */
function onceOnly(statement: Statement): string {
  const text = sqlText([statement])
  const isDone = ['duplicate_table', 'duplicate_column', 'duplicate_object', 'duplicate_schema', 'unique_violation']
  // The right to make schemas is asked for before it is seen that there is one.
  if (text.startsWith('CREATE SCHEMA')) isDone.push('insufficient_privilege')
  return doBlock(
    `BEGIN\n${setWhereKnown(MAKES_HEAPS)};\n${text};\nEXCEPTION WHEN ${isDone.join(' OR ')} THEN NULL;\nEND`,
  )
}

/**
 * A mirror is a heap, whatever the database makes by default: append-optimised tables have no unique index, and bear updates
 * badly. Greenplum 6 has it in one of its settings, 7 and Cloudberry in PostgreSQL's.
 */
const MAKES_HEAPS = { gp_default_storage_options: 'appendonly=false', default_table_access_method: 'heap' }

/** In a session of the operator's nothing is set; and only a table without key may be append-optimised. */
function asOperatorsRun(statement: Statement): string {
  const text = sqlText([statement])
  return /^CREATE TABLE .*\bPRIMARY KEY\b/s.test(text) ? `${text} WITH (appendonly = false)` : text
}

/** What a statement does, and to what: `CREATE TABLE "landing"."orders"`. */
const headOf = (statement: Statement): string => sqlText([statement]).split(/ \(| AS |\n/, 1)[0]!

function folded(schema: string, name: string): RelayError {
  const detail = `Table ${tableLabel({ schema, name })} was made, but GPSS does not find it under this name. Name another with --table, in lower case`
  return new RelayError('SINK_TABLE', detail)
}

/** With what the operator has to run. */
export function ddlTableMissing(): RelayError {
  const statements = sqlText([sql`CREATE SCHEMA IF NOT EXISTS ${sql.id(DDL_TABLE.schema)}`, createStage(DDL_TABLE)])
  const detail = `GPSS can make tables only while it loads into one, and there is none yet. Run this once in the database: ${statements.replaceAll(/\s+/g, ' ')}`
  return new RelayError('SINK_TABLE', detail)
}
