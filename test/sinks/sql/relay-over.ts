import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { SourceTable, Written } from '../../../src/batch.ts'
import type { StreamChange, TableName } from '../../../src/change.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { at, batchOf, claimOf, knownTables } from '../../support/changes.ts'
import { accounted } from '../conformance/answers.ts'

/** As much of a relay as writes to a target. */
export interface WritingRelay {
  /** What is known of the tables of DMS from now on. */
  knows(...tables: SourceTable[]): void
  /** Writes as one batch; one that failed is written again with the same position. */
  write(...changes: StreamChange[]): Promise<Written>
  /** Prepares a batch that can be written until it is. */
  prepare(...changes: StreamChange[]): () => Promise<Written>
  keyColumns(table: TableName): Promise<readonly string[] | null>
  /** With other options, if some are given. */
  restart(options?: Partial<SqlSinkOptions>): Promise<void>
  close(): Promise<void>
}

/** @param sinkWith its options, beside those that every sink of the test has */
export async function relayOver(
  t: TestContext,
  sinkWith: (options: Partial<SqlSinkOptions>) => Sink,
  name = 'relay',
): Promise<WritingRelay> {
  let tables: ReadonlyMap<string, SourceTable> = new Map()
  let position = 0
  const opened = async (options: Partial<SqlSinkOptions> = {}) => {
    const sink = sinkWith(options)
    t.after(() => sink.close())
    await sink.open(claimOf({ name }), signal())
    return sink
  }
  let sink = await opened()

  function prepare(...changes: StreamChange[]): () => Promise<Written> {
    const moves = at({ shard: `${position + 1}` })
    const write = sink.prepare(batchOf({ changes, tables, positions: moves }))
    return async () => {
      const written = await write(signal())
      assert.ok(written.kind === 'written')
      assert.equal(accounted(written), changes.length, 'the counts add up')
      position++
      return written
    }
  }

  return {
    knows(...known) {
      tables = knownTables(...known)
    },
    prepare,
    write: (...changes) => prepare(...changes)(),
    keyColumns: (table) => sink.keyColumns(table),
    async restart(options) {
      await sink.close()
      sink = await opened(options)
    },
    close: () => sink.close(),
  }
}

const signal = (): AbortSignal => AbortSignal.timeout(30_000)
