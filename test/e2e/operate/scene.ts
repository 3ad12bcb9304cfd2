import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Status } from '../../../src/operate/status.ts'
import { type KinesisEndpoint, startKinesisEndpoint } from '../../support/kinesis/kinesis-endpoint.ts'
import { runProgramAgain } from '../../support/processes/many-runs.ts'
import type { RunAnswer } from '../../support/processes/many-runs-child.ts'
import { type RelayProcess, startRelay } from '../../support/processes/relay-process.ts'

/** A stream, and a relay of it that runs as a process of its own. */
export interface Scene {
  readonly kinesis: KinesisEndpoint
  /** A folder that goes after the test; commands run in it. */
  readonly folder: string
  /** Starts `run`. It is killed after the test, if it still lives. */
  start(...args: string[]): RelayProcess
  /** Runs `run` with `--until-latest` to its end; resolves to its summary. */
  drain(...args: string[]): Promise<Readonly<Record<string, unknown>>>
  /** Runs a command to its end. @param words `status`, or `positions rewind` */
  command(words: string, ...args: string[]): Promise<RunAnswer>
  /** What `status` says. */
  status(...args: string[]): Promise<Status>
  /** What `status` says once it is so. */
  statusOnce(isSo: (status: Status) => boolean, ...args: string[]): Promise<Status>
}

/** @param options that say where the relay writes: all of its commands get them */
export async function scene(t: TestContext, optionsIn: (folder: string) => readonly string[]): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-operate-'))
  t.after(() => rm(folder, { recursive: true }))
  const kinesis = await startKinesisEndpoint()
  t.after(() => kinesis.close())
  const options = optionsIn(folder)
  const source = ['--source', kinesis.name, '--endpoint-url', kinesis.url]

  const command: Scene['command'] = (words, ...args) =>
    runProgramAgain([...words.split(' '), ...options, ...args], { cwd: folder })
  const status: Scene['status'] = async (...args) => {
    const { exitCode, stdout, stderr } = await command('status', '--name', kinesis.name, ...args)
    assert.equal(exitCode, 0, stderr)
    return JSON.parse(stdout) as Status
  }
  return {
    kinesis,
    folder,
    start(...args) {
      const relay = startRelay(['run', ...source, ...options, ...args])
      t.after(async () => {
        relay.child.kill('SIGKILL')
        await relay.ended
      })
      return relay
    },
    async drain(...args) {
      const run = ['run', ...source, ...options, '--until-latest', ...args]
      const { exitCode, stdout, stderr } = await runProgramAgain(run, { cwd: folder })
      assert.equal(exitCode, 0, stderr)
      return JSON.parse(stdout)
    },
    command,
    status,
    async statusOnce(isSo, ...args) {
      for (let looks = 1; ; looks++) {
        const { exitCode, stdout } = await command('status', '--name', kinesis.name, ...args)
        const found = exitCode === 0 ? (JSON.parse(stdout) as Status) : null
        if (found !== null && isSo(found)) return found
        assert.ok(looks < MOST_LOOKS, `it does not come to that: ${stdout}`)
        await sleep(50)
      }
    },
  }
}

/** Some minutes. */
const MOST_LOOKS = 1_000

/** A record of the table `orders`. */
export function order(id: number): string {
  const Keys = { id: { N: `${id}` } }
  const dynamodb = {
    Keys,
    NewImage: Keys,
    ApproximateCreationDateTime: 1754300000000000 + id,
    ApproximateCreationDateTimePrecision: 'MICROSECOND',
  }
  return JSON.stringify({
    eventID: `${id}`,
    eventSource: 'aws:dynamodb',
    eventName: 'INSERT',
    tableName: 'orders',
    dynamodb,
  })
}
