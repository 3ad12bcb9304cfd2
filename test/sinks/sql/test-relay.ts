import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { SourceTable, StreamChange, TableName } from '../../../src/change.ts'
import type { RelayError } from '../../../src/errors.ts'
import type { Written } from '../../../src/sinks/sink.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink.ts'
import { at, batchOf, claimOf, knownTables } from '../../support/changes.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { sqlSinkOf } from '../../support/sql-target.ts'
import { accounted } from '../conformance.ts'

export interface TestRelay {
  readonly database: TestDatabase
  /** What is known of the tables of DMS from now on. */
  knows(...tables: SourceTable[]): void
  /** Writes as one batch; one that failed is written again with the same position. */
  write(...changes: StreamChange[]): Promise<Written>
  keyColumns(table: TableName): Promise<readonly string[] | null>
  /** With other options, if some are given. */
  restart(options?: Partial<SqlSinkOptions>): Promise<void>
  close(): Promise<void>
}

/** A relay over a database of its own, or the one that is given. */
export async function openRelay(
  t: TestContext,
  options: Partial<SqlSinkOptions> = {},
  given?: TestDatabase,
  name = 'relay',
): Promise<TestRelay> {
  const database = given ?? (await testDatabase(t))
  let tables: ReadonlyMap<string, SourceTable> = new Map()
  let position = 0
  const opened = async (more: Partial<SqlSinkOptions> = {}) => {
    const sink = sqlSinkOf({ url: database.url, ...options, ...more })
    t.after(() => sink.close())
    await sink.open(claimOf({ name }), signal())
    return sink
  }
  let sink = await opened()
  return {
    database,
    knows(...known) {
      tables = knownTables(...known)
    },
    async write(...changes) {
      const moves = at({ shard: `${position + 1}` })
      const written = await sink.prepare(batchOf({ changes, tables, moves }))(signal())
      assert.ok(written.kind === 'written')
      assert.equal(accounted(written), changes.length, 'the books add up')
      position++
      return written
    },
    keyColumns: (table) => sink.keyColumns(table),
    async restart(more) {
      await sink.close()
      sink = await opened(more)
    },
    close: () => sink.close(),
  }
}

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

/** The statements that the message advises. */
export const curesIn = ({ detail }: RelayError): string[] =>
  detail
    .split('\n')
    .map((line) => /((?:ALTER|CREATE|DROP) .*);$/.exec(line)?.[1])
    .filter((statement) => statement !== undefined)
