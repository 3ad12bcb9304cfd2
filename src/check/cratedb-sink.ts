import { isDeepStrictEqual } from 'node:util'
import { sql } from 'kysely'
import type { SourceTable } from '../batch.ts'
import { type Change, type ColumnType, Numeric, newRow, type Row, type Value } from '../change.ts'
import { SILENT } from '../observe/log.ts'
import { parseJson } from '../parse-json.ts'
import type { Connection } from '../sinks/sql/connection.ts'
import { cratedb } from '../sinks/sql/cratedb/dialect.ts'
import type { Check } from './check.ts'
import type { CheckContext } from './context.ts'
import { asTheSink, claimOf, learnedTable, NAME, written } from './cratedb-context.ts'
import type { Place } from './place.ts'

const OTHERWISE = 'The relay cannot write to this server as it should: please report what was found.'

/** The statements that the sink itself makes, each kind at least once, and what is stored then. */
export const CRATEDB_SINK: readonly Check[] = [
  {
    id: 'C-50',
    what: 'the relay claims a name, moves its positions, gives the name up, and claims it again',
    expected: 'claimed, moved, and read again',
    decides: 'what the relay remembers in tables of its own',
    otherwise: OTHERWISE,
    find: (context) => asTheSink(context, rememberAndReadAgain),
  },
  {
    id: 'C-51',
    what: 'the relay mirrors documents: new ones, an older change, a delete, a partial image',
    expected: 'applied 2, 1, 1, and stored as they are',
    decides: 'the layout document',
    otherwise: OTHERWISE,
    find: (context) => asTheSink(context, mirrorDocuments),
  },
  {
    id: 'C-52',
    what: 'the relay mirrors columns of all types: a row, a partial image, a change of key, a sweep',
    expected: 'applied 1, 1, 1, and stored as they are',
    decides: 'the layout columns',
    otherwise: OTHERWISE,
    find: (context) => asTheSink(context, mirrorColumns),
  },
  {
    id: 'C-53',
    what: 'the relay appends changes and keeps a dead letter, twice',
    expected: '2 changes and 1 dead letter',
    decides: 'the mode append, and dead letters',
    otherwise: OTHERWISE,
    find: (context) => asTheSink(context, appendAndKeep),
  },
]

async function rememberAndReadAgain(connection: Connection): Promise<string> {
  const { signal } = new AbortController()
  const positions = new Map([['shard-0', { sequence: '7', arrivedAt: 1, caughtUpAt: null }]])
  const state = cratedb.state(connection, SILENT)
  await state.claim(claimOf('again'), signal)
  for (const fact of ['one', 'two']) {
    await state.moveWithin(connection.db, { positions, forgotten: [], facts: new Map([['subject', fact]]) })
  }
  const isMoved = await state.moveWithin(connection.db, { positions, forgotten: [], facts: new Map() })
  await state.close()
  const next = cratedb.state(connection, SILENT)
  const stored = await next.claim(claimOf('again'), signal)
  await next.close()
  const isSame = stored.positions.get('shard-0')?.sequence === '7' && stored.facts.get('subject') === 'two'
  return isMoved && isSame ? 'claimed, moved, and read again' : `moved: ${isMoved}, read again: ${isSame}`
}

const { columns, document } = cratedb.mirrors({}, 'soft', () => new Map())

async function mirrorDocuments(connection: Connection, context: CheckContext): Promise<string> {
  const place = context.place!
  const change = changesOf(`${place.prefix}documents`, 'dynamodb')
  const put = (id: string, version: string, rest: Record<string, Value> = {}) =>
    change({ id }, version, { id, ...rest })
  const list = [1, 'x', null, row({ b: [] })]
  const first = [put('a', '5', { text: '"quoted"\n\\', list }), put('b', '5')]
  const table = await learnedTable(connection, place, document, null, first)
  const patch = { ...put('a', '7', { big: new Numeric('9007199254740993') }), complete: false }
  const counts = [
    await written(connection, table, first),
    await written(connection, table, [put('a', '4'), change({ id: 'b' }, '6', null)]),
    await written(connection, table, [patch]),
  ]
  await cratedb.prune(connection.db, NAME, table, 1)
  const { rows } = await sql<{ data: string }>`
    SELECT "data"::text AS "data" FROM ${tableOf(place, 'documents')} WHERE "id" = 'a'`.execute(connection.db)
  const data = rows[0]?.data ?? '{}'
  const { big: _, ...stored } = parseJson(data) as Record<string, unknown>
  const expected = { id: 'a', text: '"quoted"\n\\', list: [1, 'x', null, { b: [] }] }
  return outcomeOf(counts, /"big": ?9007199254740993\b/.test(data) && isDeepStrictEqual(stored, expected), data)
}

const TYPES: Readonly<Record<string, ColumnType>> = {
  id: 'int64',
  flag: 'boolean',
  small: 'int16',
  whole: 'int32',
  large: 'int64',
  real: 'float32',
  double: 'float64',
  price: 'numeric',
  note: 'text',
  at: 'timestamp',
  rest: 'json',
}

async function mirrorColumns(connection: Connection, context: CheckContext): Promise<string> {
  const place = context.place!
  const name = { schema: null, name: `${place.prefix}columns` }
  const known: SourceTable = {
    name,
    key: ['id'],
    columns: new Map(Object.entries(TYPES)),
    values: 'textual',
    floor: null,
  }
  const values = { flag: true, small: 12, whole: 34, large: new Numeric('9007199254740993'), real: 1.5, double: 0.1 }
  const texts = { price: 1.5, note: 'a', at: '2024-07-12T01:17:42.000001Z', rest: '{"x":1}' }
  const change = changesOf(name.name, 'dms')
  const put = change({ id: 1 }, '5', { id: 1, ...values, ...texts })
  const patch = change({ id: 1 }, '6', { id: 1, price: new Numeric('0.0000001'), whole: 'x' })
  const move = { ...change({ id: 1 }, '7', { id: 2, note: 'b' }), before: row({ id: 1 }) }
  const table = await learnedTable(connection, place, columns, known, [put])
  const counts = [
    await written(connection, table, [put]),
    await written(connection, table, [{ ...patch, complete: false }]),
    await written(connection, table, [{ ...move, complete: false }]),
  ]
  await cratedb.writing.sweep(connection.db, table, '1')
  const { rows } = await sql<Record<string, unknown>>`
    SELECT "flag", "small", "whole", "large", "real", "double", "price" = '0.0000001'::numeric(38, 10) AS "price", "note",
      "at", "rest", "cdc_extra", "cdc_version" FROM ${tableOf(place, 'columns')} WHERE "id" = 2`.execute(connection.db)
  const expected = {
    ...{ ...values, large: '9007199254740993', whole: null, price: true, note: 'b' },
    ...{ at: '2024-07-12T01:17:42.000001Z', rest: { x: 1 }, cdc_extra: { whole: 'x' }, cdc_version: '7' },
  }
  const stored = { ...rows[0] }
  return outcomeOf(counts, isDeepStrictEqual(stored, expected), JSON.stringify(stored))
}

async function appendAndKeep(connection: Connection, context: CheckContext): Promise<string> {
  const place = context.place!
  const changeOf = changesOf(`${place.prefix}changes`, 'dynamodb')
  const changes = ['1', '2'].map((sequence): Change => {
    const change = changeOf({ id: 'a' }, '5', { id: 'a', list: [1, 'x'] })
    return { ...change, source: { ...change.source, sequence } }
  })
  const table = await learnedTable(connection, place, cratedb.append(false), null, changes)
  const letter = {
    kind: 'dead-letter',
    code: 'SINK_REFUSED',
    detail: 'a "reason"',
    source: changes[0]!.source,
  } as const
  for (const detail of [letter.detail, 'another']) {
    await written(connection, table, changes)
    await cratedb.keepDeadLetters(connection.db, NAME, [{ ...letter, detail, change: changes[0]! }])
  }
  await sql`REFRESH TABLE ${tableOf(place, 'changes')}, ${tableOf(place, 'dead_letters')}`.execute(connection.db)
  const counts: string[] = []
  for (const name of ['changes', 'dead_letters']) {
    const { rows } = await sql<{ n: string }>`SELECT count(*) AS "n" FROM ${tableOf(place, name)}`.execute(
      connection.db,
    )
    counts.push(rows[0]!.n)
  }
  return `${counts[0]} changes and ${counts[1]} dead letter`
}

const tableOf = ({ schema, prefix }: Place, name: string) => sql.id(schema, `${prefix}${name}`)

function outcomeOf(counts: readonly number[], isStored: boolean, stored: string): string {
  return `applied ${counts.join(', ')}, and stored ${isStored ? 'as they are' : `otherwise: ${stored}`}`
}

const changesOf =
  (name: string, format: 'dms' | 'dynamodb') =>
  (key: Record<string, Value>, version: string, after: Record<string, Value> | null): Change => ({
    kind: 'change',
    op: after === null ? 'delete' : 'update',
    table: { schema: null, name },
    key: row(key),
    before: null,
    after: after === null ? null : row(after),
    complete: true,
    version,
    time: '2024-07-12T01:17:42.000001Z',
    source: { format, stream: 'check', shard: 'shard-0', sequence: version },
  })

const row = (members: Record<string, Value>): Row => Object.assign(newRow(), members)
