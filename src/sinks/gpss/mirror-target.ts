import type { JsonSpan } from '../../change.ts'
import type { MergeTable } from '../sql/greenplum/merge.ts'
import { postgresStyle } from '../sql/postgresql/tables.ts'
import { TYPES_IN_DEFAULT_COLLATION } from '../tables/column-types.ts'
import { columnsMirror } from '../tables/columns.ts'
import { columnsShape } from '../tables/columns-shape.ts'
import { documentMirror, documentShape } from '../tables/document.ts'
import type { Layout } from '../tables/layout.ts'
import { type MirrorStatements, planMirror } from '../tables/mirror.ts'
import { movedAndRenamed } from '../tables/mismatches.ts'
import { isReservedInGreenplum, targetName } from '../tables/names.ts'
import { DATA } from '../tables/own-columns.ts'
import { refusing, unsureSets } from '../tables/refused-values.ts'
import { layoutFor, type TargetRules } from '../tables/rules.ts'
import { sweep } from '../tables/schema-changes.ts'
import type { TableDialect } from '../tables/style.ts'
import { targetTables } from '../tables/tables.ts'
import { longestSets } from '../tables/too-large.ts'
import { createStage, Stage, stageOf } from './stage.ts'
import type { GpssTables, LoadTarget } from './target.ts'

/**
 * Keeps tables equal to the source's: rows are staged, and merged by the SQL behind the load. Deletes are soft: a
 * table of tombstones would have to change in one step with the target, and what GPSS documents does not promise that.
 */
export function mirrorTarget({ relay, catalogue, defaultSchema, rules }: GpssTables): LoadTarget {
  const tables = targetTables({
    catalogue,
    defaultSchema,
    rules,
    names: { schema: targetName, table: targetName, isReserved: isReservedInGreenplum, takeAlong: movedAndRenamed },
    layoutOf: layoutsOf(rules),
  })
  const staged = new Set<string>()
  const run = String(Date.now()).padStart(15, '0')
  let loads = 0

  /** Sorts behind all loads before it, also those of an earlier run. */
  const nextLoad = (): string => `${run}${String(++loads).padStart(12, '0')}`

  return {
    // A mirror has the rows of one source only.
    laneOf: ({ source }) => source,

    async prepare(group) {
      if (tables.find(group.source, group.known) === undefined || group.changes.length > 0) await tables.learn(group)
      const table = tables.find(group.source, group.known)
      if (table === undefined) return
      const stage = stageOf(relay, table)
      if (!staged.has(stage.name)) {
        const isThere = (await catalogue.look(stage.schema, stage.name)) !== undefined
        if (!isThere) await catalogue.run([createStage(stage)])
        staged.add(stage.name)
      }
      const isReload = group.schemaChanges.some(({ op }) => op === 'drop-table')
      if (isReload && rules.onReload === 'sweep' && group.known?.floor != null) {
        await catalogue.run([sweep(table, group.known.floor)])
      }
    },

    async plan({ source, known }, changes, isRepeat, refuses) {
      const table = tables.find(source, known)
      const plan = await table?.plan(changes, refuses)
      if (plan == null) return null
      const stage = new Stage(relay, nextLoad())
      const applied = await plan.write(stage)
      // Rows without a key would be there twice: their batch is loaded again.
      const leftovers = isRepeat || table!.keys.length === 0 ? 'drop' : 'merge'
      return { load: stage.finish(leftovers), applied, refused: plan.refused, setAside: plan.aside.counted() }
    },

    *suspects({ source, known }, change, isTooLarge) {
      const table = tables.find(source, known)
      if (table === undefined) return
      yield* unsureSets(table.unsure ?? [], change)
      if (isTooLarge) yield* longestSets(table.longestFirst?.(change) ?? [])
    },

    async planNothing({ source, known, changes }) {
      const plan = await tables.find(source, known)?.plan(changes)
      const stage = new Stage(relay, nextLoad())
      await plan?.writeNothing?.(stage)
      return stage.finish('drop')
    },

    forget() {
      tables.forget()
      staged.clear()
    },
  }
}

function layoutsOf(rules: TargetRules): (hasDefinition: boolean) => Layout<Stage> {
  const columns = columnsMirror(STAGED, rules.declaredTypes)
  const document = documentMirror(STAGED)
  return (hasDefinition) => (layoutFor(rules, hasDefinition) === 'columns' ? columns : document)
}

const STAGED: TableDialect<Stage> = {
  ...postgresStyle('soft'),
  ...TYPES_IN_DEFAULT_COLLATION,
  columns(table) {
    const shape = columnsShape(table)
    const statements = staging({ ...table, columns: table, dataType: null })
    return (changes, refuses) =>
      planMirror(table, refuses === undefined ? shape : columnsShape(refusing(table, refuses)), statements, changes)
  },
  document(table, relation) {
    const dataType = relation.columns.find(({ name }) => name === DATA.name)?.baseType ?? 'jsonb'
    const shape = documentShape(table)
    const statements = staging({ ...table, columns: null, dataType })
    return (changes) => planMirror(table, shape, statements, changes)
  },
}

/** Every statement of a plan is a part of the load. */
function staging(table: MergeTable): MirrorStatements<Stage, JsonSpan> {
  const part = (kind: 'rows' | 'patches' | 'moves' | 'added') => (rows: readonly JsonSpan[]) => async (stage: Stage) =>
    stage.add(table, kind, rows)
  return {
    upsert: part('rows'),
    applyPatches: part('patches'),
    applyMoves: part('moves'),
    insert: part('added'),
    // Deleted rows stay, marked: they come with the others.
    deleteRows: part('rows'),
  }
}
