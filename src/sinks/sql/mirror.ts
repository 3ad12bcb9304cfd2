import { sql } from 'kysely'
import { type Change, toJson } from '../../change.ts'
import { fold, type Standing } from '../../deliver/fold.ts'
import { RelayError } from '../../errors.ts'
import type { Database } from './connection.ts'
import {
  columnList,
  deferrableKeys,
  missingUnique,
  NEW_KEY_TYPES,
  type OwnColumn,
  tableId,
  unfilledColumns,
  wrongColumns,
  wrongForeignKeys,
  wrongKeys,
  wrongKind,
  wrongUniques,
} from './fit.ts'
import { familyOf, KEY_TYPES, type KeyColumn, keyTexts, keyToken, type WantedKey } from './keys.ts'
import type { Beside, Layout, Misfit, Plan, Statement, Target, TargetTable } from './layout.ts'
import { keyColumnName, liveViewName, tombstonesName } from './names.ts'
import { inSlices } from './slices.ts'

const DATA: OwnColumn = { name: 'data', definition: sql`jsonb`, types: ['jsonb', 'json'], mayBeNotNull: true }
const VERSION: OwnColumn = { name: 'cdc_version', definition: sql`bigint`, types: ['int8'], mayBeNotNull: true }
const DELETED: OwnColumn = { name: 'cdc_deleted', definition: sql`boolean`, types: ['bool'], mayBeNotNull: true }

/**
 * The mirror in the layout `document`: key columns, the whole row as JSON in `data`, its version in `cdc_version`.
 *
 * The one rule, with every write: a change is applied if its version is not smaller than the one that its key holds. A
 * row without version is older than everything.
 *
 * `hard`: a delete removes the row and leaves its key and version in a table of tombstones, which an upsert asks, too.
 * What one transaction buries, another sees only in statements that begin after its commit: writers of a table take turns.
 * `soft`: a delete empties `data` and sets `cdc_deleted`; a view beside the table shows the rows that live.
 */
export function documentMirror(deletes: 'hard' | 'soft'): Layout {
  const own = deletes === 'soft' ? [{ ...DATA, mayBeNotNull: false }, VERSION, DELETED] : [DATA, VERSION]

  return {
    // With soft deletes only so that two relays of one table do not lock its rows crosswise.
    takesTurns: true,
    hasTombstones: deletes === 'hard',

    keys: wantedKeys,

    create(target, keys) {
      const columns = [
        ...keys.map(({ column, family }) => sql`${sql.id(column)} ${NEW_KEY_TYPES[family]} NOT NULL`),
        sql`data jsonb`,
        sql`cdc_version bigint`,
        ...(deletes === 'soft' ? [sql`cdc_deleted boolean NOT NULL DEFAULT false`] : []),
        sql`PRIMARY KEY (${columnList(keys)})`,
      ]
      // Room in each page lets an update stay beside the row that it replaces, without touching the index.
      return [sql`CREATE TABLE ${tableId(target)} (${sql.join(columns)}) WITH (fillfactor = 85)`]
    },

    misfits(target, keys, relation) {
      const kind = wrongKind(target, relation)
      if (kind.length > 0) return kind
      const written = new Set([...keys.map(({ column }) => column), ...own.map(({ name }) => name)])
      return [
        ...wrongKeys(target, keys, relation),
        ...wrongColumns(target, own, relation),
        ...(deletes === 'hard' ? softDeleted(relation.columns) : []),
        ...missingUnique(target, keys, relation),
        ...deferrableKeys(target, keys, relation),
        ...wrongUniques(target, keys, written, relation),
        ...wrongForeignKeys(relation),
        ...unfilledColumns(target, written, relation),
      ]
    },

    beside: (table) => (deletes === 'hard' ? tombstones(table) : liveView(table)),

    plan: (table, changes) => (deletes === 'hard' ? hardPlan(table, changes) : softPlan(table, changes)),
  }
}

function wantedKeys({ table, key }: Change): WantedKey[] {
  const attributes = Object.keys(key ?? {}).sort()
  if (key === null || attributes.length === 0) {
    throw new RelayError('SINK_TABLE', `No key is known for table ${table.name}, and a mirror needs one`)
  }
  return attributes.map((attribute) => {
    const family = familyOf(key[attribute])
    if (family === undefined) {
      throw new RelayError(
        'SINK_TABLE',
        `The key attribute "${attribute}" of ${table.name} is no text, number or binary`,
      )
    }
    return { attribute, column: keyColumnName(attribute), family }
  })
}

/** Rows that an earlier mirror with soft deletes marked would look alive, or stay marked for ever. */
function softDeleted(columns: readonly { readonly name: string }[]): Misfit[] {
  if (!columns.some(({ name }) => name === DELETED.name)) return []
  return [
    { what: 'column "cdc_deleted" shows that it was mirrored with --deletes soft: run with that again', cure: null },
  ]
}

/** The same key columns as the table's, so that a tombstone compares as its row did. */
function tombstones(table: TargetTable): Beside {
  const columns = table.keys.map(({ column, declared, collation }) => {
    // The declared type is the catalogue's own spelling of one of `KEY_TYPES`.
    const type = sql`${sql.id(column)} ${sql.raw(declared)}`
    return collation === null ? type : sql`${type} COLLATE ${sql.id(collation.schema, collation.name)}`
  })
  return {
    schema: 'cdc_relay',
    name: tombstonesName(table.schema, table.name),
    needed: true,
    create: sql`CREATE TABLE ${tombstonesId(table)} (
      ${sql.join(columns)}, version bigint NOT NULL, removed_at timestamptz NOT NULL, PRIMARY KEY (${columnList(table.keys)})
    ) WITH (fillfactor = 85)`,
    misfits(relation) {
      const isSame = table.keys.every(({ column, declared }) =>
        relation.columns.some(({ name, type }) => name === column && type === declared),
      )
      if (isSame) return []
      const what = 'its tombstones were made for other key columns; if the mirror begins anew they can go'
      return [{ what, cure: sql`DROP TABLE ${tombstonesId(table)}` }]
    },
  }
}

export const tombstonesId = ({ schema, name }: Target): Statement => sql.id('cdc_relay', tombstonesName(schema, name))

function liveView(table: TargetTable): Beside {
  const name = liveViewName(table.name)
  return {
    schema: table.schema,
    name,
    needed: false,
    create: sql`CREATE VIEW ${sql.id(table.schema, name)} AS
      SELECT ${columnList(table.keys)}, data, cdc_version FROM ${tableId(table)} WHERE cdc_deleted IS NOT TRUE`,
    misfits: () => [],
  }
}

async function hardPlan(table: TargetTable, changes: readonly Change[]): Promise<Plan> {
  const upserts: string[] = []
  const deletes: string[] = []
  await inSlices(await standingOf(table, changes), (slice) => {
    for (const change of slice) {
      const key = keyMembers(table.keys, change)
      if (change.op === 'delete') deletes.push(`{${key},"v":${change.version}}`)
      else upserts.push(`{${key},"d":${toJson(change.after)},"v":${change.version}}`)
    }
  })
  const [upsertRows, deleteRows] = [jsonArray(upserts), jsonArray(deletes)]
  return {
    async write(trx) {
      let applied = 0
      if (upserts.length > 0) applied += await upsert(trx, table, upsertRows)
      if (deletes.length > 0) applied += await bury(trx, table, deleteRows)
      return applied
    },
  }
}

async function softPlan(table: TargetTable, changes: readonly Change[]): Promise<Plan> {
  const rows: string[] = []
  await inSlices(await standingOf(table, changes), (slice) => {
    for (const change of slice) {
      const isDelete = change.op === 'delete'
      const data = isDelete ? 'null' : toJson(change.after)
      rows.push(`{${keyMembers(table.keys, change)},"d":${data},"v":${change.version},"x":${isDelete}}`)
    }
  })
  const json = jsonArray(rows)
  return { write: (trx) => upsertOrMark(trx, table, json) }
}

async function standingOf(table: TargetTable, changes: readonly Change[]): Promise<Change[]> {
  const standing: Standing = new Map()
  const keyText = keyTexts(table.source, table.keys)
  await inSlices(changes, (slice) => fold(standing, slice, keyText))
  return [...standing.values()]
}

/** `"k0":…,"k1":…` */
function keyMembers(keys: readonly KeyColumn[], change: Change): string {
  let members = ''
  for (let i = 0; i < keys.length; i++) members += `${i === 0 ? '' : ','}"k${i}":${keyToken(keys[i]!, change)}`
  return members
}

const jsonArray = (rows: readonly string[]): string => `[${rows.join(',')}]`

/** Rows inserted or updated are counted; what the guard or a tombstone holds back is not. */
async function upsert(trx: Database, table: TargetTable, rows: string): Promise<number> {
  const keys = columnList(table.keys)
  const result = await sql`
    INSERT INTO ${tableId(table)} AS x (${keys}, data, cdc_version)
    SELECT ${parameterKeys(table)}, s.d, s.v
    FROM jsonb_to_recordset(${rows}::jsonb) AS s(${parameterTypes(table)}, d jsonb, v bigint)
    WHERE NOT EXISTS (SELECT FROM ${tombstonesId(table)} b WHERE ${sameKey(table, 'b')} AND b.version > s.v)
    ON CONFLICT (${keys}) DO UPDATE SET data = excluded.data, cdc_version = excluded.cdc_version
    WHERE x.cdc_version IS NULL OR excluded.cdc_version >= x.cdc_version`.execute(trx)
  return Number(result.numAffectedRows)
}

/** A tombstone is made, or made newer, exactly where the delete is applied: also where there is no row. */
async function bury(trx: Database, table: TargetTable, rows: string): Promise<number> {
  const keys = columnList(table.keys)
  const { rows: counts } = await sql<{ applied: number }>`
    WITH s AS (
      SELECT * FROM jsonb_to_recordset(${rows}::jsonb) AS s(${parameterTypes(table)}, v bigint)
    ), buried AS (
      INSERT INTO ${tombstonesId(table)} AS b (${keys}, version, removed_at)
      SELECT ${parameterKeys(table)}, s.v, now() FROM s
      WHERE NOT EXISTS (SELECT FROM ${tableId(table)} x WHERE ${sameKey(table, 'x')} AND x.cdc_version > s.v)
      ON CONFLICT (${keys}) DO UPDATE SET version = excluded.version, removed_at = excluded.removed_at
      WHERE excluded.version >= b.version
      RETURNING 1
    ), removed AS (
      DELETE FROM ${tableId(table)} x USING s
      WHERE ${sameKey(table, 'x')} AND (x.cdc_version IS NULL OR x.cdc_version <= s.v)
    )
    SELECT count(*)::int AS applied FROM buried`.execute(trx)
  return counts[0]!.applied
}

async function upsertOrMark(trx: Database, table: TargetTable, rows: string): Promise<number> {
  const keys = columnList(table.keys)
  const result = await sql`
    INSERT INTO ${tableId(table)} AS x (${keys}, data, cdc_version, cdc_deleted)
    SELECT ${parameterKeys(table)}, s.d, s.v, s.x
    FROM jsonb_to_recordset(${rows}::jsonb) AS s(${parameterTypes(table)}, d jsonb, v bigint, x boolean)
    ON CONFLICT (${keys}) DO UPDATE
    SET data = excluded.data, cdc_version = excluded.cdc_version, cdc_deleted = excluded.cdc_deleted
    WHERE x.cdc_version IS NULL OR excluded.cdc_version >= x.cdc_version`.execute(trx)
  return Number(result.numAffectedRows)
}

/** `s.k0, s.k1` */
const parameterKeys = ({ keys }: TargetTable): Statement => sql.join(keys.map((_, i) => sql.id('s', `k${i}`)))

/** `k0 text, k1 numeric` */
const parameterTypes = ({ keys }: TargetTable): Statement =>
  sql.join(keys.map(({ type }, i) => sql`${sql.id(`k${i}`)} ${sql.raw(KEY_TYPES[type].travelsAs)}`))

/** `b."id" = s.k0 AND …` */
const sameKey = ({ keys }: TargetTable, alias: string): Statement =>
  sql.join(
    keys.map(({ column }, i) => sql`${sql.id(alias, column)} = ${sql.id('s', `k${i}`)}`),
    sql` AND `,
  )
