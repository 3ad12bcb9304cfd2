import { type Change, newRow, type Value } from '../../../../change.ts'
import type { ColumnsTable } from '../../../tables/columns-table.ts'
import type { Database } from '../../../tables/database.ts'
import { imagesOf } from '../../../tables/images.ts'
import type { OnRejected } from '../../../tables/layout.ts'
import type { MirrorStatements, RowShape, RowWrite } from '../../../tables/mirror.ts'
import { planMirror } from '../../../tables/mirror.ts'
import type { ValuesAside } from '../../../tables/set-aside.ts'
import type { Planner } from '../../../tables/style.ts'
import { ignoredDocument } from '../documents/documents.ts'
import { isTypedObject } from '../documents/object-codecs.ts'
import { quotedElement } from '../rows/array-literal.ts'
import { fittingKey } from '../rows/index-limits.ts'
import { refusingLone } from '../rows/lone-changes.ts'
import { layOverMoved, mergedElement } from '../rows/partial-images.ts'
import { JSON_TEXT, readBackOf } from '../rows/read-back.ts'
import { refuseTooWide } from '../rows/statements.ts'
import { writeRows } from '../rows/write-rows.ts'
import { plainKeys } from '../rows/written-keys.ts'
import { type CrateRow, MIRRORED, type WrittenColumn, type WrittenTable } from '../rows/written-table.ts'
import { keylessRow, oncePerRecord, originKey } from './keyless.ts'
import { newLook } from './look.ts'
import { documentKey } from './names.ts'
import { type CrateRelation, columnNamed } from './relation.ts'

/** Plans the changes of a table in the layout `columns`. */
export function columnsPlanner(table: ColumnsTable, relation: CrateRelation): Planner<Database> {
  const written = writtenTable(table, relation)
  refuseTooWide(written)
  const look = newLook(relation)
  const shape = columnsShape(table, written, look.onOutdated)
  const statements = columnsStatements(written, table)
  return async (changes) => {
    const plan = await planMirror(table, shape, statements, changes)
    return plan === null ? null : look.of(refusingLone(plan, table.keys, changes))
  }
}

function writtenTable(table: ColumnsTable, relation: CrateRelation): WrittenTable {
  const columns = table.values.map(
    (column): WrittenColumn => ({
      name: column.column,
      travelsAs: column.travelsAs,
      castTo: column.castTo,
      merged: null,
      read: readBackOf(columnNamed(relation, column.column), column),
    }),
  )
  return {
    target: table,
    ...(table.keys.length === 0 ? originKey(relation) : plainKeys(table.keys, relation)),
    columns: table.hasExtra ? [...columns, EXTRA] : columns,
    own: MIRRORED,
  }
}

/** Behind the columns of values: what those cannot hold, by name. */
const EXTRA: WrittenColumn = {
  name: 'cdc_extra',
  travelsAs: 'array(object(ignored))',
  castTo: null,
  merged: 'null',
  read: JSON_TEXT,
}

/** @param onOutdated called when a row was refused for what the table was taken to take */
function columnsShape(table: ColumnsTable, written: WrittenTable, onOutdated: () => void): RowShape<CrateRow> {
  const { eachValue, whyAside, ...images } = imagesOf(table)
  const indexes = new Map(table.values.map(({ attribute, index }) => [attribute, index]))
  const isKey = new Set(table.keys.map(({ attribute }) => attribute))
  const count = written.columns.length

  const objects = table.hasExtra ? table.values.filter(isTypedObject).map(({ index }) => index) : []

  /** Null if the table lacks a column. @param elements to be filled */
  function filled(
    change: Change,
    elements: (string | null | undefined)[],
    onAside: (name: string) => void,
    isLean = false,
  ): typeof elements | null {
    let extra: Record<string, Value> | null = null
    const setAside = (name: string, value: Value): void => {
      extra ??= newRow()
      extra[name] = value
      onAside(name)
    }
    const isHeld = eachValue(
      change,
      ({ attribute, index }, token) => {
        if (isLean && objects.includes(index)) setAside(attribute, change.after![attribute]!)
        else elements[index] = token
      },
      setAside,
    )
    if (!isHeld) return null
    if (extra !== null) elements[count - 1] = quotedElement(ignoredDocument(extra))
    return elements
  }

  /** @param nothing elements of a row that tells what `change` tells, all of it null */
  function withLean(
    row: CrateRow,
    change: Change,
    nothing: () => (string | null | undefined)[],
    aside: ValuesAside,
  ): CrateRow {
    if (objects.every((index) => row.elements[index] == null)) return row
    const lean = {
      row: () => ({ ...row, elements: filled(change, nothing(), () => {}, true)! }),
      onWritten() {
        onOutdated()
        for (const { attribute, index } of table.values)
          if (objects.includes(index) && row.elements[index] != null) aside.add(change, attribute, whyAside(attribute))
      },
    }
    return { ...row, lean }
  }

  function partial({ change, key, from }: Moved | PlacedPatch, aside: ValuesAside): CrateRow | null {
    const nothing = (): (string | null | undefined)[] => {
      const elements = new Array(count).fill(undefined)
      for (const name in change.after!) {
        const index = indexes.get(name)
        if (index !== undefined) elements[index] = null
      }
      return elements
    }
    const elements = nothing()
    const sets = Object.keys(change.after!)
      .filter((name) => !isKey.has(name))
      .map(documentKey)
    if (filled(change, elements, (name) => aside.add(change, name, whyAside(name))) === null) return null
    const row = { key, version: change.version, isDeleted: false, elements, patch: { from, sets }, change }
    return withLean(row, change, nothing, aside)
  }

  return {
    ...images,
    key: (change, key) => fittingKey(images.key(change, key), table.source),
    writesPatchesSeparately: true,
    row(change, key, aside) {
      const onAside = (name: string) => aside.add(change, name, whyAside(name))
      const elements = filled(change, new Array(count).fill(null), onAside)
      if (elements === null) return null
      const row: CrateRow = { key, version: change.version, isDeleted: false, elements, patch: null, change }
      const placed = table.keys.length === 0 ? keylessRow(row, written, change) : row
      return withLean(placed, change, () => new Array(count).fill(null), aside)
    },
    patch: ({ patches }, aside) => partial(patches[0]!, aside),
    move: partial,
    tombstone: ({ version }, key) => ({ key, version, isDeleted: true, elements: NOTHING, patch: null }),
  }
}

type Moved = Parameters<RowShape<CrateRow>['move']>[0]
type PlacedPatch = { readonly change: Change; readonly key: CrateRow['key']; readonly from: CrateRow['key'] | null }

/** A tombstone: everything beside key, version and mark is NULL. */
const NOTHING: readonly never[] = []

function columnsStatements(
  written: WrittenTable,
  { values, hasExtra }: ColumnsTable,
): MirrorStatements<Database, CrateRow> {
  const all = written.columns.map((_, index) => index)
  const upsert =
    (rows: readonly CrateRow[]): RowWrite<Database> =>
    (to, onRejected) =>
      writeRows(to, { table: written, columns: all, rows, onRejected })
  return {
    upsert,
    insert: (rows) => upsert(oncePerRecord(rows)),
    deleteRows: upsert,
    applyPatches: (rows) => (to, onRejected) =>
      applyPatches(to, written, hasExtra ? values.length : null, rows, onRejected),
    applyMoves: (rows) => layOverMoved(written, rows),
  }
}

/**
 * Sets only the columns that an image tells, so rows are not read first: one statement for each set of columns. What lies
 * in `cdc_extra` under a name that the image tells is then taken out, and what its columns cannot hold is put there, in a
 * second statement for the few rows that it matters to. If a crash comes between the two, the batch is written again.
 *
 * @param extra the place of the column `cdc_extra`; null if the table has none
 */
async function applyPatches(
  to: Database,
  table: WrittenTable,
  extra: number | null,
  rows: readonly CrateRow[],
  onRejected: OnRejected | undefined,
): Promise<number> {
  let applied = 0
  const leftovers: CrateRow[] = []
  for (const group of bySetOfColumns(rows, extra)) {
    applied += await writeRows(to, {
      table,
      ...group,
      onRejected,
      asked: extra === null ? [] : [extra],
      onApplied(row, answer) {
        if (extra === null) return
        const held = answer[`c${extra}`]
        const image = row.elements[extra] ?? null
        if (held === null && image === null) return
        const column = table.columns[extra]!
        const element = mergedElement(column, held === null ? null : column.read.element(held), row.patch!, image)
        const elements = table.columns.map((_, index) => (index === extra ? element : undefined))
        leftovers.push({ key: row.key, version: row.version, isDeleted: row.isDeleted, elements, patch: null })
      },
    })
  }
  if (extra !== null) await writeRows(to, { table, columns: [extra], rows: leftovers })
  return applied
}

interface Group {
  readonly columns: readonly number[]
  readonly rows: CrateRow[]
}

function bySetOfColumns(rows: readonly CrateRow[], extra: number | null): Iterable<Group> {
  const groups = new Map<string, Group>()
  for (const row of rows) {
    const columns: number[] = []
    for (let i = 0; i < row.elements.length; i++) if (i !== extra && row.elements[i] !== undefined) columns.push(i)
    const name = columns.join()
    const group = groups.get(name)
    if (group === undefined) groups.set(name, { columns, rows: [row] })
    else group.rows.push(row)
  }
  return groups.values()
}
