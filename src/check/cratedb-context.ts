import { type KyselyPlugin, OperationNodeTransformer, type QueryId, type RawNode } from 'kysely'
import type { Claim, SourceTable } from '../batch.ts'
import { type Change, tableLabel } from '../change.ts'
import { SILENT } from '../observe/log.ts'
import type { Connection } from '../sinks/sql/connection.ts'
import { openCrate } from '../sinks/sql/cratedb/connection.ts'
import { cratedb } from '../sinks/sql/cratedb/dialect.ts'
import type { Layout, TargetTable } from '../sinks/tables/layout.ts'
import { targetTables } from '../sinks/tables/tables.ts'
import type { CheckContext } from './context.ts'
import { StepFailed } from './finding.ts'
import type { Place } from './place.ts'

/** The relay of most checks. */
export const NAME = 'check'

export const claimOf = (name: string): Claim => ({
  relay: { name, stream: { id: 'check', created: '', retentionMs: null }, start: null, settings: {} },
  firstPositions: async () => new Map(),
  takeOver: false,
})

/**
 * Works with a connection as the sink opens it, in which the relay's own tables lie with those of the checks instead of in
 * `cdc_relay`.
 *
 * @throws StepFailed with what the server, or the sink, says
 */
export async function asTheSink<T>(
  context: CheckContext,
  work: (connection: Connection, context: CheckContext) => Promise<T>,
): Promise<T> {
  try {
    const opened = openCrate(context.url, context.login.passwordFile, context.login.env)
    const connection = { ...opened, db: opened.db.withPlugin(movedTo(context.place!)) }
    const state = cratedb.state(connection, SILENT)
    try {
      await state.claim(claimOf(NAME), new AbortController().signal)
      return await work(connection, context)
    } finally {
      await state.close()
      await opened.close()
    }
  } catch (error) {
    throw new StepFailed(`failed: ${(error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 300)}`)
  }
}

/** A table that the sink makes, or finds as it made it. */
export async function learnedTable(
  connection: Connection,
  { schema }: Place,
  layout: Layout,
  known: SourceTable | null,
  changes: readonly Change[],
): Promise<TargetTable> {
  const tables = targetTables({
    catalogue: cratedb.catalogue(connection),
    layoutOf: () => layout,
    rules: { routes: () => null, createTables: 'auto', onSchemaChange: 'add-only', log: SILENT },
    defaultSchema: schema,
    names: cratedb.names,
  })
  await tables.load(NAME)
  const name = changes[0]!.table
  const source = tableLabel(name)
  await tables.learn({ source, name, known, changes })
  return tables.find(source, known)!
}

export async function written({ db }: Connection, table: TargetTable, changes: readonly Change[]): Promise<number> {
  const plan = await table.plan(changes)
  if (plan === null || plan.refused.length > 0) throw new Error(plan?.refused[0]?.detail ?? 'columns are missing')
  return await plan.write(db)
}

function movedTo(place: Place): KyselyPlugin {
  const mover = new SchemaMover(place)
  return {
    transformQuery: ({ node, queryId }) => mover.transformNode(node, queryId),
    transformResult: async ({ result }) => result,
  }
}

class SchemaMover extends OperationNodeTransformer {
  readonly #place: Place

  constructor(place: Place) {
    super()
    this.#place = place
  }

  protected override transformRaw(node: RawNode, queryId?: QueryId): RawNode {
    const moved = super.transformRaw(node, queryId)
    const { schema, prefix } = this.#place
    const sqlFragments = moved.sqlFragments.map((text) =>
      text
        .replaceAll(/"cdc_relay"\."/g, () => `"${schema.replaceAll('"', '""')}"."${prefix}`)
        .replaceAll("'cdc_relay'", () => `'${schema.replaceAll("'", "''")}'`),
    )
    return { ...moved, sqlFragments }
  }
}
