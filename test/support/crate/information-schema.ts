import { show } from './casts.ts'
import type { Table, View } from './catalogue.ts'
import type { Context } from './context.ts'
import { CrateError } from './failure.ts'
import { atLeast, columnName } from './names.ts'
import { newParameters } from './parameters.ts'
import { planQuery } from './queries.ts'
import type { OutputColumn } from './relations.ts'
import { arrayOf, BOOLEAN, type DataType, INTEGER, objectOf, TEXT, typeName } from './types.ts'
import type { Value } from './values.ts'

/** The parts of `information_schema` that tell of tables. They show the cluster's state: nothing here waits for a refresh. */
export function informationSchema(
  schema: string,
  name: string,
  context: Context,
): { readonly columns: readonly OutputColumn[]; rows(): readonly (readonly Value[])[] } | null {
  if (schema !== 'information_schema' || !Object.hasOwn(VIEWS, name)) return null
  const view = VIEWS[name]!
  const typeIn = (column: string, type: DataType): DataType =>
    column === 'is_nullable' && !saysYesOrNo(context) ? BOOLEAN : type
  return {
    columns: view.columns.map(([column, type]) => ({ name: column, type: typeIn(column, type) })),
    rows: () => view.rows(context),
  }
}

/** Of `is_nullable`; before 6.1 it is a boolean. */
const saysYesOrNo = ({ settings }: Context): boolean => atLeast(settings.crateVersion, '6.1.0')

interface Shown {
  readonly columns: readonly (readonly [name: string, type: DataType])[]
  rows(context: Context): readonly (readonly Value[])[]
}

const DETAILS: DataType = {
  kind: 'object',
  policy: 'dynamic',
  fields: new Map<string, DataType>([
    ['name', TEXT],
    ['path', arrayOf(TEXT)],
    ['policy', TEXT],
  ]),
}

const VIEWS: Readonly<Record<string, Shown>> = {
  columns: {
    columns: [
      ['table_catalog', TEXT],
      ['table_schema', TEXT],
      ['table_name', TEXT],
      ['column_name', TEXT],
      ['ordinal_position', INTEGER],
      ['is_nullable', TEXT],
      ['data_type', TEXT],
      ['character_maximum_length', INTEGER],
      ['numeric_precision', INTEGER],
      ['numeric_scale', INTEGER],
      ['column_default', TEXT],
      ['is_generated', TEXT],
      ['column_details', DETAILS],
    ],
    rows: (context) => relations(context).flatMap((relation) => columnRows(relation, context)),
  },
  tables: {
    columns: [
      ['table_catalog', TEXT],
      ['table_schema', TEXT],
      ['table_name', TEXT],
      ['table_type', TEXT],
      ['number_of_shards', INTEGER],
      ['number_of_replicas', TEXT],
      ['column_policy', TEXT],
      ['settings', objectOf('ignored')],
    ],
    rows: (context) =>
      relations(context).map((relation) => {
        const head = ['crate', relation.schema, relation.name]
        if (relation.kind === 'view') return [...head, 'VIEW', null, null, null, null]
        const { settings, shards } = relation
        const replicas = show(settings.get('number_of_replicas') ?? '0-1')
        const policy = show(settings.get('column_policy') ?? 'strict')
        return [...head, 'BASE TABLE', BigInt(shards.length), replicas, policy, new Map(settings)]
      }),
  },
  views: {
    columns: [
      ['table_catalog', TEXT],
      ['table_schema', TEXT],
      ['table_name', TEXT],
      ['view_definition', TEXT],
    ],
    rows: (context) =>
      relations(context).flatMap((view) =>
        view.kind === 'view' ? [['crate', view.schema, view.name, view.text]] : [],
      ),
  },
  key_column_usage: {
    columns: [
      ['constraint_catalog', TEXT],
      ['constraint_schema', TEXT],
      ['constraint_name', TEXT],
      ['table_catalog', TEXT],
      ['table_schema', TEXT],
      ['table_name', TEXT],
      ['column_name', TEXT],
      ['ordinal_position', INTEGER],
    ],
    rows: (context) =>
      relations(context).flatMap((table) => {
        if (table.kind === 'view') return []
        const { schema, name } = table
        return table.primaryKey.map((path, at) => [
          'crate',
          schema,
          `${name}_pkey`,
          'crate',
          schema,
          name,
          // Of a member of an object, the column.
          path[0]!,
          BigInt(at + 1),
        ])
      }),
  },
  schemata: {
    columns: [['schema_name', TEXT]],
    rows: (context) => {
      const builtIn = ['blob', 'doc', 'information_schema', 'pg_catalog', 'sys']
      const used = relations(context).map(({ schema }) => schema)
      return [...new Set([...builtIn, ...context.catalogue.schemas, ...used])].sort().map((schema) => [schema])
    },
  },
}

function relations(context: Context): readonly (Table | View)[] {
  return [...context.catalogue.relations.values()]
}

/** A relation, and a column. */
const UNKNOWN: ReadonlySet<string> = new Set(['42P01', '42703'])

/** None where its table, or a column of that, is gone, as CrateDB's ViewInfoFactory has it. */
function columnsOfView({ query, schema }: View, context: Context) {
  try {
    return planQuery(query, { ...context, schema }, newParameters(0)).columns
  } catch (error) {
    if (error instanceof CrateError && UNKNOWN.has(error.sqlState)) return []
    throw error
  }
}

function columnRows(relation: Table | View, context: Context): readonly (readonly Value[])[] {
  const columns =
    relation.kind === 'table'
      ? [...relation.columns].map(([name, column]) => ({ name, ...column }))
      : columnsOfView(relation, context).map((column) => ({ ...column, nullable: true }))
  const keys = new Set(relation.kind === 'table' ? relation.primaryKey.map((path) => columnName(path)) : [])
  let ordinal = 0n
  return columns.flatMap(({ name, type, nullable }) =>
    pathsIn(type, [name], nullable).map(({ path, type: found, nullable }) => {
      const isNullable = nullable && !keys.has(columnName(path))
      const { length, precision, scale } = found.kind === 'scalar' ? found : {}
      return [
        'crate',
        relation.schema,
        relation.name,
        columnName(path),
        ++ordinal,
        saysYesOrNo(context) ? (isNullable ? 'YES' : 'NO') : isNullable,
        typeName(found),
        ...[length, precision, scale].map((number) => (number === undefined ? null : BigInt(number))),
        null,
        'NEVER',
        new Map<string, Value>([
          ['name', path[0]!],
          ['path', path.slice(1)],
          ['policy', policyOf(found)],
        ]),
      ]
    }),
  )
}

interface Place {
  readonly path: readonly string[]
  readonly type: DataType
  readonly nullable: boolean
}

/** Of what is no object: `strict`, which says nothing. */
function policyOf(type: DataType): string {
  const inner = type.kind === 'array' ? type.element : type
  return inner.kind === 'object' ? inner.policy : 'strict'
}

/** A column, and below it the known members of objects. */
function pathsIn(type: DataType, path: readonly string[], nullable: boolean): readonly Place[] {
  const object = type.kind === 'array' ? type.element : type
  if (object.kind !== 'object') return [{ path, type, nullable }]
  const { fields, required } = object
  const members = [...fields].flatMap(([name, field]) => pathsIn(field, [...path, name], !required?.has(name)))
  return [{ path, type, nullable }, ...members]
}
