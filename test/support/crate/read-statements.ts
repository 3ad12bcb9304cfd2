import { CrateError, notInTheFake } from './failure.ts'
import { child, children, hasWord, need, type Tree } from './grammar.ts'
import { readDefinition } from './read-definitions.ts'
import { readExpression } from './read-expressions.ts'
import { readIdent, readParts, readQualifiedName, readStringLiteral, readSubscriptSafe } from './read-names.ts'
import { readItems, readQuery } from './read-queries.ts'
import type { Assignment, Delete, Insert, OnConflict, Statement, Update } from './syntax.ts'

/** @param text the statement as it came: a view keeps its own words */
export function readStatement(tree: Tree, text: string): Statement {
  switch (tree.rule) {
    case 'Default':
      return { kind: 'select', query: readQuery(tree) }
    case 'Explain':
      return { kind: 'explain', query: readQuery(need(tree, 'Default')) }
    case 'Insert':
      return readInsert(tree)
    case 'Update':
      return readUpdate(tree)
    case 'Delete':
      return readDelete(tree)
    case 'Create':
    case 'Drop':
    case 'Alter':
      return readDefinition(tree.parts[0]!, text)
    case 'RefreshTable':
      return {
        kind: 'refresh',
        tables: children(need(tree, 'TableWithPartitions'), 'TableWithPartition').map(readQualifiedName),
      }
    case 'Set':
      return readSet(tree)
    case 'ShowSessionParameter':
      return { kind: 'show', name: readParts(need(tree, 'Qname')).join('.') }
    case 'ShowCreateTable':
      return { kind: 'show-create-table', name: readQualifiedName(tree) }
    case 'Begin':
    case 'StartTransaction':
      return { kind: 'begin' }
    case 'Commit':
      return { kind: 'commit' }
    case 'SetTransaction':
    case 'Discard':
    case 'Deallocate':
    case 'Analyze':
      return { kind: 'nothing' }
    case 'CopyFrom':
      return {
        kind: 'refused',
        text: 'Column `stdin` cannot be used here: COPY FROM reads URLs and files of the nodes',
      }
    default:
      throw notInTheFake(`the statement ${tree.rule}: ${tree.text.slice(0, 80)}`)
  }
}

function readInsert(tree: Tree): Insert {
  const source = need(tree, 'InsertSource')
  const query = child(source, 'Query')
  if (query === undefined) throw notInTheFake(`the source of ${tree.text.slice(0, 80)}`)
  const values = valuesOf(query)
  const onConflict = child(tree, 'OnConflict')
  const returning = child(tree, 'Returning')
  return {
    kind: 'insert',
    table: readQualifiedName(tree),
    columns: children(tree, 'Ident').map(readIdent),
    source:
      values === null
        ? { kind: 'query', query: readQuery(query) }
        : { kind: 'values', rows: children(values, 'Values').map((row) => children(row, 'Expr').map(readExpression)) },
    onConflict: onConflict === undefined ? null : readOnConflict(onConflict),
    returning: returning === undefined ? null : readItems(returning),
  }
}

function valuesOf(query: Tree): Tree | null {
  const term = child(need(query, 'QueryNoWith'), 'QueryTermDefault')
  return (term && child(term, 'ValuesRelation')) ?? null
}

function readOnConflict(tree: Tree): OnConflict {
  const target = child(tree, 'ConflictTarget')
  return {
    target: target === undefined ? [] : children(target, 'SubscriptSafe').map(readSubscriptSafe),
    assignments: hasWord(tree, 'nothing') ? null : readAssignments(tree),
  }
}

function readAssignments(tree: Tree): readonly Assignment[] {
  return children(tree, 'Assignment').map((assignment) => {
    const target = readExpression(assignment.parts[0]!)
    if (target.kind !== 'column')
      throw new CrateError(`cannot use expression ${assignment.parts[0]!.text} as a left side of an assignment`)
    return { target: { parts: target.parts, path: target.path }, value: readExpression(assignment.parts[2]!) }
  })
}

function readUpdate(tree: Tree): Update {
  const relation = need(tree, 'AliasedRelation')
  const returning = child(tree, 'Returning')
  return {
    kind: 'update',
    ...readTarget(relation),
    assignments: readAssignments(tree),
    where: readWhere(tree),
    returning: returning === undefined ? null : readItems(returning),
  }
}

function readDelete(tree: Tree): Delete {
  return { kind: 'delete', ...readTarget(need(tree, 'AliasedRelation')), where: readWhere(tree) }
}

function readTarget(relation: Tree): Pick<Update, 'table' | 'alias'> {
  const alias = child(relation, 'Ident')
  return { table: readQualifiedName(relation), alias: alias === undefined ? null : readIdent(alias) }
}

function readWhere(tree: Tree): Update['where'] {
  const where = child(tree, 'Where')
  return where === undefined ? null : readExpression(where.parts[1]!)
}

function readSet(tree: Tree): Statement {
  const name = child(tree, 'Qname')
  if (name === undefined || hasWord(tree, 'global')) return { kind: 'nothing' }
  const values = children(tree, 'SetExpr').map(({ text }) =>
    text.startsWith("'") ? readStringLiteral({ rule: '', text, parts: [] }) : text,
  )
  return { kind: 'set', name: readParts(name).join('.'), value: values.length === 0 ? null : values.join(', ') }
}
