import type { TestContext } from 'node:test'
import type { RelayError } from '../../../src/errors.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { sqlSinkOf } from '../../support/targets/sql-target.ts'
import { relayOver, type WritingRelay } from './relay-over.ts'

export interface TestRelay extends WritingRelay {
  readonly database: TestDatabase
}

/** Opens a relay over a database of its own, of the server that a test runs on. */
export type OpenRelay = (t: TestContext, options?: Partial<SqlSinkOptions>) => Promise<TestRelay>

/** A relay over a database of its own, or the one that is given. */
export async function openRelay(
  t: TestContext,
  options: Partial<SqlSinkOptions> = {},
  given?: TestDatabase,
  name = 'relay',
): Promise<TestRelay> {
  const database = given ?? (await testDatabase(t))
  const sinkWith = (more: Partial<SqlSinkOptions>) => sqlSinkOf({ url: database.url, ...options, ...more })
  return { database, ...(await relayOver(t, sinkWith, name)) }
}

/** The statements that the message advises. */
export const fixesIn = ({ detail }: RelayError): string[] =>
  detail
    .split('\n')
    .map((line) => /((?:ALTER|CREATE|DROP) .*);$/.exec(line)?.[1])
    .filter((statement) => statement !== undefined)
