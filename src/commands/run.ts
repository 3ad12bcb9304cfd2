import type { Env } from '../env.ts'
import { PARKED, RelayError } from '../errors.ts'
import { openSource, sourceEntry } from '../ingest/by-url.ts'
import { masker } from '../mask.ts'
import { Lag } from '../observe/lag.ts'
import { Ledger } from '../observe/ledger.ts'
import { FORMATS, type Log } from '../observe/log.ts'
import { logObserver } from '../observe/log-observer.ts'
import { observers } from '../observe/observer.ts'
import { startProgress } from '../observe/progress.ts'
import { type LogStyle, type Reporter, reporter } from '../observe/reporter.ts'
import { summaryOf, summaryText } from '../observe/summary.ts'
import { Troubles } from '../observe/troubles.ts'
import { openRelay } from '../open-relay.ts'
import type { Relay } from '../relay.ts'
import { openSink, sinkEntry } from '../sinks/by-url.ts'
import { ownVersion } from '../version.ts'
import { awsSettings } from './aws-settings.ts'
import { isLook, openStore } from './open-store.ts'
import { relayOptions } from './relay-options.ts'
import { reportFailure } from './report-failure.ts'
import { readRunConfig } from './run-config.ts'
import type { RunConfig } from './run-schema.ts'
import { type RunWatch, watchOf } from './run-watch.ts'
import { secretsIn } from './secrets.ts'
import { keepHeapSmall } from './small-heap.ts'
import { StallWatch } from './stall-watch.ts'
import { declaredTypes, explicitRoute } from './table-options.ts'
import { watched } from './watched.ts'

/** `cdc-relay run`: returns the exit code. Everything it has to say is said. */
export async function run(argv: Readonly<Record<string, unknown>>): Promise<number> {
  let say = await reporter(process.stderr, masker([]), earlyStyle(argv, process.env))
  let showsValues = false
  const startedMs = performance.now()
  const freeHeap = keepHeapSmall(process.env)
  try {
    const ineffective: string[] = []
    const config = await readRunConfig(argv, process.env, (message) => ineffective.push(message))
    const mask = masker(await secretsIn(config, process.env))
    say = await reporter(process.stderr, mask, { format: config.logFormat, level: config.logLevel })
    showsValues = config.logValues
    const work = async (stopping: AbortSignal): Promise<number> => {
      if (!config.dryRun) return await runConfigured(config, ineffective, say, mask, stopping)
      const { dryRun } = await import('./dry-run.ts')
      return await dryRun(config, ineffective, say, mask, stopping)
    }
    const exitCode = await watched(say, showsValues, work, config.drainTimeout)
    sayEnd(say, startedMs)
    return exitCode
  } catch (error) {
    return reportFailure(error, say, showsValues)
  } finally {
    freeHeap()
  }
}

/** The last line of a log that nobody watches; that of a run that failed is its failure. */
function sayEnd({ log, isTerminal }: Reporter, startedMs: number): void {
  const elapsedMs = Math.round(performance.now() - startedMs)
  if (!isTerminal) log.info({ code: 'ENDS', elapsedMs }, 'cdc-relay ends')
}

/** How problems of the options are said: what is said of the log, if it can be used. */
function earlyStyle(argv: Readonly<Record<string, unknown>>, env: Env): LogStyle {
  const given = argv['log-format'] ?? env.CDC_RELAY_LOG_FORMAT
  return { format: FORMATS.find((format) => format === given) }
}

/** @param ineffective options that have no effect here, in words */
async function runConfigured(
  config: RunConfig,
  ineffective: readonly string[],
  say: Reporter,
  mask: (text: string) => string,
  stopping: AbortSignal,
): Promise<number> {
  const { log } = say
  const name = config.name ?? sourceEntry(config.source).nameOf(config.source)
  sayWhoBegins(log, config, name)
  for (const message of ineffective) log.warn({ code: 'NO_EFFECT' }, message)
  const counts = {
    ledger: new Ledger(),
    lag: new Lag(),
    troubles: new Troubles(),
    stall: new StallWatch(stallTimeoutOf(config)),
  }
  const watch = await watchOf(config, {
    ...{ ...counts, name, log, mask, env: process.env },
    stallTimeoutMs: stallTimeoutOf(config),
  })
  try {
    return await runNamed(
      config,
      name,
      watch === null ? say : { ...say, log: watch.log },
      { ...counts, watch },
      stopping,
    )
  } finally {
    await watch?.close()
  }
}

/** What looks at a run. */
interface Looking {
  readonly ledger: Ledger
  readonly lag: Lag
  readonly troubles: Troubles
  readonly stall: StallWatch
  readonly watch: RunWatch | null
}

async function runNamed(
  config: RunConfig,
  name: string,
  say: Reporter,
  { ledger, lag, troubles, stall, watch }: Looking,
  stopping: AbortSignal,
): Promise<number> {
  const { log } = say
  const observer = observers(ledger, lag, troubles, stall, logObserver(log, config.logValues), watch?.observer ?? {})
  const { env } = process
  const aws = awsSettings(config, env)
  const source = stall.watch(await openSource(config, { aws, log, observer }))
  const startedMs = performance.now()
  try {
    const identity = await source.identify(stopping)
    const sink = await openSink(config, {
      name,
      retentionMs: identity.retentionMs,
      routes: explicitRoute(config.table),
      declaredTypes: declaredTypes(config.type),
      openStore: async () =>
        source.keepsState && !isLook(config) ? await openStore(config, name, { aws, env, log }) : null,
      aws,
      env,
      log,
    })
    const stopProgress = startProgress(say, { ledger, lag, troubles })
    const stopWatching = endWhenStalled(stall, say, config)
    let relay: Relay | undefined
    let isDone = false
    try {
      const parts = { name, source, sink, streamName: source.streamName, stream: identity, observer, log }
      const writeParked = async (table: string, signal: AbortSignal): Promise<boolean> => {
        const { replayParked } = await import('./replay-parked.ts')
        return await replayParked({ ...config, name }, table, say, signal)
      }
      const canReplay = sinkEntry(config.sink)!.opensOnce !== true
      relay = await openRelay({ ...relayOptions(config), ...parts, ...(canReplay && { writeParked }) }, stopping)
      if (watch !== null) {
        const { runningStatus } = await import('./running-status.ts')
        watch.opened(runningStatus({ config, name, stream: identity, source, sink, relay, stopping }))
      }
      await relay.run(stopping)
      isDone = true
      if (!stopping.aborted) requireNoneParked(relay.parked)
    } finally {
      stopProgress()
      stopWatching()
      await relay?.close()
      // Of a run that failed before it wrote anything there is nothing to sum up.
      if (isDone || ledger.batches > 0) printSummary(ledger, performance.now() - startedMs, config)
    }
    return 0
  } catch (error) {
    // A stop while the stream or the target is away: nothing is lost, what was in hand is read again next time.
    if (!(stopping.aborted && isAbort(error))) throw error
    log.warn({ code: 'STOPPED' }, 'Stopped while waiting; what was in hand is not written and will be read again')
    return 0
  } finally {
    await source.close()
  }
}

/** @throws RelayError TABLE_PARKED */
function requireNoneParked(tables: Relay['parked']): void {
  if (tables.size === 0) return
  const kept = Array.from(tables, ([table, { count }]) => `${table} (${count})`).join(', ')
  throw new RelayError(
    PARKED,
    `Everything is written but these tables, with the changes that are kept of each: ${kept}`,
  )
}

/** The first line of every log: later lines say what happened, not to whom. */
function sayWhoBegins(log: Log, { source, sink, state, start, mode }: RunConfig, name: string): void {
  const from = start?.text ?? 'where it stopped; a new relay at earliest'
  const begins = { version: ownVersion(), source, sink, name, mode, start: from, ...(state !== undefined && { state }) }
  log.info({ code: 'BEGINS', ...begins, pid: process.pid, node: process.version }, `cdc-relay ${begins.version} begins`)
}

/** Standard output is read when somebody likes to, and a batch may wait for its fellows for as long as it was told. */
function stallTimeoutOf({ sink, stallTimeout, batchWait = 0 }: RunConfig): number {
  const waits = stallTimeout === 0 || sinkEntry(sink)!.isStandardOutput?.(sink) === true
  return waits ? Number.POSITIVE_INFINITY : stallTimeout + batchWait
}

/** How often it is looked at whether work has stalled, at most. */
const STALL_LOOK_MS = 10_000

/** Ends the process once work has stalled. Returns how to stop watching. */
function endWhenStalled(stall: StallWatch, say: Reporter, { stallTimeout, logValues }: RunConfig): () => void {
  const look = (): void => {
    const stalled = stall.stalled()
    if (stalled !== null) process.exit(reportFailure(stalled, say, logValues))
  }
  const timer = setInterval(look, Math.min(STALL_LOOK_MS, Math.max(100, stallTimeout / 4)))
  return () => clearInterval(timer)
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError'

/** On standard output, for people or for scripts; on standard error where standard output carries the changes. */
function printSummary(ledger: Ledger, elapsedMs: number, config: RunConfig): void {
  const stream = sinkEntry(config.sink)!.isStandardOutput?.(config.sink) ? process.stderr : process.stdout
  stream.write(
    stream.isTTY ? `${summaryText(ledger, elapsedMs)}\n` : `${JSON.stringify(summaryOf(ledger, elapsedMs))}\n`,
  )
}
