import * as z from 'zod'
import type { RelayIdentity } from './batch.ts'
import type { TableName } from './change.ts'
import { RelayError } from './errors.ts'
import { parseJson } from './parse-json.ts'
import { type TableFilter, tableFilter } from './table-pattern.ts'

/**
 * The member of a name's stored settings that says which tables were wanted when; absent as long as it was always the same. A relay of
 * before that refuses what it does not know: `--wanted-tables was … and is not set`.
 */
export const WANTED_SETTING = 'wanted-tables'

/** For a while, these tables were wanted. */
interface Wanted extends TableFilter {
  /** ISO 8601; null: from the first run on. */
  readonly since: string | null
}

type Settings = RelayIdentity['settings']

const PATTERNS = z.array(z.string())
const HISTORY = z.array(z.strictObject({ since: z.string().nullable(), include: PATTERNS, exclude: PATTERNS }))

/** What was wanted, oldest first; the last one is wanted now. @throws RelayError STATE_BROKEN */
function historyOf(settings: Settings): readonly Wanted[] {
  const stored = settings[WANTED_SETTING]
  if (stored !== undefined) return readHistory(stored)
  return [{ since: null, include: patterns(settings.include), exclude: patterns(settings.exclude) }]
}

/** @throws RelayError STATE_BROKEN */
function readHistory(stored: string): readonly Wanted[] {
  try {
    return HISTORY.parse(parseJson(stored))
  } catch (cause) {
    throw new RelayError('STATE_BROKEN', 'What is stored of the tables that were wanted cannot be read', {}, cause)
  }
}

/** As `--include` and `--exclude` are stored: side by side. A pattern with a space has it in double quotes. */
const patterns = (joined = ''): string[] => joined.match(/(?:"[^"]*"|[^\s"])+/g) ?? []

/**
 * The settings that are stored once a process has the name that wants these tables.
 * @param stored as they were @param now ISO 8601
 */
export function withWanted(
  settings: Settings,
  stored: Settings,
  wanted: TableFilter,
  forgetsGaps: boolean,
  now: string,
): Settings {
  const before = forgetsGaps ? [] : historyOf(stored)
  const last = before.at(-1)
  const { include, exclude } = wanted
  const history =
    last !== undefined && textOf(last) === textOf(wanted) ? before : [...before, { since: now, include, exclude }]
  const { [WANTED_SETTING]: _, ...others } = settings
  return history.length < 2 ? others : { ...others, [WANTED_SETTING]: JSON.stringify(firstAndLast(history)) }
}

/** The settings as they are stored by a process of which nobody knows what it wants: what was remembered stays. */
export const stillWanted = (settings: Settings, { [WANTED_SETTING]: history }: Settings): Settings =>
  history === undefined ? settings : { ...settings, [WANTED_SETTING]: history }

const textOf = ({ include, exclude }: TableFilter): string => JSON.stringify([include, exclude])

/** Of what was wanted several times the first time and the last: between those lies whatever was left out. */
function firstAndLast(history: readonly Wanted[]): readonly Wanted[] {
  const texts = history.map(textOf)
  return history.filter((_, i) => texts.indexOf(texts[i]!) === i || texts.lastIndexOf(texts[i]!) === i)
}

/** Since when the changes of a table were left out that was wanted before, ISO 8601; undefined for all others. */
export type LeftOut = (table: TableName) => string | undefined

/** Null if no table was ever left out that was wanted before. */
export function leftOut(settings: Settings): LeftOut | null {
  const history = historyOf(settings)
  if (history.length < 2) return null
  const times = history.map(({ since, ...filter }) => ({ since, wants: tableFilter(filter) }))
  return (table) => {
    const first = times.findIndex(({ wants }) => wants(table))
    return first === -1 ? undefined : (times.slice(first).find(({ wants }) => !wants(table))?.since ?? undefined)
  }
}
