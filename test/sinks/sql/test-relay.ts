import { type TestContext, test } from 'node:test'
import type { RelayError } from '../../../src/errors.ts'
import type { SqlSinkOptions } from '../../../src/sinks/sql/sink-options.ts'
import { greenplumDatabase, isRealGreenplum, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { sqlSinkOf } from '../../support/targets/sql-target.ts'
import { relayOver, type WritingRelay } from './relay-over.ts'

export interface TestRelay extends WritingRelay {
  readonly database: TestDatabase
}

/** Opens a relay over a database of its own, of the server that a test runs on. */
export type OpenRelay = (t: TestContext, options?: Partial<SqlSinkOptions>) => Promise<TestRelay>

/**
 * A test on PostgreSQL, and on the stand-in for Greenplum 6, whose statements differ most.
 *
 * @param whyNotOnReal why it cannot show on a real Greenplum what it shows on the stand-in
 */
export function onEachTarget(
  title: string,
  run: (t: TestContext, openRelay: OpenRelay) => Promise<void>,
  whyNotOnReal: string | false = false,
): void {
  test(title, (t) => run(t, openRelay))
  const onGreenplum: OpenRelay = async (t, options) => openRelay(t, options, await greenplumDatabase(t, '6'))
  test(`greenplum 6: ${title}`, { skip: withoutGreenplum('6') || (isRealGreenplum && whyNotOnReal) }, (t) =>
    run(t, onGreenplum),
  )
}

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
