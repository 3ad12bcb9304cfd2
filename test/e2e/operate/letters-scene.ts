import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type KinesisEndpoint, startKinesisEndpoint } from '../../support/kinesis/kinesis-endpoint.ts'
import type { TestDatabase } from '../../support/postgres/postgres-server.ts'
import { runProgramAgain } from '../../support/processes/many-runs.ts'
import type { RunAnswer } from '../../support/processes/many-runs-child.ts'
import { type RelayProcess, startRelay } from '../../support/processes/relay-process.ts'

/** A stream, and a relay of it whose dead letters are looked after. */
export interface LettersScene {
  readonly kinesis: KinesisEndpoint
  readonly shard: string
  /** A folder that goes after the test; commands run in it. */
  readonly folder: string
  /** Starts `run` as a process of its own. It is killed after the test, if it still lives. */
  start(...args: string[]): RelayProcess
  /** Runs `run` up to what is in the stream. */
  drain(...args: string[]): Promise<RunAnswer>
  /** Runs `dead-letters`. @param words `list`, or `show 17` */
  letters(words: string, ...args: string[]): Promise<RunAnswer>
  /** Runs `positions`. @param words `list`, or `rewind` */
  positions(words: string, ...args: string[]): Promise<RunAnswer>
}

/** @param optionsIn say where the relay writes: all of its commands get them */
export async function lettersScene(
  t: TestContext,
  optionsIn: (folder: string) => readonly string[],
): Promise<LettersScene> {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-letters-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const kinesis = await startKinesisEndpoint()
  t.after(() => kinesis.close())
  const [shard] = kinesis.open(1) as [string]
  const options = [...optionsIn(folder), '--name', kinesis.name]
  const source = ['--source', kinesis.arn, '--endpoint-url', kinesis.url]
  return {
    kinesis,
    shard,
    folder,
    start(...args) {
      const relay = startRelay(['run', ...source, ...options, ...args])
      t.after(async () => {
        relay.child.kill('SIGKILL')
        await relay.ended
      })
      return relay
    },
    drain: (...args) => runProgramAgain(['run', ...source, ...options, '--until-latest', ...args], { cwd: folder }),
    letters: (words, ...args) =>
      runProgramAgain(['dead-letters', ...words.split(' '), ...options, ...args], { cwd: folder }),
    positions: (words, ...args) =>
      runProgramAgain(['positions', ...words.split(' '), ...options, ...args], { cwd: folder }),
  }
}

/** The URL of a user who owns the tables that it makes, and no more: nobody can take a right from a superuser. */
export async function asOwner(database: TestDatabase): Promise<string> {
  await database.query(`DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'owner_of_tables') THEN CREATE ROLE owner_of_tables LOGIN PASSWORD 'owner'; END IF;
    END $$`)
  await database.query('GRANT ALL ON SCHEMA public TO owner_of_tables')
  await database.query(
    `DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO owner_of_tables', current_database()); END $$`,
  )
  const own = new URL(database.url)
  own.username = 'owner_of_tables'
  own.password = 'owner'
  return own.href
}

/** The lines of JSON that a command printed. */
export const lines = ({ stdout }: RunAnswer): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** A record of the table `orders`: at version `n`, its value is `secret-n`. */
export function order(id: string, n: number, parts: { readonly op?: 'MODIFY' | 'REMOVE' } = {}): string {
  const { op = 'MODIFY' } = parts
  const Keys = { id: { S: id } }
  const image = op === 'REMOVE' ? {} : { NewImage: { ...Keys, n: { N: `${n}` }, word: { S: `secret-${n}` } } }
  const time = {
    ApproximateCreationDateTime: 1754300000000000 + n,
    ApproximateCreationDateTimePrecision: 'MICROSECOND',
  }
  const dynamodb = { Keys, ...image, ...time }
  return JSON.stringify({ eventID: `${n}`, eventSource: 'aws:dynamodb', eventName: op, tableName: 'orders', dynamodb })
}
