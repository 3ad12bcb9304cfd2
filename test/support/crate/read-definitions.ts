import { CrateError, notInTheFake } from './failure.ts'
import { all, child, children, hasWord, need, type Tree } from './grammar.ts'
import { readExpression } from './read-expressions.ts'
import { readIdent, readQualifiedName, readSubscriptSafe, refuseWords } from './read-names.ts'
import { readQuery } from './read-queries.ts'
import { readType, typeIn } from './read-types.ts'
import type { ColumnDefinition, Definition } from './syntax.ts'
import type { Value } from './values.ts'

/** What stands under CREATE, DROP and ALTER. */
export function readDefinition(tree: Tree, text: string): Definition {
  switch (tree.rule) {
    case 'CreateTable':
      return readCreateTable(tree)
    case 'CreateView':
      return {
        kind: 'create-view',
        name: readQualifiedName(tree),
        replace: hasWord(tree, 'replace'),
        query: readQuery(need(tree, 'QueryOptParens')),
        text: text.slice(text.search(/\sas\s/i) + 4).trim(),
      }
    case 'DropTable':
    case 'DropView':
      return {
        kind: tree.rule === 'DropTable' ? 'drop-table' : 'drop-view',
        name: readQualifiedName(tree),
        ifExists: hasWord(tree, 'exists'),
      }
    case 'AddColumn':
      return {
        kind: 'add-columns',
        name: readQualifiedName(need(tree, 'TableWithPartitionDefault')),
        columns: children(tree, 'AddColumnDefinition').map((added) =>
          readColumn(added, readSubscriptSafe(need(added, 'SubscriptSafe'))),
        ),
      }
    case 'AlterTableProperties':
      return {
        kind: 'alter-settings',
        name: readQualifiedName(need(tree, 'TableWithPartitionDefault')),
        settings: readSettings(tree),
      }
    default:
      throw notInTheFake(`the statement ${tree.rule}: ${tree.text.slice(0, 80)}`)
  }
}

function readCreateTable(tree: Tree): Definition {
  if (all(tree, 'PartitionedBy').length > 0) throw notInTheFake('PARTITIONED BY')
  if (child(tree, 'TableCheckConstraint') !== undefined) throw notInTheFake('CHECK')
  const columns = children(tree, 'ColumnDefinitionDefault').map((wrapped) => {
    const definition = need(wrapped, 'ColumnDefinition')
    return readColumn(definition, [readIdent(need(definition, 'Ident'))])
  })
  const key = child(tree, 'PrimaryKeyConstraintTableLevel')
  const [clustered] = all(tree, 'ClusteredBy')
  const shards = clustered && child(clustered, 'IntAsLiteral')
  return {
    kind: 'create-table',
    name: readQualifiedName(tree),
    ifNotExists: hasWord(tree, 'exists'),
    columns,
    primaryKey: key === undefined ? keysAmong(tree) : readKey(need(key, 'Columns')),
    shards: shards === undefined ? null : Number(shards.text),
    settings: readSettings(tree),
  }
}

function readKey(columns: Tree): readonly (readonly string[])[] {
  return columns.parts
    .filter((part) => part.rule !== '')
    .map((part) => {
      const column = readExpression(part)
      if (column.kind !== 'column') throw new CrateError(`"${part.text}" cannot be a primary key`)
      return [...column.parts, ...column.path]
    })
}

/** Columns, also those inside objects, that say themselves that they are the key. */
function keysAmong(tree: Tree, path: readonly string[] = []): readonly (readonly string[])[] {
  const definitions = tree.parts.flatMap((part) => (part.rule === 'ColumnDefinitionDefault' ? part.parts : [part]))
  return definitions.flatMap((definition) => {
    if (definition.rule !== 'ColumnDefinition') return []
    const here = [...path, readIdent(need(definition, 'Ident'))]
    const own = child(definition, 'ColumnConstraintPrimaryKey') === undefined ? [] : [here]
    const object = child(definition, 'ObjectDataType')
    return [...own, ...(object === undefined ? [] : keysAmong(need(object, 'ObjectTypeDefinition'), here))]
  })
}

function readColumn(tree: Tree, path: readonly string[]): ColumnDefinition {
  for (const rule of ['ColumnGeneratedConstraint', 'ColumnDefaultConstraint', 'ColumnCheckConstraint'])
    if (child(tree, rule) !== undefined) throw notInTheFake(rule)
  const type = typeIn(tree)
  if (type === undefined) throw notInTheFake(`the column ${tree.text}`)
  refuseWords(tree, 'fulltext')
  const storage = child(tree, 'ColumnStorageDefinition')
  const columnStore = storage === undefined || readSettings(storage).get('columnstore') !== false
  return {
    path,
    type: readType(type),
    notNull: child(tree, 'ColumnConstraintNotNull') !== undefined,
    primaryKey: child(tree, 'ColumnConstraintPrimaryKey') !== undefined,
    indexed: child(tree, 'ColumnIndexOff') === undefined || columnStore,
  }
}

/** `WITH (name = value, …)` or `SET (…)`: names that are not quoted are folded, `"a.b"` is one name. */
function readSettings(tree: Tree): ReadonlyMap<string, Value> {
  const settings = new Map<string, Value>()
  const [list] = tree.parts.filter((part) => part.rule === 'WithGenericProperties' || part.rule === 'GenericProperties')
  if (list === undefined) return settings
  for (const property of all(list, 'GenericProperty')) {
    const value = readExpression(property.parts.at(-1)!)
    if (value.kind !== 'literal') throw notInTheFake(`the setting ${property.text}`)
    settings.set(readParts(property), value.value)
  }
  return settings
}

function readParts(property: Tree): string {
  return children(property, 'Ident').map(readIdent).join('.')
}
