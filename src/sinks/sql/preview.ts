import type { Batch } from '../../batch.ts'
import { RelayError } from '../../errors.ts'
import { SILENT } from '../../observe/log.ts'
import { claimedSettings } from '../../state/identity.ts'
import type { Preview, PreviewedTable, PreviewedWrite } from '../preview.ts'
import { type Group, groupByTable, learnAndPlan, type TablePlan } from '../tables/planning.ts'
import { DEFAULT_RULES, takesJson } from '../tables/rules.ts'
import { type SchemaPolicy, schemaPolicy } from '../tables/schema-changes.ts'
import { askerOf } from './advice.ts'
import { bySqlState, sqlFailure } from './failures.ts'
import { type LookedTarget, openToLook } from './open-target.ts'
import { sentStatements } from './sent-statements.ts'
import type { Settings, SqlSinkOptions } from './sink-options.ts'

/** What `sqlSink` with the same options would do. */
export function sqlPreview(given: SqlSinkOptions): Preview {
  // What it says of tables that it makes would not be so.
  const options: Settings = { ...DEFAULT_RULES, ...given, log: SILENT }
  let target: LookedTarget | undefined
  const isMirror = options.mode === 'mirror'
  const failure = (error: unknown): unknown =>
    sqlFailure(error, target?.dialect.failures ?? bySqlState, {}, askerOf(options.url, options.env))

  return {
    get refusesNul() {
      return target?.dialect.keepsNul !== true
    },
    refusesHalves: true,
    readsBefore: !isMirror,
    needsKeys: isMirror,
    takesJson: (format) => takesJson(options, format, target?.dialect.takesJson === true),

    async open(given) {
      try {
        target = await openToLook(options)
        const { connection, dialect, tables, preview } = target
        const { name } = given.relay
        const seen = await dialect.lookAt(connection, name)
        const claimed = seen === null ? null : claimedSettings(seen.relay, given, 'use another `--name`')
        if (seen !== null) await tables.load(name)
        const pending = await dialect.pendingSchema(connection)
        return { title: dialect.title, seen, claimed, ownTables: pending.map(preview.catalogue.textOf) }
      } catch (error) {
        throw failure(error)
      }
    },

    async keyColumns(table) {
      try {
        return await requireOpen(target).tables.keyColumns(table)
      } catch (error) {
        throw failure(error)
      }
    },

    async plan(batch) {
      try {
        return await planOf(requireOpen(target), options, batch)
      } catch (error) {
        throw failure(error)
      }
    },

    async close() {
      await target?.connection.close()
    },
  }
}

function requireOpen(target: LookedTarget | undefined): LookedTarget {
  if (target === undefined) throw new Error('the preview must be opened first')
  return target
}

async function planOf(target: LookedTarget, options: Settings, batch: Batch): Promise<readonly PreviewedTable[]> {
  const tables: PreviewedTable[] = []
  for (const group of groupByTable(batch, options.mode === 'mirror')) {
    tables.push(await tableOf(target, options, group))
  }
  return tables
}

async function tableOf(target: LookedTarget, options: Settings, group: Group): Promise<PreviewedTable> {
  const { tables, preview } = target
  const common = { source: group.source, changes: group.changes.length }
  try {
    const policy = schemaPolicy(options, [group])
    const [plan] = await learnAndPlan(tables, [group])
    const { skips } = policy.counted(new Map())
    return {
      ...common,
      definitions: preview.take().map(preview.catalogue.textOf),
      writes: plan === undefined ? [] : await writesOf(target, policy, plan),
      refused: plan?.refused ?? [],
      setAside: plan?.aside.counted() ?? new Map(),
      notFollowed: [...(skips?.values() ?? [])].reduce((sum, count) => sum + count, 0),
      trouble: null,
    }
  } catch (error) {
    const definitions = preview.take().map(preview.catalogue.textOf)
    if (!(error instanceof RelayError)) throw error
    return { ...common, definitions, writes: [], ...NOTHING_WRITTEN, trouble: error }
  }
}

const NOTHING_WRITTEN = { refused: [], setAside: new Map(), notFollowed: 0 } as const

async function writesOf(
  { dialect: { writing } }: LookedTarget,
  policy: SchemaPolicy,
  { table, group, steps }: TablePlan,
): Promise<readonly PreviewedWrite[]> {
  const sent = (work: Parameters<typeof sentStatements>[0]) => sentStatements(work, writing.undoesParts)
  const writes: PreviewedWrite[] = []
  await policy.beforeRows(group, async (floor) => {
    writes.push({ rows: null, statements: await sent((to) => writing.sweep(to, table, floor)) })
    return 0
  })
  for (const { rows, write } of steps) writes.push({ rows, statements: await sent((to) => write(to)) })
  return writes
}
