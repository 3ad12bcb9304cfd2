import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { testDatabase } from '../../support/postgres/postgres.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { feedInto, type Relayed } from './relayed.ts'

/** A case that has tables of its own. */
export interface Case {
  /** The id of the report, and what is expected. */
  readonly title: string
  /** What the database has before. */
  readonly statements?: readonly string[]
  readonly records: readonly string[]
  /** Asserts what the run has left behind of this case. */
  look(left: Left): Promise<void>
}

export interface Left extends Relayed {
  readonly database: TestDatabase
  /** The codes of the dead letters of a table: `schema.name`, or the name of a table of DynamoDB. */
  deadLetters(table: string): Promise<string[]>
  /** Warnings about a table. */
  warnings(table: string): string[]
}

/** Runs the program once, over the records of all cases one after another, in few batches; each case is then a test. */
export function playTogether(title: string, options: readonly string[], cases: readonly Case[]): void {
  describe(title, () => {
    const ends: (() => Promise<void>)[] = []
    let left: Left

    before(async () => {
      const end = { after: (work: () => Promise<void>) => void ends.push(work) }
      const database = await testDatabase(end)
      await database.query('CREATE SCHEMA shop')
      for (const statement of cases.flatMap(({ statements = [] }) => statements)) await database.query(statement)
      const feed = await feedInto(end, database.url)
      const relayed = await feed.relay(
        cases.flatMap(({ records }) => records),
        options,
      )
      left = { ...relayed, database, ...found(database, relayed) }
    })
    after(async () => {
      for (const end of ends) await end()
    })

    test('the run succeeds, and its summary has the dead letters that the database has', async () => {
      const [counted] = await left.database.query('SELECT count(*)::int AS letters FROM cdc_relay.dead_letters')
      assert.equal(left.exitCode, 0, left.log)
      assert.deepEqual(counted, { letters: left.summary.deadLettered })
    })
    for (const { title, look } of cases) test(title, () => look(left))
  })
}

const found = (database: TestDatabase, { log }: Relayed): Pick<Left, 'deadLetters' | 'warnings'> => ({
  async deadLetters(table) {
    const text = 'SELECT code FROM cdc_relay.dead_letters WHERE source = $1'
    return (await database.query<{ code: string }>(text, [table])).map(({ code }) => code)
  },
  warnings: (table) => {
    const lines = log.trimEnd().split('\n')
    return lines.filter((line) => {
      const said = JSON.parse(line) as { level: string; table?: string }
      return said.level === 'warn' && said.table === table
    })
  },
})
