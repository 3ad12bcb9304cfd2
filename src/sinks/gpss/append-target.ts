import { sql } from 'kysely'
import { tableLabel } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { tableId } from '../tables/clauses.ts'
import { inferredType, newColumnType } from '../tables/column-types.ts'
import type { Statement } from '../tables/database.ts'
import { alter } from '../tables/mismatches.ts'
import { targetName } from '../tables/names.ts'
import type { Group } from '../tables/planning.ts'
import type { Target } from '../tables/target.ts'
import { type AppendRows, appendRows, type Lacking } from './append.ts'
import type { GpssColumn } from './columns.ts'
import { makeProbe } from './probe.ts'
import type { GpssTables, LoadPlan, LoadTarget } from './target.ts'

/** One row for each change. A table that is missing is made with one column `data`, for the whole change record. */
export function appendTarget(tables: GpssTables): LoadTarget {
  const { gpss, catalogue, defaultSchema } = tables
  const { routes, createTables } = tables.rules
  const logs = new Map<string, AppendRows>()

  function targetOf({ source, name: table }: Group): Target {
    const { schema, name } = routes(table) ?? table
    return { source, schema: targetName(schema ?? defaultSchema), name: targetName(name) }
  }

  async function describeOrCreate(target: Target): Promise<readonly GpssColumn[]> {
    const columns = await gpss.describe(target)
    if (columns !== null) return columns
    const create = sql`CREATE TABLE ${tableId(target)} (data json)`
    const isInPublic = target.schema === 'public'
    const statements = [...(isInPublic ? [] : [sql`CREATE SCHEMA ${sql.id(target.schema)}`]), create]
    const place = { table: target.source }
    if (createTables === 'never') {
      const detail = `Table ${tableLabel(target)} is missing, and --create-tables is never: ${catalogue.textOf(create)}`
      throw new RelayError('SINK_TABLE', detail, place)
    }
    await catalogue.run(statements)
    const made = await gpss.describe(target)
    if (made !== null) return made
    const detail = `Table ${tableLabel(target)} was made, but GPSS does not find it under this name. Name another with --table ${target.source}=NAME, in lower case`
    throw new RelayError('SINK_TABLE', detail, place)
  }

  return {
    laneOf(group) {
      const { schema, name } = targetOf(group)
      // GPSS may take names that differ in case for one.
      return JSON.stringify([schema, name]).toLowerCase()
    },

    async prepare(group) {
      if (group.changes.length === 0) return
      const target = targetOf(group)
      const log = appendRows(target, await describeOrCreate(target))
      const lacking = log.lacking(group.changes)
      if (lacking.size > 0) {
        const names = [...lacking.keys()].map((name) => `"${name}"`).join(', ')
        const detail = `Table ${tableLabel(target)} lacks what the source has, ${names}: ${catalogue.textOf(addColumns(target, lacking))}`
        throw new RelayError('SINK_TABLE', detail, { table: target.source })
      }
      logs.set(group.source, log)
    },
    plan: async ({ source }, changes) =>
      changes.length === 0 ? NOTHING : ((await logs.get(source)?.plan(changes)) ?? null),
    // A log has a row for everything that is done to it.
    planNothing: async () => null,
    makeProbe: (group) => makeProbe(tables, targetOf(group)),
    forget: () => logs.clear(),
  }
}

const NOTHING: LoadPlan = { load: null, applied: 0, refused: [], setAside: new Map() }

function addColumns(target: Target, lacking: ReadonlyMap<string, Lacking>): Statement {
  const columns = Array.from(lacking, ([attribute, { value, given }]) => {
    const type = newColumnType(inferredType([value], given) ?? 'text', false)
    return sql`ADD COLUMN ${sql.id(targetName(attribute))} ${sql.raw(type)}`
  })
  return alter(target, sql.join(columns))
}
