import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import type { ReplayedFeed } from './replay-records.ts'
import type { Usage } from './report-usage.ts'

/** An endpoint that replays a stream, as a process of its own; it can be read any number of times. */
export interface Replay {
  readonly url: string
  readonly records: number
  readonly process: ChildProcess
  stop(): void
}

export interface RelayRun {
  readonly summary: { readonly read: number }
  /** One every 200 ms, one at the first GetRecords, and the last one at the end. */
  readonly usages: readonly Usage[]
  readonly elapsedMs: number
}

/** @param folder for the records of the stream */
export async function startReplay(feed: ReplayedFeed, changes: number, folder: string): Promise<Replay> {
  const endpoint = spawn(
    process.execPath,
    [join(import.meta.dirname, 'replay-endpoint.ts'), feed, String(changes), folder],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  for await (const line of createInterface(endpoint.stdout)) {
    const { port, records } = JSON.parse(line) as { port: number; records: number }
    return { url: `http://127.0.0.1:${port}`, records, process: endpoint, stop: () => endpoint.stdin.end() }
  }
  throw new Error('The replaying endpoint did not start')
}

/**
 * Runs a relay until the stream is drained, and checks that it read all of it.
 *
 * @param program arguments of node, up to and with the program
 */
export async function runRelay(
  replay: Replay,
  program: readonly string[],
  options: readonly string[],
): Promise<RelayRun> {
  const reporter = await usageReporter()
  const startedMs = performance.now()
  const relay = spawn(
    process.execPath,
    [
      ...['--import', reporter, ...program, 'run'],
      ...['--source', 'replay', '--endpoint-url', replay.url, '--until-latest', ...options],
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] },
  )
  // It would wait for ever for an endpoint that is gone.
  const stop = () => relay.kill()
  replay.process.once('exit', stop)
  const usages: Usage[] = []
  createInterface(relay.stdio[3] as Readable).on('line', (line) => usages.push(JSON.parse(line)))
  const [output, [exitCode]] = await Promise.all([text(relay.stdout!), once(relay, 'close')])
  replay.process.off('exit', stop)
  if (exitCode !== 0) throw new Error(`The relay ended with exit code ${exitCode}`)
  const summary = JSON.parse(output) as { read: number }
  if (summary.read !== replay.records) throw new Error(`The relay read ${summary.read} of ${replay.records} records`)
  return { summary, usages, elapsedMs: performance.now() - startedMs }
}

/** As JavaScript: what is measured shall not read TypeScript for it. */
async function usageReporter(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'report-usage.ts')],
    format: 'esm',
    write: false,
  })
  return `data:text/javascript,${encodeURIComponent(outputFiles[0]!.text)}`
}

/** Makes the program of this checkout as it is published. Resolves to its path. */
export async function publishedProgram(): Promise<string> {
  await promisify(execFile)(process.execPath, [join(TOP, 'packaging/bundle.ts')])
  return join(TOP, 'bin/cdc-relay.cjs')
}

const TOP = join(import.meta.dirname, '..')
