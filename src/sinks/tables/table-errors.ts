import { sql } from 'kysely'
import { tableLabel } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Statement } from './database.ts'
import type { Mismatch } from './layout.ts'
import type { DesiredKey, Mapping, Target } from './target.ts'

/** A statement in one line, as the operator could run it. */
export type ShowStatement = (statement: Statement) => string

export const label = ({ schema, name }: Target): string => tableLabel({ schema, name })

export const isSameTarget = (a: Target, b: Target): boolean => a.schema === b.schema && a.name === b.name

export const shownKeys = (keys: readonly DesiredKey[]): string =>
  keys.map(({ attribute, family }) => `"${attribute}"${family === null ? '' : ` ${family}`}`).join(', ')

export const missingTable = (
  target: Target,
  createTables: 'auto' | 'never',
  statements: readonly Statement[],
  show: ShowStatement,
): RelayError => {
  const why =
    createTables === 'never'
      ? 'is missing, and --create-tables is never'
      : 'is gone, though this relay has written it before, and its rows with it. Restore it; or, to go on with what changes from now on'
  return sinkTable(target, `Table ${label(target)} ${why}: ${statements.map(show).join('; ')}`)
}

export const missingColumns = (target: Target, added: readonly Statement[], show: ShowStatement): RelayError =>
  sinkTable(target, `Table ${label(target)} lacks columns, and --create-tables is never:${listed(added.map(show))}\n`)

export const newSourceColumns = (target: Target, added: readonly Statement[], show: ShowStatement): RelayError => {
  const detail = `The source has columns that table ${label(target)} lacks:${listed(added.map(show))}\n`
  return new RelayError('SCHEMA_CHANGE', detail, { table: target.source })
}

export const wrongTable = (target: Target, mismatches: readonly Mismatch[], show: ShowStatement): RelayError => {
  const detail = `Table ${label(target)} does not fit what the relay writes:${listOf(mismatches, show)}\n`
  return sinkTable(target, detail)
}

/** The operator decides what happens to the rows under the old key: alters the table, or drops it. */
export function oldKeyTable(
  target: Target,
  was: readonly DesiredKey[],
  is: readonly DesiredKey[],
  mismatches: readonly Mismatch[],
  show: ShowStatement,
): RelayError {
  const change = `The key of the table was ${shownKeys(was) || 'none'}, and is now ${shownKeys(is) || 'none'}`
  const what = `${change}. Table ${label(target)} has the old one. Let the relay make it again: ${show(dropTable(target))}; ${CASCADE} or alter it:`
  const then = 'Then start the relay again under the same --name; after a DROP, reload the table at the source.'
  return sinkTable(target, `${what}${listOf(mismatches, show)}\n${then}`)
}

/** What becomes of rows that were written to another place until now. */
export interface Moved {
  readonly target: Target
  readonly before: Target
  /** Null where the database cannot take them along. */
  readonly takeAlong: readonly Statement[] | null
  /** Makes the new table; null where the old one must go first, for its rows say themselves which of them are deleted. */
  readonly create: readonly Statement[] | null
}

/** The operator decides what happens to the rows that were written until now. */
export function movedTable({ target, before, takeAlong, create }: Moved, show: ShowStatement): RelayError {
  const what = `Table ${target.source} was written to ${label(before)} until now, and is to go to ${label(target)}`
  const along = takeAlong === null ? '' : `\nTo take its rows along: ${takeAlong.map(show).join('; ')};`
  const begin = create === null ? `${show(dropTable(before))}; ${CASCADE}` : `${create.map(show).join('; ')};`
  return sinkTable(
    target,
    `${what}.${along}\nTo begin anew without them: ${begin} then reload the table at the source\n`,
  )
}

/** @param was its layout until now */
export function otherLayout(target: Target, was: 'columns' | 'document', show: ShowStatement): RelayError {
  const is = was === 'columns' ? 'document' : 'columns'
  const what = `Table ${label(target)} was written in the layout ${was}, and is to be in the layout ${is}: its rows would be half of each`
  const again = `Let the relay make it again: ${show(dropTable(target))}; ${CASCADE} then reload the table at the source`
  const others = `or run with \`--layout ${was}\`; or send it elsewhere with \`--table\``
  return sinkTable(target, `${what}. ${again}; ${others}\n`)
}

const CASCADE = '(with CASCADE where a view shows it);'

const dropTable = ({ schema, name }: Target): Statement => sql`DROP TABLE ${sql.id(schema, name)}`

export function reservedSchema(target: Target): RelayError {
  const { schema } = target
  const begins = `Schema "${schema}" cannot be made, for the target keeps names that begin with "${schema.slice(0, 3)}" for itself`
  const fix = `Send its tables to another schema: \`--table '${tableLabel({ schema: null, name: schema })}.*=app.*'\``
  return sinkTable(target, `${begins}. ${fix}`)
}

/** @throws RelayError SINK_TABLE if another source table goes to the same target */
export function requireOwnTarget(target: Target, others: Iterable<Target>): void {
  for (const other of others) {
    if (other.source === target.source || !isSameTarget(other, target)) continue
    const detail = `The source tables ${other.source} and ${target.source} would both go to ${label(target)}; give one another target with --table`
    throw new RelayError('SINK_TABLE', detail)
  }
}

/** @throws RelayError SINK_TABLE if two attributes go to the same column */
export function requireOwnColumns(target: Target, mappings: readonly Mapping[]): void {
  const byColumn = new Map<string, string>()
  for (const { attribute, column } of mappings) {
    const other = byColumn.get(column)
    if (other !== undefined && other !== attribute) {
      throw sinkTable(target, `The attributes "${other}" and "${attribute}" would both go to column "${column}"`)
    }
    byColumn.set(column, attribute)
  }
}

const sinkTable = ({ source }: Target, detail: string): RelayError =>
  new RelayError('SINK_TABLE', detail, { table: source })

const listed = (statements: readonly string[]): string => statements.map((one) => `\n  - ${one};`).join('')

const listOf = (mismatches: readonly Mismatch[], show: ShowStatement): string =>
  mismatches.map(({ what, fix }) => `\n  - ${what}${fix === null ? '' : `: ${show(fix)};`}`).join('')
