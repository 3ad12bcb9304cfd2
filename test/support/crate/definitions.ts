import { type Column, countColumns, findRelation, nameKey, type Table, tableNamed } from './catalogue.ts'
import type { Context, Result } from './context.ts'
import { CrateError, notInTheFake } from './failure.ts'
import { atLeast, checkColumnName, checkTableName, columnName } from './names.ts'
import { newParameters } from './parameters.ts'
import { planQuery } from './queries.ts'
import type { ColumnDefinition, Definition, QualifiedName } from './syntax.ts'
import { columnsIn, copyOf, type DataType, objectOf, type ScalarType, typeName } from './types.ts'

const DEFAULT_SHARDS = 4

/** @throws CrateError */
export function define(definition: Definition, context: Context): Result {
  switch (definition.kind) {
    case 'create-table':
      return done('CREATE', createTable(definition, context))
    case 'create-view':
      return done('CREATE', createView(definition, context))
    case 'create-schema':
      context.catalogue.schemas.add(definition.name)
      return done('CREATE', 1)
    case 'drop-table':
    case 'drop-view':
      return done('DROP', drop(definition, context))
    case 'add-columns':
      addColumns(definition.name, definition.columns, context)
      return done('ALTER', -1)
    case 'alter-settings': {
      const table = tableNamed(context.catalogue, definition.name, context.schema, 'ALTER')
      for (const [name, value] of definition.settings) table.settings.set(name, value)
      return done('ALTER', -1)
    }
  }
}

function done(verb: string, count: number): Result {
  return { tag: `${verb} ${count}`, columns: null, rows: [] }
}

function createTable(definition: Definition & { kind: 'create-table' }, context: Context): number {
  const { schema, name } = qualified(definition.name, context)
  checkTableName(schema, name)
  if (findRelation(context.catalogue, { schema, name }, schema) !== undefined) {
    if (definition.ifNotExists) return 0
    throw new CrateError(`Relation '${schema}.${name}' already exists.`, '42P07')
  }
  if (definition.settings.get('column_policy') === 'dynamic') throw notInTheFake("column_policy = 'dynamic'")
  const table: Table = {
    kind: 'table',
    schema,
    name,
    columns: new Map(),
    primaryKey: inOrderOfColumns(definition),
    shards: Array.from({ length: definition.shards ?? DEFAULT_SHARDS }, () => ({ seqNo: 0n, primaryTerm: 1n })),
    settings: new Map(definition.settings),
    live: new Map(),
    searchable: new Map(),
    ids: 0,
  }
  for (const column of definition.columns) addColumn(table, column, context)
  for (const path of definition.primaryKey) checkKey(table, path)
  context.catalogue.relations.set(nameKey(schema, name), table)
  return 1
}

/** Whatever the order in which the key names them. */
function inOrderOfColumns({ columns, primaryKey }: Definition & { kind: 'create-table' }): Table['primaryKey'] {
  const places = new Map(columns.map(({ path }, place) => [path[0], place]))
  return primaryKey.toSorted(([one], [other]) => (places.get(one) ?? 0) - (places.get(other) ?? 0))
}

function createView(definition: Definition & { kind: 'create-view' }, context: Context): number {
  const { schema, name } = qualified(definition.name, context)
  checkTableName(schema, name)
  const before = findRelation(context.catalogue, { schema, name }, schema)
  if (before !== undefined && !(definition.replace && before.kind === 'view'))
    throw new CrateError(`Relation '${schema}.${name}' already exists.`, '42P07')
  planQuery(definition.query, context, newParameters(0))
  const { query, text } = definition
  context.catalogue.relations.set(nameKey(schema, name), { kind: 'view', schema, name, query, text })
  return 1
}

function drop(definition: Definition & { kind: 'drop-table' | 'drop-view' }, context: Context): number {
  const { schema, name } = qualified(definition.name, context)
  const found = findRelation(context.catalogue, { schema, name }, schema)
  const fits = found !== undefined && found.kind === (definition.kind === 'drop-table' ? 'table' : 'view')
  if (!fits && !definition.ifExists) throw new CrateError(`Relation '${schema}.${name}' unknown`, '42P01')
  if (fits) context.catalogue.relations.delete(nameKey(schema, name))
  return fits ? 1 : 0
}

/** All of them, or none. */
function addColumns(name: QualifiedName, columns: readonly ColumnDefinition[], context: Context): void {
  const table = tableNamed(context.catalogue, name, context.schema, 'ALTER')
  const added = new Set<string>()
  for (const { path, primaryKey, notNull } of columns) {
    if (hasColumn(table, path) || added.has(columnName(path)))
      throw new CrateError(`The table ${table.schema}.${table.name} already has a column named ${columnName(path)}`)
    if (primaryKey) throw new CrateError(`Cannot add a primary key column to table ${table.schema}.${table.name}`)
    if (notNull && table.live.size > 0)
      throw new CrateError('A NOT NULL column cannot be added to a table that has rows')
    added.add(columnName(path))
  }
  for (const column of columns) addColumn(table, column, context)
}

function hasColumn(table: Table, path: readonly string[]): boolean {
  const column = table.columns.get(path[0]!)
  return column !== undefined && (path.length === 1 || fieldAt(column.type, path.slice(1)) !== undefined)
}

function fieldAt(type: DataType, path: readonly string[]): DataType | undefined {
  const [name, ...rest] = path
  if (name === undefined) return type
  const field = type.kind === 'object' ? type.fields.get(name) : undefined
  return field === undefined ? undefined : fieldAt(field, rest)
}

function addColumn(table: Table, definition: ColumnDefinition, context: Context): void {
  const { path } = definition
  const type = copyOf(definition.type)
  const { crateVersion, columnLimit } = context.settings
  path.forEach((name, at) => {
    checkColumnName(name, crateVersion, at === 0)
  })
  checkStorable(type, crateVersion)
  const count = countColumns(table) + columnsIn(type)
  if (count > columnLimit)
    throw new CrateError(`Limit of total columns [${columnLimit}] in table [${table.schema}.${table.name}] exceeded`)
  if (path.length > 1) {
    addMember(table, path, type)
    return
  }
  if (table.columns.has(path[0]!)) throw new CrateError(`column "${path[0]}" specified more than once`)
  const key = table.primaryKey.some((one) => one[0] === path[0])
  const column: Column = { type, nullable: !definition.notNull && !key, indexed: definition.indexed }
  table.columns.set(path[0]!, column)
}

function addMember(table: Table, path: readonly string[], type: DataType): void {
  const above = table.columns.get(path[0]!)?.type
  const object = above === undefined ? undefined : fieldAt(above, path.slice(1, -1))
  if (object?.kind === 'object') object.fields.set(path.at(-1)!, type)
  else
    table.columns.set(path[0]!, {
      type: { ...objectOf('dynamic'), fields: new Map([[path[1]!, type]]) },
      nullable: true,
      indexed: true,
    })
}

function checkStorable(type: DataType, crateVersion: string): void {
  if (type.kind === 'array') checkStorable(type.element, crateVersion)
  else if (type.kind === 'scalar') checkScalar(type, crateVersion)
  else
    for (const [name, field] of type.fields) {
      checkColumnName(name, crateVersion, false)
      checkStorable(field, crateVersion)
    }
}

function checkScalar(type: ScalarType, crateVersion: string): void {
  if (type.name === 'numeric' && type.precision === undefined)
    throw new CrateError('NUMERIC storage is only supported if precision and scale are specified')
  if (type.precision !== undefined && type.precision > 38)
    throw new CrateError('Precision for NUMERIC(p, s) must be at most 38')
  const since = type.name === 'uuid' ? '6.2.0' : type.name === 'date' ? '6.5.0' : null
  const never = type.name === 'json' || type.name === 'time with time zone'
  if (never || (since !== null && !atLeast(crateVersion, since)))
    throw new CrateError(`Type \`${type.name}\` does not support storage`)
}

function checkKey(table: Table, path: readonly string[]): void {
  const column = table.columns.get(path[0]!)
  const type = column === undefined ? undefined : fieldAt(column.type, path.slice(1))
  if (type === undefined) throw new CrateError(`Column ${columnName(path)} unknown`, '42703')
  if (type.kind !== 'scalar') throw new CrateError(`Cannot use columns of type "${typeName(type)}" as primary key`)
  if (column?.indexed === false) throw new CrateError('Cannot use columns with INDEX OFF as primary key')
}

function qualified(name: QualifiedName, context: Context): { schema: string; name: string } {
  return { schema: name.schema ?? context.schema, name: name.name }
}
