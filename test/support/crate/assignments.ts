import type { Table } from './catalogue.ts'
import { type Compiled, compile, type Env, type Scope } from './compile.ts'
import { CrateError } from './failure.ts'
import { checkRequired, conformAtCoordinator } from './indexing.ts'
import { typeOfPath } from './key-lookup.ts'
import { columnName } from './names.ts'
import type { Assignment } from './syntax.ts'
import { isObject, type Value } from './values.ts'

/** `SET a = …, o['x'] = …`, ready to be worked out over any row. */
export interface CompiledAssignment {
  readonly path: readonly string[]
  readonly compiled: Compiled
}

/** @throws CrateError unknown columns, key columns, names with too many parts */
export function compileAssignments(
  assignments: readonly Assignment[],
  table: Table,
  scope: Scope,
): readonly CompiledAssignment[] {
  return assignments.map(({ target, value }) => {
    if (target.parts.length > 1) throw tooManyParts(target.parts)
    const path = [...target.parts, ...target.path]
    const column = table.columns.get(path[0]!)
    if (column === undefined) throw new CrateError(`Column ${columnName(path)} unknown`, '42703')
    if (
      table.primaryKey.some((key) => key.join('\0').startsWith(path.join('\0')) && key[path.length - 1] === path.at(-1))
    )
      throw new CrateError(`Validation failed for ${columnName(path)}: Updating a primary key is not supported`)
    return { path, compiled: compile(value, scope, typeOfPath(table, path)) }
  })
}

/**
 * The row after the assignments, which all see the old one.
 * @throws CrateError a value does not fit its column, or is null where it must not be
 */
export function assign(assignments: readonly CompiledAssignment[], table: Table, env: Env): Map<string, Value> {
  const values = new Map(env.row.values)
  for (const { path, compiled } of assignments) {
    const [name, ...members] = path
    const column = table.columns.get(name!)!
    const value = conformAtCoordinator(
      name!,
      column,
      withMember(values.get(name!) ?? null, members, compiled.value(env)),
    )
    checkRequired(column, value, [name!])
    values.set(name!, value)
  }
  return values
}

export function tooManyParts(parts: readonly string[]): CrateError {
  return new CrateError(
    `Column reference "${parts.join('.')}" has too many parts. A column must not have a schema or a table here.`,
  )
}

function withMember(value: Value, path: readonly string[], member: Value): Value {
  const [name, ...rest] = path
  if (name === undefined) return member
  const object = isObject(value) ? value : new Map<string, Value>()
  return new Map([...object, [name, withMember(object.get(name) ?? null, rest, member)]])
}
