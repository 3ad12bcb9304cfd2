import { sql } from 'kysely'
import type { Written } from '../../batch.ts'
import { type SchemaChange, tableLabel } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Log } from '../../observe/log.ts'
import { tableId } from './clauses.ts'
import type { Statement } from './database.ts'
import type { Group } from './planning.ts'
import type { TargetRules } from './rules.ts'
import type { Target } from './target.ts'

/** What happens to the schema changes of a batch, apart from new columns and wider types. */
export interface SchemaPolicy {
  /**
   * Within the transaction, before the rows of the table.
   * @param sweep removes the table's rows that are older than a version; resolves to how many
   */
  beforeRows(group: Group, sweep: (floor: string) => Promise<number>): Promise<void>
  /** With the schema changes in the counts. */
  counted(tables: ReadonlyMap<string, { applied: number; superseded: number }>): Pick<Written, 'tables' | 'skips'>
}

/** Operations that only add or only inform. The others change what the operator's queries rely on, and are not followed. */
const FOLLOWED: ReadonlySet<SchemaChange['op']> = new Set(['create-table', 'drop-table', 'add-column'])

/** @throws RelayError SCHEMA_CHANGE */
export function schemaPolicy(
  { mode, onSchemaChange, onReload, log }: Pick<TargetRules, 'mode' | 'onSchemaChange' | 'onReload' | 'log'>,
  groups: readonly Group[],
): SchemaPolicy {
  const isMirror = mode === 'mirror'
  const isWidening = ({ op, columns }: SchemaChange): boolean =>
    onSchemaChange === 'widen' && op === 'column-type-change' && columns !== undefined
  const isFollowed = (change: SchemaChange): boolean => isMirror && (FOLLOWED.has(change.op) || isWidening(change))
  if (isMirror && onSchemaChange === 'stop') for (const group of groups) refuseOthers(group)

  return {
    async beforeRows({ source, schemaChanges, known }, sweep) {
      const isReload = schemaChanges.some(({ op }) => op === 'drop-table')
      if (!isMirror || !isReload || onReload === 'keep' || known?.floor == null) return
      const rows = await sweep(known.floor)
      if (rows > 0) log.info({ code: 'ROWS_SWEPT', table: source, rows }, 'Removed the rows from before a reload')
    },

    counted(tables) {
      const all = new Map(tables)
      let ignored = 0
      for (const { source, schemaChanges } of groups) {
        if (schemaChanges.length === 0) continue
        const followed = schemaChanges.filter(isFollowed).length
        const { applied, superseded } = tables.get(source) ?? { applied: 0, superseded: 0 }
        all.set(source, { applied: applied + followed, superseded })
        for (const change of schemaChanges) if (isMirror && !isFollowed(change)) say(log, change)
        ignored += schemaChanges.length - followed
      }
      return { tables: all, skips: ignored === 0 ? new Map() : new Map([[SKIPPED, ignored]]) }
    },
  }
}

/** Removes the rows that are older than the floor. */
export const sweep = (table: Target, floor: string): Statement =>
  sql`DELETE FROM ${tableId(table)} WHERE cdc_version IS NULL OR cdc_version < ${sql.lit(floor)}::bigint`

const SKIPPED = 'schema-change-not-followed'

function say(log: Log, { op, table, source }: SchemaChange): void {
  const place = {
    code: 'NOT_FOLLOWED',
    table: tableLabel(table),
    shard: source.shard,
    sequence: source.sequence,
  } as const
  log.warn(place, `The source table had a ${op}, which is not followed: change the target if it should be`)
}

function refuseOthers({ source: table, schemaChanges }: Group): void {
  const first = schemaChanges.find(({ op }) => !FOLLOWED.has(op))
  if (first === undefined) return
  const { shard, sequence } = first.source
  throw new RelayError('SCHEMA_CHANGE', `The source table had a ${first.op}`, { table, shard, sequence })
}
