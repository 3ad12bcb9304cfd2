import { type TestContext, test } from 'node:test'
import type { SourceTable } from '../../../src/batch.ts'
import type { DeadLetter, StreamChange } from '../../../src/change.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import {
  addColumn,
  at,
  batchOf,
  claimOf,
  createTable,
  del,
  dmsDel,
  dmsMove,
  dmsPatch,
  dmsPut,
  dropTable,
  knownTables,
  put,
  sourceTable,
} from '../../support/changes.ts'
import { sqlSinkOf } from '../../support/targets/sql-target.ts'

/** Where a dialect writes while its statements are listened to. */
export interface ListenedTarget {
  readonly url: string
  /** All statements that came by the URL, as they were sent, in order. */
  statements(): readonly string[]
  close(): Promise<void>
}

/** A batch for which every dialect has its own statements, and the one before it, which makes its tables. */
interface DialectBatch {
  readonly title: string
  readonly options: Partial<SqlSinkOptions>
  readonly before: readonly StreamChange[]
  readonly knownBefore?: SourceTable
  readonly known?: SourceTable
  readonly changes: readonly StreamChange[]
  readonly deadLetters?: readonly DeadLetter[]
  readonly facts?: Readonly<Record<string, string>>
}

const COLUMNS = { id: 'int64', note: 'text', qty: 'int32', extra: 'json' } as const
const ORDERS = sourceTable(COLUMNS)
const PAIRS = sourceTable({ a: 'int64', b: 'text', note: 'text' }, { key: ['a', 'b'] })
const KEYLESS = sourceTable({ id: 'int64', note: 'text' }, { key: [] })
const SOURCE = { format: 'dynamodb', stream: 'changes', shard: 'shard-0', sequence: '7' } as const

/** Each way of writing that there is, once. */
const BATCHES: readonly DialectBatch[] = [
  ...(['hard', 'soft'] as const).flatMap((deletes): DialectBatch[] => [
    {
      title: `document, deletes ${deletes}: rows and deletes`,
      options: { layout: 'document', deletes },
      before: [put('a', 1)],
      changes: [put('a', 2), put('b', 2), del('c', 2)],
    },
    {
      title: `document, deletes ${deletes}: partial images and a move`,
      options: { layout: 'document', deletes },
      before: [dmsPut(1, 1)],
      knownBefore: ORDERS,
      known: ORDERS,
      changes: [dmsPatch(1, 2), { ...dmsMove({ id: 2 }, { id: 3 }, 3), complete: false }],
    },
    {
      title: `columns, deletes ${deletes}: rows and deletes`,
      options: { layout: 'columns', deletes },
      before: [createTable(COLUMNS, 1)],
      knownBefore: ORDERS,
      known: ORDERS,
      changes: [dmsPut(1, 2, { data: { note: 'x', qty: 1 } }), dmsDel(2, 2)],
    },
    {
      title: `columns, deletes ${deletes}: partial images and a move`,
      options: { layout: 'columns', deletes },
      before: [createTable(COLUMNS, 1)],
      knownBefore: ORDERS,
      known: ORDERS,
      changes: [
        dmsPatch(1, 2, { data: { note: 'x' } }),
        { ...dmsMove({ id: 2 }, { id: 3 }, 3, { data: { qty: 1 } }), complete: false },
      ],
    },
  ]),
  {
    title: 'columns: a key of two columns, and a new column',
    options: { layout: 'columns' },
    before: [createTable({ a: 'int64', b: 'text' }, 1, { key: ['a', 'b'] })],
    knownBefore: sourceTable({ a: 'int64', b: 'text' }, { key: ['a', 'b'] }),
    known: PAIRS,
    changes: [addColumn({ note: 'text' }, 2), dmsPut(null, 2, { key: { a: 1, b: 'x' }, data: { note: 'y' } })],
  },
  {
    title: 'columns: a table without key',
    options: { layout: 'columns' },
    before: [createTable({ id: 'int64', note: 'text' }, 1, { key: [] })],
    knownBefore: KEYLESS,
    known: KEYLESS,
    changes: [{ ...dmsPut(1, 2, { data: { note: 'x' } }), key: null }],
  },
  {
    title: 'columns: a reload that sweeps',
    options: { layout: 'columns', onReload: 'sweep' },
    before: [createTable(COLUMNS, 1)],
    knownBefore: ORDERS,
    known: { ...ORDERS, floor: '5' },
    changes: [dropTable(5), dmsPut(1, 6)],
  },
  {
    title: 'append',
    options: { mode: 'append' },
    before: [put('a', 1)],
    changes: [put('a', 2), del('a', 3)],
  },
  {
    title: 'a dead letter and a fact',
    options: {},
    before: [],
    changes: [],
    deadLetters: [
      { kind: 'dead-letter', code: 'DECODE_NOT_JSON', detail: 'x', raw: new Uint8Array([1]), source: SOURCE },
    ],
    facts: { 'table orders': '{}' },
  },
]

export interface DialectAbilities {
  /** Why there is no server to listen to, where that is so. */
  readonly skip?: string | false
  readonly able?: readonly ('hard' | 'soft')[]
}

/**
 * Holds what a dialect sends against a reviewed snapshot, which lies beside the test file that calls this: what a start
 * sends, and for each batch what makes the table and what writes into it, without what reads the catalogue. After a change that is meant:
 * `npm test -- --test-update-snapshots`, and a look at the difference.
 */
export function describeStatements(
  name: string,
  open: () => Promise<ListenedTarget>,
  { skip = false, able = ['hard', 'soft'] }: DialectAbilities = {},
): void {
  test(`${name}: the statements of a first start`, { skip }, async (t) => {
    const target = await opened(t, open)
    const sink = sqlSinkOf({ url: target.url, deletes: able[0]! })
    await sink.open(claimOf({}, { firstPositions: async () => at({ 'shard-0': '1' }) }), signal())
    await sink.close()
    t.assert.snapshot(shown(target.statements()), AS_TEXT)
  })

  const possible = BATCHES.filter(({ options }) => options.deletes == null || able.includes(options.deletes))
  for (const { title, options, before, knownBefore, known, changes, deadLetters = [], facts = {} } of possible) {
    test(`${name}: ${title}`, { skip }, async (t) => {
      const target = await opened(t, open)
      const sink = sqlSinkOf({ url: target.url, deletes: able[0]!, ...options })
      try {
        await sink.open(claimOf(), signal())
        let seen = target.statements().length
        const written = async (parts: Parameters<typeof batchOf>[0]): Promise<string> => {
          await sink.prepare(batchOf(parts))(signal())
          const all = target.statements()
          const text = shown(all.slice(seen).filter((text) => !READS_CATALOGUE.test(text)))
          seen = all.length
          return text
        }
        const tables = knownBefore === undefined ? new Map() : knownTables(knownBefore)
        const first = await written({ changes: before, tables, positions: at({ 'shard-0': '1' }) })
        const then = await written({
          changes,
          tables: known === undefined ? new Map() : knownTables(known),
          deadLetters,
          facts: new Map(Object.entries(facts)),
          positions: at({ 'shard-0': '2', 'shard-1': '1' }),
        })
        t.assert.snapshot(`${first}\n\n-- and then\n\n${then}`, AS_TEXT)
      } finally {
        await sink.close()
      }
    })
  }
}

/** Long, and the same for every table. */
const READS_CATALOGUE = /^\s*SELECT\b.*\b(pg_catalog|information_schema)\./s

const AS_TEXT = { serializers: [(text: string) => text] }

async function opened(t: TestContext, open: () => Promise<ListenedTarget>): Promise<ListenedTarget> {
  const target = await open()
  t.after(() => target.close())
  return target
}

/** One statement a paragraph, its own lines kept. */
const shown = (statements: readonly string[]): string =>
  statements.map((text) => `${text.trim().replaceAll(/\s*\n\s*/g, '\n  ')};`).join('\n')

const signal = (): AbortSignal => AbortSignal.timeout(30_000)
