import type { DeadLetter } from '../change.ts'
import type { ReadyBatch } from '../deliver/batch-builder.ts'
import { isOfTable } from '../deliver/parking.ts'
import { FAILURES, PARKED, type RelayError } from '../errors.ts'
import type { PreviewedState, PreviewedTable, PreviewedWrite } from '../sinks/preview.ts'
import type { RunConfig } from './run-schema.ts'

/** What a run would read first, and what it comes to. */
export interface FirstBatch {
  /** Null if there is none, for the first rows have no key. */
  readonly batch: Pick<ReadyBatch, 'read' | 'skips' | 'deadLetters'> | null
  readonly tables: readonly PreviewedTable[]
}

interface Begins {
  readonly version: string
  /** Of the relay. */
  readonly name: string
  readonly start: string
}

type Rules = Pick<RunConfig, 'onError' | 'onTableTrouble'>

/**
 * What a dry run found, as SQL: what makes tables and views as statements, what writes rows in comments, for its placeholders mean nothing
 * to a server. So all of it can be run by who may make tables.
 *
 * @param first null if the source gave nothing
 */
export function dryRunText(begins: Begins, state: PreviewedState, first: FirstBatch | null, rules: Rules): string {
  const parts = [
    headOf(begins, state),
    ...(state.ownTables.length === 0
      ? []
      : [[comment("The relay's own tables"), ...state.ownTables.map(statement)].join('\n')]),
    ...(first === null
      ? [comment('The source has nothing to give now')]
      : [...batchParts(first.batch, rules), ...first.tables.map((table) => tableText(table, rules))]),
  ]
  return `${parts.join('\n\n')}\n`
}

function headOf({ version, name, start }: Begins, { title, seen, claimed }: PreviewedState): string {
  const shards = seen === null ? 0 : seen.stored.positions.size
  const where =
    seen === null
      ? `it is new there, and begins at ${start}`
      : `it goes on from where ${plural(shards, 'shard stands', 'shards stand')}`
  const holder = seen?.holder?.isAlive
    ? [comment(`Process ${seen.holder.process} on ${seen.holder.host} has the name now`)]
    : []
  return [
    comment(`cdc-relay ${version}, dry run: nothing was written`),
    comment(`The relay "${name}" on ${title}: ${where}`),
    ...holder,
    ...(claimed?.changed ?? []).map(comment),
  ].join('\n')
}

function batchParts(batch: FirstBatch['batch'], rules: Rules): string[] {
  if (batch === null) return []
  const { read, skips, deadLetters } = batch
  const lines = [
    comment(`The first batch: ${plural(read, 'change', 'changes')} read`),
    ...Array.from(skips, ([reason, count]) => comment(`${count} left out: ${reason}`)),
    ...letterLines(deadLetters, rules),
  ]
  return [lines.join('\n')]
}

function tableText(table: PreviewedTable, rules: Rules): string {
  const { source, changes, definitions, writes, refused, setAside, notFollowed, trouble } = table
  return [
    comment(`Table ${source}: ${plural(changes, 'change', 'changes')}`),
    ...(trouble === null ? [] : [comment(troubleWords(trouble, rules))]),
    ...definitions.map(statement),
    ...writes.map(writeText),
    ...letterLines(refused, rules),
    ...Array.from(setAside, ([column, { count, reason }]) =>
      comment(`${plural(count, 'value', 'values')} of column "${column}" would go to cdc_extra: ${reason}`),
    ),
    ...(notFollowed === 0
      ? []
      : [comment(`${plural(notFollowed, 'change', 'changes')} of the table's definition would not be followed`)]),
  ].join('\n')
}

function troubleWords(trouble: RelayError, { onTableTrouble }: Rules): string {
  if (trouble.code === PARKED) return `It is parked: these changes would be kept as dead letters. ${trouble.detail}`
  const what = `${trouble.code}: ${trouble.detail}`
  if (isOfTable(trouble.code) && onTableTrouble === 'park') {
    return `It would be parked, its changes kept as dead letters. ${what}`
  }
  return `The run would end here, with exit code ${FAILURES[trouble.code].exit}. ${what}`
}

function letterLines(letters: readonly DeadLetter[], { onError }: Rules): string[] {
  const counts = new Map<string, number>()
  for (const { code, detail } of letters) {
    const reason = `${code}: ${detail}`
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  return Array.from(counts, ([reason, count]) =>
    comment(
      onError === 'stop'
        ? `The run would end here, with exit code 3. ${reason}`
        : `${plural(count, 'dead letter', 'dead letters')}: ${reason}`,
    ),
  )
}

function writeText({ rows, statements }: PreviewedWrite): string {
  const what = rows === null ? 'Rows from before a reload are removed' : plural(rows, 'row', 'rows')
  return [comment(`${what}:`), ...statements.map((text) => comment(`${oneBreak(text)};`))].join('\n')
}

const statement = (text: string): string => `${oneBreak(text)};`

/** Without the indentation of the program's own text. */
const oneBreak = (text: string): string => text.trim().replaceAll(/\n\s+/g, '\n  ')

/** Names of the source may hold anything: no line of them is outside of the comment. */
const comment = (text: string): string =>
  text
    .split(/\r\n|\r|\n/)
    .map((line) => `-- ${line}`)
    .join('\n')

const plural = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`
