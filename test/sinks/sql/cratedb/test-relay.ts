import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { SourceTable, StreamChange, TableName } from '../../../../src/change.ts'
import type { Written } from '../../../../src/sinks/sink.ts'
import type { SqlSinkOptions } from '../../../../src/sinks/sql/sink.ts'
import { at, batchOf, claimOf, knownTables } from '../../../support/changes.ts'
import { type Crate, type CrateOptions, startCrate } from '../../../support/crate/crate.ts'
import { crateSinkOf } from '../../../support/crate-target.ts'
import { accounted } from '../../conformance.ts'

/** A relay over a CrateDB of its own. Its rows in trouble are dead letters, unless told otherwise. */
export interface CrateRelay {
  readonly crate: Crate
  /** What is known of the tables of DMS from now on. */
  knows(...tables: SourceTable[]): void
  /** Writes as one batch; one that failed is written again with the same position. */
  write(...changes: StreamChange[]): Promise<Written>
  keyColumns(table: TableName): Promise<readonly string[] | null>
  /** With other options, if some are given. */
  restart(options?: Partial<SqlSinkOptions>): Promise<void>
}

interface CrateParts {
  /** Statements that make what is there before. */
  readonly tables?: readonly string[]
  readonly crate?: CrateOptions
}

export async function openCrateRelay(
  t: TestContext,
  options: Partial<SqlSinkOptions> = {},
  { tables = [], crate: settings = {} }: CrateParts = {},
): Promise<CrateRelay> {
  const crate = await startCrate(settings)
  t.after(() => crate.stop())
  for (const table of tables) crate.query(table)
  let known: ReadonlyMap<string, SourceTable> = new Map()
  let position = 0
  const opened = async (more: Partial<SqlSinkOptions> = {}) => {
    const sink = crateSinkOf({ url: crate.url, onError: 'dead-letter', layout: null, ...options, ...more })
    t.after(() => sink.close())
    await sink.open(claimOf(), signal())
    return sink
  }
  let sink = await opened()
  return {
    crate,
    knows(...tables) {
      known = knownTables(...tables)
    },
    async write(...changes) {
      const moves = at({ shard: `${position + 1}` })
      const written = await sink.prepare(batchOf({ changes, tables: known, moves }))(signal())
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
  }
}

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

/** The rows of a query, each as its values in a line: objects as JSON, with the members `cdc_numbers` as they are stored. */
export const lines = (crate: Crate, query: string): string[] =>
  crate.query(query).map((row) => Object.values(row).map(shown).join(' '))

const shown = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? Number(member) : member))
    : String(value)

export interface Letter {
  readonly code: string
  readonly detail: string
  readonly version: string
  readonly sequence: string
  readonly after: unknown
}

/** In order of their sequence numbers. */
export const deadLetters = (crate: Crate): Letter[] =>
  crate
    .query('SELECT "code", "detail", "version", "sequence", "change" FROM "cdc_relay"."dead_letters"')
    .map(({ code, detail, version, sequence, change }) => ({
      code: String(code),
      detail: String(detail),
      version: String(version),
      sequence: String(sequence),
      after: (JSON.parse(String(change)) as { after: unknown }).after,
    }))
    .sort((a, b) => Number(a.sequence) - Number(b.sequence))
