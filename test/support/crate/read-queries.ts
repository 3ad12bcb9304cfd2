import { notInTheFake } from './failure.ts'
import { child, children, hasWord, need, type Tree } from './grammar.ts'
import { readExpression } from './read-expressions.ts'
import { readIdent, readParts, readQualifiedName } from './read-names.ts'
import type { Expression, Query, SelectItem, Source } from './syntax.ts'

/** A tree that is a Query, or wraps one. */
export function readQuery(tree: Tree): Query {
  const query = inner(tree, 'Query')
  if (child(query, 'With') !== undefined) throw notInTheFake('WITH')
  const whole = need(query, 'QueryNoWith')
  const spec = child(need(whole, 'QueryTermDefault', 'SetOperation'), 'DefaultQuerySpec')
  if (spec === undefined) throw notInTheFake(`the query ${tree.text}`)
  const where = child(spec, 'Where')
  const from = children(spec, 'RelationDefault', 'JoinRelation')
  if (from.length > 1 || from[0]?.rule === 'JoinRelation') throw notInTheFake('joins')
  if (hasWord(spec, 'having')) throw notInTheFake('HAVING')
  return {
    items: readItems(spec),
    distinct: child(spec, 'SetQuant')?.text.toLowerCase() === 'distinct',
    from: from[0] === undefined ? null : readSource(need(from[0], 'AliasedRelation')),
    where: where === undefined ? null : readExpression(where.parts[1]!),
    groupBy: hasWord(spec, 'group') ? children(spec, 'Expr').map(readExpression) : [],
    orderBy: children(whole, 'SortItem').map((item) => {
      const descending = hasWord(item, 'desc')
      const nullsFirst = hasWord(item, 'nulls') ? hasWord(item, 'first') : descending
      return { expression: readExpression(item.parts[0]!), descending, nullsFirst }
    }),
    limit: readCount(child(whole, 'LimitClause')),
    offset: readCount(child(whole, 'OffsetClause')),
  }
}

/** The select list of a query, or of RETURNING. */
export function readItems(tree: Tree): readonly (SelectItem | '*')[] {
  return children(tree, 'SelectSingle', 'SelectAll').map((item) => {
    if (item.rule === 'SelectAll') return '*'
    const alias = child(item, 'Ident')
    return { expression: readExpression(item.parts[0]!), alias: alias === undefined ? null : readIdent(alias) }
  })
}

function readSource(tree: Tree): Source {
  const alias = child(tree, 'Ident')
  const name = alias === undefined ? null : readIdent(alias)
  const subquery = child(tree, 'SubqueryRelation')
  if (subquery !== undefined) return { kind: 'query', query: readQuery(subquery), alias: name }
  const relation = need(tree, 'TableRelation')
  const call = child(relation, 'TableFunction')
  if (call === undefined) return { kind: 'relation', name: readQualifiedName(relation), alias: name }
  if (readParts(need(call, 'Qname')).at(-1) !== 'unnest') throw notInTheFake(`the table function ${call.text}`)
  const columns = child(tree, 'AliasedColumns')
  return {
    kind: 'unnest',
    operands: call.parts.filter((part) => part.rule !== '' && part.rule !== 'Qname').map(readExpression),
    alias: name,
    columns: columns === undefined ? [] : children(columns, 'Ident').map(readIdent),
  }
}

function readCount(clause: Tree | undefined): Expression | null {
  const count = clause?.parts.find((part) => part.rule !== '')
  return count === undefined ? null : readExpression(count)
}

function inner(tree: Tree, rule: string): Tree {
  let at: Tree | undefined = tree
  while (at !== undefined && at.rule !== rule) at = at.parts.find((part) => part.rule !== '')
  if (at === undefined) throw notInTheFake(`the query ${tree.text}`)
  return at
}
