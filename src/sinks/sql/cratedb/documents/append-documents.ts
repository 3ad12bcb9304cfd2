import { type Change, type DeadLetter, newRow, type Row, type Value } from '../../../../change.ts'
import type { Database } from '../../../tables/database.ts'
import type { Additions, Mismatch, Plan } from '../../../tables/layout.ts'
import type { Key } from '../../../tables/mirror.ts'
import { NOTHING_ASIDE } from '../../../tables/set-aside.ts'
import { inSlices } from '../../../tables/slices.ts'
import type { Target } from '../../../tables/target.ts'
import { writeRows } from '../rows/write-rows.ts'
import type { CrateRow, WrittenTable } from '../rows/written-table.ts'
import { newLook } from '../tables/look.ts'
import { AUX, DATA } from '../tables/own-columns.ts'
import { type CrateRelation, columnNamed, primaryKeyOf } from '../tables/relation.ts'
import { wrongObject } from '../tables/tables.ts'
import { documentColumns, keepsAll } from './document-columns.ts'

/**
 * The log in a table of one column, `data OBJECT(…)`, without key: there lie the whole change records
 * (docs/change-record.md). Beside OBJECT(DYNAMIC) fields that it would not keep as they are lie in `aux`; the rows of a
 * batch that is written again are there again.
 */
export const isDocumentLog = (relation: CrateRelation): boolean =>
  primaryKeyOf(relation) === null &&
  columnNamed(relation, DATA.name)?.dataType === 'object' &&
  relation.columns.every(({ name }) => name === DATA.name || name === AUX.name)

export const documentLog = {
  /** Without it, a record that does not fit is a dead letter. */
  additions(relation: CrateRelation): Additions {
    const isMissing = !keepsAll(relation) && columnNamed(relation, AUX.name) === undefined
    return { own: [], optional: isMissing ? [AUX] : [], columns: [] }
  },

  mismatches(relation: CrateRelation): readonly Mismatch[] {
    const isStrict = columnNamed(relation, DATA.name)!.policy === 'strict'
    const what = 'column "data" is OBJECT(STRICT), which takes no attributes that it does not know'
    return [...(isStrict ? [{ what, fix: null }] : []), ...wrongObject(AUX.name, relation)]
  },

  planner(target: Target, relation: CrateRelation): (changes: readonly Change[]) => Promise<Plan<Database>> {
    const { columns, elementsOf } = documentColumns(relation, [])
    const hasAux = columnNamed(relation, AUX.name) !== undefined
    const written = columns.filter(({ name }) => name === DATA.name || hasAux)
    const own = { version: null, mark: null, stands: 'first' } as const
    const table: WrittenTable = { target, keys: [], keyColumns: [], columns: written, own }
    const look = newLook(relation)
    const indexes = written.map((_, i) => i)
    return async (changes) => {
      const rows: CrateRow[] = []
      const refused: DeadLetter[] = []
      await inSlices(changes, (slice) => {
        for (const change of slice) {
          const elements = elementsOf(recordOf(change))
          if (elements.slice(written.length).some((element) => element !== null)) refused.push(unfit(change))
          else rows.push({ key: NO_KEY, version: change.version, isDeleted: false, elements, patch: null, change })
        }
      })
      const write: Plan<Database>['write'] = (to, onRejected) =>
        writeRows(to, { table, columns: indexes, rows, onRejected })
      return look.of({ refused, aside: NOTHING_ASIDE, write, steps: [{ rows: rows.length, write }] })
    }
  },
}

const NO_KEY: Key = { text: '', tokens: [] }

function unfit(change: Change): DeadLetter {
  const detail =
    'Column "data" would not keep the change record as it is, and there is no column aux for the rest: ALTER TABLE … ADD COLUMN aux OBJECT(IGNORED)'
  return { kind: 'dead-letter', code: 'SINK_REFUSED', detail, change, source: change.source }
}

/** The change record, without members that are absent. */
function recordOf(change: Change): Row {
  const { kind, op, table, key, before, after, complete, version, time, transaction, expired, source } = change
  const head = { kind, op, table, key, before, after, complete, version, time, transaction, expired }
  return present({ ...head, source: present(source) })
}

function present(fields: object): Row {
  const row = newRow()
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) row[name] = value as Value
  return row
}
