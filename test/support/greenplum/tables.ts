import { closing, isMark, isName, listed, shapeOf, type Token } from '../sql-tokens.ts'

/** Where the rows of a table lie: by the hash of columns, anywhere, or on every segment. */
export type Distribution = readonly string[] | 'randomly' | 'replicated'

/** How the tables that the relay made are distributed, by name as the relay writes it, parts joined by a dot. */
export type Distributions = Map<string, Distribution>

/** A CREATE TABLE as Greenplum would take it apart. */
export interface CreateTable {
  readonly name: string
  /** Null where the statement does not say: Greenplum would choose, and tell so in a notice. */
  readonly distribution: Distribution | null
  /** The clause, from its first token to the one behind its last: what PostgreSQL must not see. */
  readonly clause: readonly [start: number, end: number] | null
  /** What is wrong with it, in words. */
  readonly faults: readonly string[]
}

/** Null for any other statement. */
export function createTable(statement: readonly Token[]): CreateTable | null {
  if (!/^CREATE (?:(?:GLOBAL|LOCAL) )?(?:TEMP |TEMPORARY |UNLOGGED )?TABLE /.test(shapeOf(statement))) return null
  const named = statement.findIndex(({ value }, i) => value === 'table' && i > 0) + 1
  const { name, next } = nameAt(statement, statement[named]?.value === 'if' ? named + 3 : named)
  const elements = isMark(statement[next], '(') ? listed(statement.slice(next + 1, closing(statement, next))) : []

  const at = statement.findIndex(({ kind, value }, i) => i >= next && kind === 'word' && value === 'distributed')
  if (at === -1) return { name, distribution: null, clause: null, faults: [`CREATE TABLE ${name} without DISTRIBUTED`] }
  const [distribution, end] = distributionAt(statement, at)
  const faults = [
    ...(distribution === null ? [`DISTRIBUTED BY what? (${name})`] : outsideOf(elements, distribution, name)),
    ...(end < statement.length ? [`DISTRIBUTED is not the last clause of CREATE TABLE ${name}`] : []),
  ]
  return { name, distribution, clause: [statement[at]!.start, statement[end - 1]!.end], faults }
}

function distributionAt(statement: readonly Token[], at: number): [Distribution | null, end: number] {
  const how = statement[at + 1]?.value
  if (how === 'randomly' || how === 'replicated') return [how, at + 2]
  if (how !== 'by' || !isMark(statement[at + 2], '(')) return [null, at + 1]
  const end = closing(statement, at + 2)
  return [firstNames(statement.slice(at + 3, end)), end + 1]
}

/** A primary key and a UNIQUE must hold every distribution column; without either they must at least be columns. */
function outsideOf(elements: readonly Token[][], distribution: Distribution, name: string): string[] {
  const uniques = elements.flatMap((element) => {
    const at = element.findIndex(({ kind, value }) => kind === 'word' && (value === 'primary' || value === 'unique'))
    const open = at + (element[at]?.value === 'primary' ? 2 : 1)
    if (at === -1) return []
    return [
      isMark(element[open], '(') ? firstNames(element.slice(open + 1, closing(element, open))) : [element[0]!.value],
    ]
  })
  if (distribution === 'replicated') return []
  if (distribution === 'randomly') return uniques.length > 0 ? [`${name} is unique, but DISTRIBUTED RANDOMLY`] : []
  const isLike = elements.length === 0 || elements.some(([first]) => first?.value === 'like')
  const all = uniques.length > 0 || isLike ? uniques : [elements.map(([first]) => first!.value)]
  return all.flatMap((columns) =>
    distribution.some((column) => !columns.includes(column))
      ? [`${name} is DISTRIBUTED BY (${distribution.join(', ')}), not all among (${columns.join(', ')})`]
      : [],
  )
}

/** A name with its schema, if it is written, and the index behind it. */
export function nameAt(statement: readonly Token[], at: number): { name: string; next: number } {
  if (!isName(statement[at])) return { name: '', next: at }
  const { value } = statement[at]!
  if (!isMark(statement[at + 1], '.')) return { name: value, next: at + 1 }
  const rest = nameAt(statement, at + 2)
  return { name: `${value}.${rest.name}`, next: rest.next }
}

/** The columns by which a table is spread; none if it is not, or if the relay did not make it. */
export function distributionColumns(tables: Distributions, name: string): readonly string[] {
  const found = tables.get(name)
  return typeof found === 'object' ? found : []
}

/** The names in front of a list's items, which may be followed by an operator class or an order. */
export function firstNames(list: readonly Token[]): string[] {
  return listed(list).flatMap(([first]) => (isName(first) ? [first!.value] : []))
}

/** What an ALTER TABLE … SET DISTRIBUTED says; null for any other statement. */
export function setDistributed(
  statement: readonly Token[],
): { readonly name: string; readonly distribution: Distribution } | null {
  if (!shapeOf(statement).startsWith('ALTER TABLE ')) return null
  const { name, next } = nameAt(statement, 2)
  if (statement[next]?.value !== 'set' || statement[next + 1]?.value !== 'distributed') return null
  const [distribution] = distributionAt(statement, next + 1)
  return distribution === null ? null : { name, distribution }
}

/** As SQL says it. */
export const clauseOf = (distribution: Distribution): string =>
  typeof distribution === 'string'
    ? `DISTRIBUTED ${distribution.toUpperCase()}`
    : `DISTRIBUTED BY (${distribution.map((name) => `"${name.replaceAll('"', '""')}"`).join(', ')})`
