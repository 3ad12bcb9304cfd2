import { readFileSync } from 'node:fs'
import { recordDecoder } from '../decode/decoder.ts'
import { openSource } from '../ingest/by-url.ts'
import { Lag } from '../observe/lag.ts'
import { Ledger } from '../observe/ledger.ts'
import type { Log } from '../observe/log.ts'
import { logObserver } from '../observe/log-observer.ts'
import { masker } from '../mask.ts'
import { observers } from '../observe/observer.ts'
import { startProgress } from '../observe/progress.ts'
import { type Reporter, reporter } from '../observe/reporter.ts'
import { summaryOf, summaryText } from '../observe/summary.ts'
import { warningsIntoLog } from '../observe/warnings.ts'
import { openRelay } from '../open-relay.ts'
import type { Relay } from '../relay.ts'
import { defaultDeletes, openSink, sinkEntry } from '../sinks/by-url.ts'
import { stateSecrets } from '../state/by-url.ts'
import { route } from '../stages/route.ts'
import { ownVersion } from '../version.ts'
import { awsSettings } from './aws-settings.ts'
import { isLook, openStore } from './open-store.ts'
import { reportFailure } from './report-failure.ts'
import { readRunConfig } from './run-config.ts'
import type { RunConfig } from './run-schema.ts'
import { STATE_STORES } from './state-stores.ts'
import { stopOnSignals } from './stop-on-signals.ts'
import { declaredKey, declaredTypes, explicitRoute } from './table-options.ts'

/** `cdc-relay run`: returns the exit code. Everything it has to say is said. */
export async function run(argv: Readonly<Record<string, unknown>>): Promise<number> {
  let say = reporter(process.stderr, masker([]))
  let showsValues = false
  try {
    const vain: string[] = []
    const config = readRunConfig(argv, process.env, (message) => vain.push(message))
    say = reporter(process.stderr, masker(secretsIn(config)))
    showsValues = config.logValues
    return await watched(say, showsValues, (stopping) => runConfigured(config, vain, say, stopping))
  } catch (error) {
    return reportFailure(error, say, showsValues)
  }
}

/** Runs `work` with everything that comes from outside of it going through the log: signals, warnings, errors that nobody awaits. */
async function watched(
  say: Reporter,
  showsValues: boolean,
  work: (stopping: AbortSignal) => Promise<number>,
): Promise<number> {
  const stopping = new AbortController()
  const releaseSignals = stopOnSignals((signal) => {
    say.log.info({}, `${signal}: finishing the batch in hand; once more to leave at once`)
    stopping.abort()
  })
  const releaseWarnings = warningsIntoLog(say.log)
  const onUncaught = (error: unknown): never => process.exit(reportFailure(error, say, showsValues))
  process.on('uncaughtException', onUncaught)
  // A closed terminal must not end the relay before its batch is finished.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosed)
  try {
    return await work(stopping.signal)
  } finally {
    process.off('uncaughtException', onUncaught)
    releaseWarnings()
    releaseSignals()
  }
}

/** Nobody reads what the relay says: no reason to stop, and nowhere to say so. */
const ignoreClosed = (): void => {}

/** What must not be seen in a log or a message. */
function secretsIn({ sink, state = '', sinkPasswordFile: file }: RunConfig): readonly string[] {
  const inFile = file === undefined ? '' : readFileSync(file, 'utf8').trim()
  return [...sinkEntry(sink)!.secrets(sink, process.env), ...stateSecrets(STATE_STORES, state, process.env), inFile]
}

/** @param vain options that have no effect here, in words */
async function runConfigured(
  config: RunConfig,
  vain: readonly string[],
  say: Reporter,
  stopping: AbortSignal,
): Promise<number> {
  const { log } = say
  const ledger = new Ledger()
  const lag = new Lag()
  const observer = observers(ledger, lag, logObserver(log, config.logValues))
  const { env } = process
  const aws = awsSettings(config, env)
  const source = await openSource(config, { aws, log, observer })
  const name = config.name ?? source.streamName
  sayWhoBegins(log, config, name)
  for (const message of vain) log.warn({}, message)
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
      env,
      log,
    })
    const decode = recordDecoder({
      format: config.format,
      stream: source.streamName,
      binary: config.dynamodbBinary,
      beforeImageField: config.beforeImageField,
      beforeImagePrefix: config.beforeImagePrefix,
    })
    const stopProgress = startProgress(say, ledger, lag)
    let relay: Relay | undefined
    let isDone = false
    try {
      relay = await openRelay(
        {
          name,
          source,
          sink,
          decode,
          stages: [route({ ...config, ignoreDeletes: deletesOf(config) === 'ignore' })],
          streamName: source.streamName,
          stream: identity,
          ...(config.start && { start: config.start.start, startText: config.start.text }),
          settings: settingsOf(config),
          takeOver: config.takeOver,
          onError: config.onError,
          onRefusedText: config.nul,
          tables: {
            declaredKey: declaredKey(config.key),
            declaredTypes: declaredTypes(config.type),
            missingColumns: config.missingColumns,
            keyWaitMs: config.keyWait,
          },
          limits: { records: config.batchRecords, bytes: config.batchBytes, waitMs: config.batchWait },
          observer,
          log,
        },
        stopping,
      )
      await relay.run(stopping)
      isDone = true
    } finally {
      stopProgress()
      await relay?.close()
      // Of a run that failed before it wrote anything there is nothing to sum up.
      if (isDone || ledger.batches > 0) printSummary(ledger, performance.now() - startedMs, config)
    }
    return 0
  } catch (error) {
    // A stop while the stream or the target is away: nothing is lost, what was in hand is read again next time.
    if (!(stopping.aborted && isAbort(error))) throw error
    log.warn({}, 'Stopped while waiting; what was in hand is not written and will be read again')
    return 0
  } finally {
    await source.close()
  }
}

/** The first line of every log: later lines say what happened, not to whom. */
function sayWhoBegins(log: Log, { source, sink, state, start, mode }: RunConfig, name: string): void {
  const from = start?.text ?? 'where it stopped; a new relay at earliest'
  const begins = { version: ownVersion(), source, sink, name, mode, start: from, ...(state !== undefined && { state }) }
  log.info({ ...begins, pid: process.pid, node: process.version }, `cdc-relay ${begins.version} begins`)
}

/**
 * What would make the target differ if it changed under one name; what was not given, or is given as the default, is empty.
 * `--key` and `--type` are not among it, for naming what could not be told is the cure that a relay which stopped asks for;
 * a target table with another primary key says so itself. `--on-reload` only speaks of reloads to come.
 */
function settingsOf(config: RunConfig): Record<string, string> {
  return {
    mode: config.mode,
    layout: config.layout ?? '',
    deletes: deletesOf(config),
    table: config.table.map(({ from, to }) => `${from}=${to}`).join(' '),
    include: config.include.join(' '),
    exclude: config.exclude.join(' '),
    'missing-columns': config.missingColumns === 'auto' ? '' : config.missingColumns,
  }
}

const deletesOf = ({ deletes, sink }: RunConfig) => deletes ?? defaultDeletes(sink)

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError'

/** On standard output, for people or for scripts; on standard error where standard output carries the changes. */
function printSummary(ledger: Ledger, elapsedMs: number, config: RunConfig): void {
  const stream = sinkEntry(config.sink)!.isStandardOutput?.(config.sink) ? process.stderr : process.stdout
  stream.write(
    stream.isTTY ? `${summaryText(ledger, elapsedMs)}\n` : `${JSON.stringify(summaryOf(ledger, elapsedMs))}\n`,
  )
}
