import type { Database, Statement } from '../../../tables/database.ts'
import type { OnRejected } from '../../../tables/layout.ts'
import { blameFor, LoneRefusal, mayBeOfRow, wantsSmallerBatch } from '../failures.ts'
import { missingRows, requireSuperseded } from './missing-rows.ts'
import { type Answer, keyTextOf, selectVersion, upsert, upsertOne } from './statements.ts'
import type { CrateRow, WrittenTable } from './written-table.ts'

/** CrateDB reads array parameters with a parser for grammars: more rows or characters do not make it faster. */
const MOST_ROWS = 5_000
const MOST_CHARACTERS = 4 * 1024 * 1024

/** What is to be written, and how. */
export interface RowsToWrite {
  readonly table: WrittenTable
  /** The columns of the table that all of the rows tell. */
  readonly columns: readonly number[]
  /** No two of one key. */
  readonly rows: readonly CrateRow[]
  /** Columns that the answer is to have. */
  readonly asked?: readonly number[]
  /** Called for each row that was applied. */
  onApplied?(row: CrateRow, answer: Answer): void
  /** Called for a row that is refused, if its change is known; others the caller finds by writing again. */
  readonly onRejected?: OnRejected | undefined
}

/** Resolves to how many rows were applied; the others were superseded. @throws what CrateDB says to one that it cannot write */
export async function writeRows(to: Database, what: RowsToWrite): Promise<number> {
  let applied = 0
  for (const rows of cut(what.rows)) applied += await writePart(to, { ...what, rows })
  return applied
}

/**
 * A row that fails is missing in the answer, without a reason; so are healthy ones whose shard did not answer. They are
 * written once more, and those that fail again each alone, so that CrateDB says why. What is written already is not
 * written twice: a version that is there is not newer than itself. In a table without key only those that failed are sent
 * again, and what is refused must go to `onRejected`: thrown, it would have the whole part written once more.
 */
async function writePart(to: Database, what: RowsToWrite): Promise<number> {
  const { rows } = what
  let first: Outcome
  try {
    first = await ask(to, what)
  } catch (error) {
    const isOfRow = mayBeOfRow(error)
    if (rows.length === 1 && isOfRow) return (await writeAlone(to, what)).applied
    // What is too much for CrateDB's memory is written in parts; so is what holds a row that fails them all.
    if (rows.length === 1 || !(isOfRow || wantsSmallerBatch(error))) throw error
    const middle = rows.length >> 1
    const half = await writePart(to, { ...what, rows: rows.slice(0, middle) })
    return half + (await writePart(to, { ...what, rows: rows.slice(middle) }))
  }
  if (first.failed.length === 0) return first.applied
  const again = rows.length === 1 ? first : await ask(to, { ...what, rows: first.failed })
  return first.applied + (again === first ? 0 : again.applied) + (await writeEachAlone(to, what, again.failed))
}

/** Once a row was only taken without what its objects hold, those of the others are tried in one statement, too. */
async function writeEachAlone(to: Database, what: RowsToWrite, rows: readonly CrateRow[]): Promise<number> {
  let applied = 0
  for (const [i, row] of rows.entries()) {
    const alone = await writeAlone(to, { ...what, rows: [row] })
    applied += alone.applied
    if (alone.isLean) return applied + (await writeLean(to, what, rows.slice(i + 1)))
  }
  return applied
}

async function writeLean(to: Database, what: RowsToWrite, rows: readonly CrateRow[]): Promise<number> {
  const leanOf = new Map(rows.flatMap((row) => (row.lean === undefined ? [] : [[row.lean.row(), row]])))
  if (leanOf.size === 0) return writeEachAlone(to, what, rows)
  const leans = [...leanOf.keys()]
  const { applied, failed } = await ask(to, { ...what, rows: leans, ...tellingOf(leanOf, what) }).catch(
    (error: unknown): Outcome => {
      if (!mayBeOfRow(error)) throw error
      return { applied: 0, failed: leans }
    },
  )
  const isLeft = new Set(failed.map((lean) => leanOf.get(lean)!))
  let more = 0
  for (const row of rows) {
    if (row.lean === undefined || isLeft.has(row)) more += (await writeAlone(to, { ...what, rows: [row] })).applied
  }
  return applied + more
}

/** Resolves also to whether the row could only be written without what its objects hold. */
async function writeAlone(to: Database, what: RowsToWrite): Promise<{ applied: number; isLean: boolean }> {
  const { change, lean } = what.rows[0]!
  try {
    return { applied: await tryTwice(to, what), isLean: false }
  } catch (error) {
    if (blameFor(error) === 'target') throw error
    if (lean !== undefined) {
      const leanOf = new Map([[lean.row(), what.rows[0]!]])
      const applied = await tryTwice(to, { ...what, rows: [...leanOf.keys()], ...tellingOf(leanOf, what) }).catch(
        nullIfRefused,
      )
      if (applied !== null) return { applied, isLean: true }
    }
    if (change === undefined || what.onRejected === undefined || !mayBeOfRow(error)) throw error
    what.onRejected(change, error)
    return { applied: 0, isLean: false }
  }
}

function nullIfRefused(error: unknown): null {
  if (blameFor(error) === 'target') throw error
  return null
}

/** @param leanOf what is written, and the row that it is of */
function tellingOf(
  leanOf: ReadonlyMap<CrateRow, CrateRow>,
  { onApplied }: RowsToWrite,
): Required<Pick<RowsToWrite, 'onApplied'>> {
  return {
    onApplied(lean, answer) {
      leanOf.get(lean)!.lean!.onWritten()
      onApplied?.(lean, answer)
    },
  }
}

/**
 * Words that are not known may be about the cluster. They are about the row if its place can be read, and they come again.
 * @throws LoneRefusal
 */
async function tryTwice(to: Database, what: RowsToWrite): Promise<number> {
  try {
    return await tryAlone(to, what)
  } catch (error) {
    if (blameFor(error) !== 'unknown') throw error
    await selectVersion(what.table, what.rows[0]!.key).execute(to)
    try {
      return await tryAlone(to, what)
    } catch (again) {
      throw blameFor(again) === 'unknown' ? new LoneRefusal(again as Error) : again
    }
  }
}

async function tryAlone(to: Database, what: RowsToWrite): Promise<number> {
  const { table, columns, rows, asked = [] } = what
  const { applied, failed } = outcomeOf(what, await run(to, upsertOne(table, columns, rows[0]!, asked)))
  if (failed.length === 0) return applied
  await requireSuperseded(to, table, rows[0]!)
  return 0
}

interface Outcome {
  readonly applied: number
  readonly failed: readonly CrateRow[]
}

async function ask(to: Database, what: RowsToWrite): Promise<Outcome> {
  const { table, columns, rows, asked = [] } = what
  // Without key, only what is in a row tells it from others.
  const wanted = table.keys.length === 0 ? columns : asked
  return outcomeOf(what, await run(to, upsert(table, columns, rows, wanted)))
}

const run = async (to: Database, statement: Statement): Promise<readonly Answer[]> =>
  (await statement.execute(to)).rows as readonly Answer[]

/**
 * A key that comes back spelled otherwise than it was sent tells of no row, unless only one was sent: then the rows are found
 * one by one, which is slow, and right.
 */
function outcomeOf({ table, columns, rows, onApplied }: RowsToWrite, answers: readonly Answer[]): Outcome {
  if (table.keys.length === 0) {
    const failed = missingRows(table, columns, rows, answers)
    const isMissing = new Set(failed)
    // Which answer is of which of them does not matter: they are equal in all that is asked.
    if (onApplied !== undefined) for (const row of rows) if (!isMissing.has(row)) onApplied(row, {})
    return { applied: answers.length, failed }
  }
  const missing = new Map(rows.map((row) => [row.key.text, row]))
  let applied = 0
  for (const answer of answers) {
    const row = rows.length === 1 ? rows[0]! : missing.get(keyTextOf(table, answer))
    if (row === undefined) continue
    missing.delete(row.key.text)
    if (String(answer.v) !== row.version) continue
    applied++
    onApplied?.(row, answer)
  }
  return { applied, failed: [...missing.values()] }
}

function* cut(rows: readonly CrateRow[]): Generator<readonly CrateRow[]> {
  let start = 0
  let characters = 0
  for (let i = 0; i < rows.length; i++) {
    const more = lengthOf(rows[i]!)
    if (i > start && (i - start === MOST_ROWS || characters + more > MOST_CHARACTERS)) {
      yield rows.slice(start, i)
      start = i
      characters = 0
    }
    characters += more
  }
  if (rows.length > start) yield rows.slice(start)
}

function lengthOf({ key, elements }: CrateRow): number {
  let length = key.text.length
  for (const element of elements) length += element?.length ?? 0
  return length
}
