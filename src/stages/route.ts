import { type Decoded, type TableName, tableLabel } from '../change.ts'

/** What the operator wants to have in the target at all. */
export interface RouteOptions {
  /** Patterns with `*` over `schema.name` or `name`. Empty: every table. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly deletes: 'hard' | 'soft' | 'ignore'
  readonly expired: 'delete' | 'keep'
}

/** Lets an item pass, or turns it into a skip with a named reason. */
export type Route = (item: Decoded) => Decoded

export function route({ include, exclude, deletes, expired }: RouteOptions): Route {
  const included = include.map(tablePattern)
  const excluded = exclude.map(tablePattern)
  // A stream holds few tables and many records: each table is matched once.
  const wanted = new Map<string, boolean>()

  const isWanted = (table: TableName): boolean => {
    const label = tableLabel(table)
    let answer = wanted.get(label)
    if (answer === undefined) {
      const isIn = included.length === 0 || included.some((matches) => matches(table) !== null)
      answer = isIn && !excluded.some((matches) => matches(table) !== null)
      wanted.set(label, answer)
    }
    return answer
  }

  return (item) => {
    if (item.kind === 'skip') return item
    if (!isWanted(item.table)) return { kind: 'skip', reason: 'table-not-wanted', source: item.source }
    if (item.kind !== 'change' || item.op !== 'delete') return item
    if (item.expired === true && expired === 'keep')
      return { kind: 'skip', reason: 'expired-kept', source: item.source }
    if (deletes === 'ignore') return { kind: 'skip', reason: 'delete-ignored', source: item.source }
    return item
  }
}

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
