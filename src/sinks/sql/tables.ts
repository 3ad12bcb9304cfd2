import { sql } from 'kysely'
import { type Change, type TableName, tableLabel } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Log } from '../../observe/log.ts'
import { readRelation } from './catalogue.ts'
import { type Database, inTransaction, limitLockWait } from './connection.ts'
import { keyColumns } from './fit.ts'
import type { WantedKey } from './keys.ts'
import type { Layout, Misfit, Statement, Target, TargetTable } from './layout.ts'
import { targetName } from './names.ts'
import { lockForDdl } from './schema.ts'

export interface TablesOptions {
  readonly db: Database
  readonly layout: Layout
  /** Where the operator wants a table; null: its own name. A schema that is null is the default one. */
  readonly routes: (table: TableName) => TableName | null
  readonly defaultSchema: string
  readonly createTables: 'auto' | 'never'
  readonly log: Log
}

/** What a relay wrote about a table in an earlier run. */
interface Remembered extends Target {
  readonly keys: readonly WantedKey[]
}

/** The target tables of one relay: where each source table goes, made or checked at its first change of a run. */
export interface Tables {
  /** Reads what earlier runs remembered. */
  load(name: string): Promise<void>
  /** Undefined until learned. */
  find(source: string): TargetTable | undefined
  /** Makes the table if it is missing, checks it if it is there. @throws RelayError SINK_TABLE with everything that does not fit */
  learn(sample: Change): Promise<void>
  /** What is known may be wrong: learn again. */
  forget(): void
}

export function targetTables({ db, layout, routes, defaultSchema, createTables, log }: TablesOptions): Tables {
  let relay = ''
  const remembered = new Map<string, Remembered>()
  const known = new Map<string, TargetTable>()

  async function learn(sample: Change): Promise<void> {
    const target = targetOf(sample.table)
    refuseShared(target, remembered.values())
    const keys = refuseSharedColumns(target, layout.keys(sample))
    const before = remembered.get(target.source)
    if (before !== undefined) refuseOtherKeys(before, keys)

    const table = await inTransaction(db, async (trx) => {
      await limitLockWait(trx)
      await lockForDdl(trx)
      const relation = (await readRelation(trx, target.schema, target.name)) ?? (await make(trx, target, keys, before))
      refuseMisfits(target, layout.misfits(target, keys, relation))
      const table = { ...target, keys: keyColumns(keys, relation) }
      await makeBeside(trx, table)
      await remember(trx, table, keys)
      return table
    })
    remembered.set(target.source, { ...target, keys })
    known.set(target.source, table)
  }

  function targetOf(table: TableName): Target {
    const { schema, name } = routes(table) ?? table
    return { source: tableLabel(table), schema: targetName(schema ?? defaultSchema), name: targetName(name) }
  }

  /** Makes a table that is missing, unless the operator wants to, or it was there before: then it is not for us to begin it anew. */
  async function make(trx: Database, target: Target, keys: readonly WantedKey[], before: Remembered | undefined) {
    const statements = [...(await missingSchema(trx, target.schema)), ...layout.create(target, keys)]
    if (createTables === 'never' || (before !== undefined && isSameTarget(before, target))) {
      const why =
        createTables === 'never'
          ? 'is missing, and --create-tables is never'
          : 'is gone, though this relay has written it before, and its rows with it. Restore it; or, to go on with what changes from now on'
      throw new RelayError('SINK_TABLE', `Table ${label(target)} ${why}: ${statements.map(text).join('; ')}`, {
        table: target.source,
      })
    }
    for (const statement of statements) await statement.execute(trx)
    log.info({ source: target.source, table: label(target) }, 'Made a table')
    return (await readRelation(trx, target.schema, target.name))!
  }

  async function missingSchema(trx: Database, schema: string): Promise<Statement[]> {
    const { rows } = await sql`SELECT FROM pg_catalog.pg_namespace WHERE nspname = ${schema}`.execute(trx)
    return rows.length > 0 ? [] : [sql`CREATE SCHEMA ${sql.id(schema)}`]
  }

  async function makeBeside(trx: Database, table: TargetTable): Promise<void> {
    const beside = layout.beside(table)
    if (beside === null || (createTables === 'never' && !beside.needed)) return
    const relation = await readRelation(trx, beside.schema, beside.name)
    if (relation === undefined) await beside.create.execute(trx)
    else refuseMisfits(table, beside.misfits(relation))
  }

  async function remember(trx: Database, target: Target, keys: readonly WantedKey[]): Promise<void> {
    await sql`
      INSERT INTO cdc_relay.tables (name, source, target_schema, target_table, keys)
      VALUES (${relay}, ${target.source}, ${target.schema}, ${target.name}, ${JSON.stringify(keys)}::jsonb)
      ON CONFLICT (name, source) DO UPDATE
      SET target_schema = excluded.target_schema, target_table = excluded.target_table, keys = excluded.keys`.execute(
      trx,
    )
  }

  function refuseMisfits(target: Target, misfits: readonly Misfit[]): void {
    if (misfits.length === 0) return
    const list = misfits.map(({ what, cure }) => `\n  - ${what}${cure === null ? '' : `: ${text(cure)};`}`)
    throw new RelayError('SINK_TABLE', `Table ${label(target)} does not fit what the relay writes:${list.join('')}\n`, {
      table: target.source,
    })
  }

  const text = (statement: Statement): string => statement.compile(db).sql.replace(/\s+/g, ' ')

  return {
    async load(name) {
      relay = name
      remembered.clear()
      known.clear()
      const { rows } = await sql<Remembered>`
        SELECT source, target_schema AS schema, target_table AS name, keys FROM cdc_relay.tables WHERE name = ${name}`.execute(
        db,
      )
      for (const row of rows) remembered.set(row.source, row)
    },
    find: (source) => known.get(source),
    learn,
    forget: () => known.clear(),
  }
}

const label = ({ schema, name }: Target): string => tableLabel({ schema, name })

const isSameTarget = (a: Target, b: Target): boolean => a.schema === b.schema && a.name === b.name

function refuseShared(target: Target, others: Iterable<Target>): void {
  for (const other of others) {
    if (other.source === target.source || !isSameTarget(other, target)) continue
    const detail = `The source tables ${other.source} and ${target.source} would both go to ${label(target)}; give one another target with --table`
    throw new RelayError('SINK_TABLE', detail)
  }
}

function refuseSharedColumns(target: Target, keys: readonly WantedKey[]): readonly WantedKey[] {
  const byColumn = new Map<string, string>()
  for (const { attribute, column } of keys) {
    const other = byColumn.get(column)
    if (other !== undefined) {
      const detail = `The key attributes "${other}" and "${attribute}" would both go to column "${column}"`
      throw new RelayError('SINK_TABLE', detail, { table: target.source })
    }
    byColumn.set(column, attribute)
  }
  return keys
}

function refuseOtherKeys(before: Remembered, keys: readonly WantedKey[]): void {
  const shown = (keys: readonly WantedKey[]): string =>
    keys.map(({ attribute, family }) => `"${attribute}" ${family}`).join(', ')
  if (shown(before.keys) === shown(keys)) return
  const detail = `The key of the table was ${shown(before.keys)}, and is now ${shown(keys)}: a table that was created anew with another key needs another target`
  throw new RelayError('SINK_TABLE', detail, { table: before.source })
}
