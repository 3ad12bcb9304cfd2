import { isDeepStrictEqual } from 'node:util'
import { sql } from 'kysely'
import { tableLabel } from '../../../../change.ts'
import { RelayError } from '../../../../errors.ts'
import type { Catalogue, MadeTable, TableWork } from '../../../tables/catalogue.ts'
import { tableId } from '../../../tables/clauses.ts'
import type { Database, Statement } from '../../../tables/database.ts'
import type { AddedColumn } from '../../../tables/layout.ts'
import type { Unique } from '../../../tables/relation.ts'
import type { Target } from '../../../tables/target.ts'
import type { Connection } from '../../connection.ts'
import { type ObjectPolicy, type Room, type SubColumn, subColumnOf, subColumnPath } from '../documents/sub-columns.ts'
import { rememberedTables } from '../state/remembered-tables.ts'
import { type Declaration, declaration, declarations, NOT_DECLARED } from './column.ts'
import { type CreateTable, primaryKeyIn, readCreateTable } from './create-table.ts'
import type { CrateMember, CrateRelation, CrateRelationColumn } from './relation.ts'
import { MOST_COLUMNS } from './types.ts'

/**
 * CrateDB's catalogue, which shows the state of the cluster: what a statement made is there for the next one. A schema comes
 * into being with its first table. Nothing is undone if something fails: what is there the next time is taken as it is.
 */
export function crateCatalogue({ db }: Connection): Catalogue<CrateRelation> {
  const remembered = rememberedTables(db)
  const work: TableWork<CrateRelation> = {
    look: (schema, name) => readRelation(db, schema, name),
    lacksSchema: async () => false,
    async run(statements) {
      for (const statement of statements) await runUnlessDone(db, statement)
    },
    addColumns: (target, columns) => addColumns(db, target, columns),
    remember: (table) => remembered.remember(table),
  }
  return {
    load: (relay) => remembered.load(relay),
    look: work.look,
    work: (doing) => doing(work),
    textOf: (statement) => statement.compile(db).sql,
    lacksSchema: work.lacksSchema,
    imagine: async (there, made) => imagineRelation(db, there, made),
  }
}

/** What somebody made in the meantime needs not be made; whether it fits is seen when the table is looked at again. */
async function runUnlessDone(db: Database, statement: Statement): Promise<void> {
  try {
    await statement.execute(db)
  } catch (error) {
    if (!(error instanceof Error && IS_THERE.test(error.message))) throw error
  }
}

/**
 * Each ALTER TABLE is a change of the cluster's state, 125 ms with 880 columns: so one adds many. What somebody else added in
 * the meantime makes all of it fail, and is left out then.
 */
async function addColumns(db: Database, target: Target, columns: readonly AddedColumn[]): Promise<void> {
  for (let i = 0; i < columns.length; i += MOST_ADDED) {
    const some = columns.slice(i, i + MOST_ADDED)
    try {
      await sql`ALTER TABLE ${tableId(target)} ${sql.join(some.map(({ name, definition }) => sql`ADD COLUMN ${sql.id(name)} ${definition}`))}`.execute(
        db,
      )
    } catch (error) {
      if (!(error instanceof Error && IS_THERE.test(error.message))) throw error
      const there = new Set((await readRelation(db, target.schema, target.name))?.columns.map(({ name }) => name))
      const missing = some.filter(({ name }) => !there.has(name))
      if (missing.length === some.length) throw error
      await addColumns(db, target, missing)
    }
  }
}

/** Of the longest names, so that the text of the statement stays below CrateDB's limit of 262,144 characters. */
const MOST_ADDED = 300

const IS_THERE = /already has a column named|already exists/

/** Undefined if nothing bears the name. */
export async function readRelation(db: Database, schema: string, name: string): Promise<CrateRelation | undefined> {
  const found = await sql<{ table_type: string }>`
    SELECT table_type FROM information_schema.tables
    WHERE table_schema = ${schema} AND table_name = ${name}`.execute(db)
  const type = found.rows[0]?.table_type
  if (type === undefined) return undefined
  const declared = type === 'BASE TABLE' ? await readDeclared(db, schema, name) : NOTHING_DECLARED
  const columns = await readColumns(db, schema, name, declarations(declared))
  return {
    kind: KINDS[type] ?? null,
    ...columns,
    columnCount: columns.columns.length + columns.members.length,
    uniques: await readPrimaryKey(db, { schema, name, declared, ...columns }),
    foreignKeys: [],
  }
}

const KINDS: Readonly<Record<string, string>> = { 'BASE TABLE': 'r', VIEW: 'v', FOREIGN: 'f' }

const NOTHING_DECLARED: CreateTable = { columns: new Map(), rest: '' }

/** `SHOW CREATE TABLE` answers one text, in a column whose name differs between versions. */
async function readDeclared(db: Database, schema: string, name: string): Promise<CreateTable> {
  const { rows } = await sql<Record<string, string>>`SHOW CREATE TABLE ${sql.id(schema, name)}`.execute(db)
  return readCreateTable(Object.values(rows[0]!)[0]!)
}

interface ColumnRow {
  readonly column_name: string
  readonly data_type: string
  /** From 6.1 on `YES` or `NO`. */
  readonly is_nullable: boolean | string
  readonly column_default: string | null
  readonly is_generated: string
  readonly character_maximum_length: number | null
  /** `path` leads from the column to a member of an object; empty for a column of the table. */
  readonly column_details: { readonly name: string; readonly path: readonly string[]; readonly policy?: ObjectPolicy }
}

async function readColumns(
  db: Database,
  schema: string,
  name: string,
  declared: ReadonlyMap<string, Declaration>,
): Promise<Pick<CrateRelation, 'columns' | 'members'>> {
  const { rows } = await sql<ColumnRow>`
    SELECT column_name, data_type, is_nullable, column_default, is_generated, character_maximum_length, column_details
    FROM information_schema.columns WHERE table_schema = ${schema} AND table_name = ${name}
    ORDER BY ordinal_position`.execute(db)
  const isMember = ({ column_details }: ColumnRow): boolean => column_details.path.length > 0
  const members = rows.filter(isMember)
  const room: Room = { left: Math.max(0, MOST_COLUMNS - rows.length) }
  return {
    columns: rows
      .filter((row) => !isMember(row))
      .map((row) => {
        const column = columnOf(row, declared.get(row.column_name) ?? NOT_DECLARED)
        return column.dataType === 'object'
          ? { ...column, object: { columns: subColumnsOf(column, members), room } }
          : column
      }),
    members: members.map(memberOf),
  }
}

const subColumnsOf = ({ name }: CrateRelationColumn, members: readonly ColumnRow[]): Map<string, SubColumn> =>
  new Map(
    members
      .filter(({ column_details }) => column_details.name === name)
      .map((row) => {
        const { path, policy } = row.column_details
        return [subColumnPath(path), subColumnOf(dataTypeOf(row), row.character_maximum_length, policy)]
      }),
  )

const memberOf = (row: ColumnRow): CrateMember => ({
  name: row.column_name,
  path: [row.column_details.name, ...row.column_details.path],
  dataType: dataTypeOf(row),
  maxLength: row.character_maximum_length,
  isRequired: isNotNull(row) && !isFilled(row),
  ...NOT_DECLARED,
})

const isNotNull = ({ is_nullable }: ColumnRow): boolean => is_nullable === false || is_nullable === 'NO'
const isGenerated = ({ is_generated }: ColumnRow): boolean => is_generated === 'ALWAYS'
const isFilled = (row: ColumnRow): boolean => isGenerated(row) || row.column_default !== null

/** To the catalogue VARCHAR(n) is `text` with a length. */
const dataTypeOf = ({ data_type, character_maximum_length }: ColumnRow): string =>
  data_type === 'text' && character_maximum_length !== null ? 'character varying' : data_type

function columnOf(row: ColumnRow, declared: Declaration): CrateRelationColumn {
  const { column_name: name, character_maximum_length: maxLength } = row
  const dataType = dataTypeOf(row)
  const type = typeText(dataType, maxLength, declared)
  const baseType = baseTypeOf(dataType)
  const modifier = modifierOf(dataType, maxLength, declared)
  return {
    name,
    type,
    baseType,
    modifier,
    notNull: isNotNull(row),
    filled: isFilled(row),
    generated: isGenerated(row) ? 'expression' : null,
    collation: null,
    underlying: { name: baseType, sql: dataType, modifier, kind: 'b' },
    dataType,
    maxLength,
    ...declared,
  }
}

/** What `readRelation` would say of a table of the relay's own making, once it has these columns. */
function imagineRelation(
  db: Database,
  there: CrateRelation | undefined,
  { target, columns, keys }: MadeTable,
): CrateRelation {
  const { columns: before = [], members = [], ...rest } = there ?? {}
  const room: Room = { left: Math.max(0, MOST_COLUMNS - before.length - columns.length - members.length) }
  const made = columns.map(({ name, definition }) => {
    const text = definition.compile(db).sql
    return columnOf(rowOf(name, text), declaration(text))
  })
  const inRoom = (column: CrateRelationColumn): CrateRelationColumn =>
    column.dataType === 'object'
      ? { ...column, object: { columns: new Map<string, SubColumn>(), ...column.object, room } }
      : column
  const all = [...before, ...made].map(inRoom)
  const constraint = `${target.name}_pkey`
  const key = { name: constraint, constraint, primary: true, columns: keys, plain: true, deferrable: false }
  const isNew = { kind: 'r', uniques: keys.length === 0 ? [] : [key], foreignKeys: [] }
  return { ...isNew, ...rest, columns: all, members, columnCount: all.length + members.length }
}

/** @param text as the relay defines a column: `NUMERIC(38, 10) NOT NULL` */
function rowOf(name: string, text: string): ColumnRow {
  const [type] = /^[A-Za-z ]+?(?=\(|$| NOT NULL)/.exec(text)!
  return {
    column_name: name,
    data_type: type.toLowerCase(),
    is_nullable: !text.endsWith(' NOT NULL'),
    column_default: null,
    is_generated: 'NEVER',
    character_maximum_length: null,
    column_details: { name, path: [] },
  }
}

/** CrateDB's names → those by which PostgreSQL keeps the same types. Others stay as they are: `object`, `ip`, `geo_point`. */
const BASE_TYPES: Readonly<Record<string, string>> = {
  boolean: 'bool',
  smallint: 'int2',
  integer: 'int4',
  bigint: 'int8',
  real: 'float4',
  'double precision': 'float8',
  'character varying': 'varchar',
  character: 'bpchar',
  'timestamp with time zone': 'timestamptz',
  'timestamp without time zone': 'timestamp',
}

/** `bigint` → `int8`, `bigint_array` → `_int8`. */
function baseTypeOf(dataType: string): string {
  if (dataType.endsWith('_array')) return `_${baseTypeOf(dataType.slice(0, -'_array'.length))}`
  return BASE_TYPES[dataType] ?? dataType
}

/** As SQL would declare it. */
function typeText(dataType: string, maxLength: number | null, { precision, scale, policy }: Declaration): string {
  if (maxLength !== null) return `${dataType}(${maxLength})`
  if (precision !== null) return `${dataType}(${precision},${scale})`
  return policy === null ? dataType : `${dataType}(${policy})`
}

/** As PostgreSQL encodes them. */
function modifierOf(dataType: string, maxLength: number | null, { precision, scale }: Declaration): number {
  if (maxLength !== null && dataType.startsWith('character')) return maxLength + 4
  return precision === null ? -1 : precision * 65_536 + (scale ?? 0) + 4
}

interface Described extends Pick<CrateRelation, 'columns' | 'members'> {
  readonly schema: string
  readonly name: string
  readonly declared: CreateTable
}

/** The only thing that is unique. Parts that are members of an object read as the members do: `pk['id']`. */
async function readPrimaryKey(db: Database, table: Described): Promise<Unique[]> {
  const { rows } = await sql<{ constraint_name: string; column_name: string }>`
    SELECT constraint_name, column_name FROM information_schema.key_column_usage
    WHERE table_schema = ${table.schema} AND table_name = ${table.name} ORDER BY ordinal_position`.execute(db)
  const first = rows[0]
  if (first === undefined) return []
  const constraint = first.constraint_name
  const named = rows.map(({ column_name }) => column_name)
  const isObject = (name: string): boolean =>
    table.columns.find((column) => column.name === name)?.dataType === 'object'
  const columns = named.some(isObject) ? membersOfKey(table, constraint, named) : named
  return [{ name: constraint, constraint, primary: true, columns, plain: true, deferrable: false }]
}

/**
 * The catalogue names the object, as often as it has parts of the key, and not the member.
 * @throws RelayError SINK_TABLE if `SHOW CREATE TABLE` does not tell it
 */
function membersOfKey({ schema, name, declared, members }: Described, constraint: string, named: string[]): string[] {
  const paths = primaryKeyIn(declared, constraint) ?? []
  const columns = paths.map((path) =>
    path.length === 1 ? path[0] : members.find((member) => isDeepStrictEqual(member.path, path))?.name,
  )
  const isSame = paths.length === named.length && paths.every(([column], i) => column === named[i])
  if (isSame && columns.every((column) => column !== undefined)) return columns
  const detail = `What SHOW CREATE TABLE says of the primary key of ${tableLabel({ schema, name })} cannot be read. Please report its answer`
  throw new RelayError('SINK_TABLE', detail)
}
