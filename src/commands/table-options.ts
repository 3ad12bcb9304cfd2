import * as z from 'zod'
import type { ColumnType, TableName } from '../change.ts'
import { suggestion } from '../nearest.ts'
import { DECLARED_TYPES, declaredType } from '../sinks/tables/column-types.ts'
import { patternOf, splitName, type TablePattern, tablePattern } from '../table-pattern.ts'

/**
 * The options that speak of tables. A table is a pattern: `name` or `schema.name`, with `*` for anything. Names that hold
 * dots, commas or `=` stand in double quotes, as in SQL.
 */

export const pattern = z.string().superRefine((text, context) => {
  parsed(context, () => tablePattern(text))
})

/** `--table SOURCE=TARGET` */
export const tableRoute = z.string().transform((text, context) =>
  parsed(context, () => {
    const [from, to, ...rest] = splitOutsideQuotes(text, '=')
    if (!from || !to || rest.length > 0) throw new SyntaxError(`"${text}" is not SOURCE=TARGET`)
    tablePattern(from)
    if (splitName(to).length > 2) throw tooManyParts(to, 'two parts')
    return { from, to }
  }),
)

/** `--key TABLE=COLUMN,COLUMN`, in key order; `TABLE=` for a table without key. */
export const tableKey = z.string().transform((text, context) =>
  parsed(context, () => {
    const [table, columns, ...rest] = splitOutsideQuotes(text, '=')
    if (!table || columns === undefined || rest.length > 0)
      throw new SyntaxError(`"${text}" is not TABLE=COLUMN,COLUMN`)
    const names = columns === '' ? [] : splitOutsideQuotes(columns, ',')
    if (names.includes('')) throw new SyntaxError(`"${text}" has an empty column name`)
    const key = names.map(columnName)
    if (new Set(key).size < key.length) throw new SyntaxError(`"${text}" names a column twice`)
    return { matches: tablePattern(table), key }
  }),
)

/** `--type TABLE.COLUMN=TYPE` */
export const columnType = z.string().transform((text, context) =>
  parsed(context, () => {
    const [path, typeName, ...rest] = splitOutsideQuotes(text, '=')
    if (!path || !typeName || rest.length > 0) throw new SyntaxError(`"${text}" is not TABLE.COLUMN=TYPE`)
    const parts = splitName(path)
    if (parts.length < 2) throw new SyntaxError(`"${path}" is not TABLE.COLUMN`)
    if (parts.length > 3) throw tooManyParts(path, 'three parts')
    const type = declaredType(typeName)
    if (type === undefined) {
      const near = suggestion(typeName, DECLARED_TYPES)
      throw new SyntaxError(`"${typeName}" is no type that is known${near}; there are ${DECLARED_TYPES.join(', ')}`)
    }
    return { matches: patternOf(parts.slice(0, -1)), column: parts.at(-1)!, type }
  }),
)

/** The target that `--table` names for a source table; null if none of them speaks of it. The first match counts. */
export function explicitRoute(routes: readonly z.output<typeof tableRoute>[]): (table: TableName) => TableName | null {
  const compiled = routes.map(({ from, to }) => ({ match: tablePattern(from), to: splitName(to) }))
  return (table) => {
    for (const { match, to } of compiled) {
      const stars = match(table)
      if (stars === null) continue
      const left = [...stars]
      const parts = to.map((part) => part.replaceAll('*', () => left.shift() ?? ''))
      return { schema: parts.length === 2 ? parts[0]! : null, name: parts.at(-1)! }
    }
    return null
  }
}

/** The key that `--key` names for a table; undefined if none does. The first match counts. */
export function declaredKey(
  keys: readonly { readonly matches: TablePattern; readonly key: readonly string[] }[],
): (table: TableName) => readonly string[] | undefined {
  return (table) => keys.find(({ matches }) => matches(table) !== null)?.key
}

/** The types that `--type` names for columns of a table. Of each column the first match counts. */
export function declaredTypes(
  types: readonly { readonly matches: TablePattern; readonly column: string; readonly type: ColumnType }[],
): (table: TableName) => ReadonlyMap<string, ColumnType> {
  return (table) => {
    const matching = types.filter(({ matches }) => matches(table) !== null)
    return new Map(matching.reverse().map(({ column, type }) => [column, type]))
  }
}

/** `a="b=c"=d` at `=` → [a, "b=c", d]: as many parts as there are separators outside of double quotes, and one. */
export function splitOutsideQuotes(text: string, separator: '=' | ','): string[] {
  const parts = ['']
  let isQuoted = false
  for (const character of text) {
    // Two quotes for one, inside of quotes, leave and enter again.
    if (character === '"') isQuoted = !isQuoted
    if (character === separator && !isQuoted) parts.push('')
    else parts[parts.length - 1] += character
  }
  return parts.map((part) => part.trim())
}

function columnName(text: string): string {
  const [name, ...rest] = splitName(text)
  if (rest.length > 0) throw new SyntaxError(`"${text}" is not one column; put names with dots in double quotes`)
  return name!
}

const tooManyParts = (name: string, most: string): SyntaxError =>
  new SyntaxError(`"${name}" has more than ${most}; put names with dots in double quotes`)

/** What `attempt` gives; a SyntaxError becomes a problem of the option. */
function parsed<T>(context: z.RefinementCtx, attempt: () => T): T {
  try {
    return attempt()
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    context.addIssue({ code: 'custom', message: error.message })
    return z.NEVER
  }
}
