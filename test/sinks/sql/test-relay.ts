import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SourceTable, StreamChange, TableName } from '../../../src/change.ts'
import type { RelayError } from '../../../src/errors.ts'
import type { Written } from '../../../src/sinks/sink.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink.ts'
import { at, batchOf, claimOf, knownTables } from '../../support/changes.ts'
import { greenplumDatabase, withoutGreenplum } from '../../support/greenplum.ts'
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

/** Opens a relay over a database of its own, of the server that a test runs on. */
export type OpenRelay = (t: TestContext, options?: Partial<SqlSinkOptions>) => Promise<TestRelay>

/** A test on PostgreSQL, and on the stand-in for Greenplum 6, whose statements differ most. */
export function onEachTarget(title: string, run: (t: TestContext, openRelay: OpenRelay) => Promise<void>): void {
  test(title, (t) => run(t, openRelay))
  const onGreenplum: OpenRelay = async (t, options) => openRelay(t, options, await greenplumDatabase(t, '6'))
  test(`greenplum 6: ${title}`, { skip: withoutGreenplum('6') }, (t) => run(t, onGreenplum))
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
