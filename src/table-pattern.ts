import type { TableName } from './change.ts'

/** Whether a table matches; the answer is the text that each `*` stood for, or null. */
export type TablePattern = (table: TableName) => readonly string[] | null

/**
 * A table pattern: `name` (any schema) or `schema.name`, each with `*` for any run of characters; parts in double
 * quotes, as in SQL, where they hold dots.
 */
export function tablePattern(pattern: string): TablePattern {
  const parts = splitName(pattern)
  if (parts.length > 2)
    throw new SyntaxError(`"${pattern}" has more than two parts; put names with dots in double quotes`)
  return patternOf(parts)
}

/** Which tables are wanted: patterns over `schema.name` or `name`. */
export interface TableFilter {
  /** Empty: every table. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

/** Whether a table is wanted. @throws SyntaxError */
export function tableFilter({ include, exclude }: TableFilter): (table: TableName) => boolean {
  const included = include.map(tablePattern)
  const excluded = exclude.map(tablePattern)
  return (table) =>
    (included.length === 0 || included.some((matches) => matches(table) !== null)) &&
    !excluded.some((matches) => matches(table) !== null)
}

/** The pattern that has these one or two parts. */
export function patternOf(parts: readonly string[]): TablePattern {
  const name = wildcard(parts.at(-1)!)
  const schema = parts.length === 2 ? wildcard(parts[0]!) : null
  return (table) => {
    const inName = name.exec(table.name)
    if (inName === null) return null
    if (schema === null) return inName.slice(1)
    const inSchema = schema.exec(table.schema ?? '')
    return inSchema === null ? null : [...inSchema.slice(1), ...inName.slice(1)]
  }
}

/** `a.b` → [a, b]; `"a.b"."c""d"` → [a.b, c"d]. @throws SyntaxError for unbalanced quotes and empty parts */
export function splitName(text: string): string[] {
  const parts: string[] = []
  const part = /(?:"((?:[^"]|"")+)"|([^".]+))(\.|$)/y
  while (part.lastIndex < text.length) {
    const match = part.exec(text)
    if (match === null || (match[3] === '.' && part.lastIndex === text.length)) {
      throw new SyntaxError(`"${text}" is not a table name`)
    }
    parts.push(match[1]?.replaceAll('""', '"') ?? match[2]!)
  }
  if (parts.length === 0) throw new SyntaxError('a table name is empty')
  return parts
}

const wildcard = (text: string): RegExp => new RegExp(`^${text.split('*').map(escapeRegExp).join('(.*)')}$`, 's')

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
