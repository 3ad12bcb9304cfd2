import type { FailureCode } from '../errors.ts'
import { logObserver } from '../observe/log-observer.ts'
import type { Reporter } from '../observe/reporter.ts'
import { shownId } from '../operate/dead-letters/letter-json.ts'
import { type ReplayCounts, replayLetters } from '../replay.ts'
import { openSink, sinkEntry } from '../sinks/by-url.ts'
import type { FailedLetter, LetterFilter } from '../sinks/letter-store.ts'
import type { Sink } from '../sinks/sink.ts'
import { awsSettings } from './aws-settings.ts'
import { openStore } from './open-store.ts'
import { relayOptions } from './relay-options.ts'
import type { ReplayConfig } from './replay-config.ts'
import { declaredTypes, explicitRoute } from './table-options.ts'

/** What else there is, the list tells. */
const REASONS_SAID = 20

/** `cdc-relay dead-letters replay`: resolves to its counts. */
export async function replay(
  config: ReplayConfig,
  filter: LetterFilter,
  { log }: Reporter,
  signal: AbortSignal,
): Promise<ReplayCounts> {
  const { env } = process
  const { name, sink: url, sinkPasswordFile, deadLetters } = config
  const entry = sinkEntry(url)!
  const place = { sink: url, sinkPasswordFile, deadLetters, name, writes: true, env }
  // Before the target: where letters are kept beside it, nobody else may write them at the same time.
  const letters = entry.keepsState ? undefined : await entry.openLetters(place)
  let sink: Sink | undefined
  try {
    // Whatever a bad record does to the relay: a letter that fails again stays.
    sink = await openSink(
      { ...config, onError: 'dead-letter' },
      {
        name,
        retentionMs: null,
        routes: explicitRoute(config.table),
        declaredTypes: declaredTypes(config.type),
        openStore: async () => await openStore(config, name, { aws: awsSettings(config, env), env, log }),
        aws: awsSettings(config, env),
        env,
        log,
      },
    )
    const { formats, stages, settings, onRefusedText, tables } = relayOptions(config)
    const observer = logObserver(log, config.logValues)
    const reasons = new Map<string, { readonly letter: FailedLetter; readonly count: number }>()
    const onFailed = (letter: FailedLetter): void => {
      const kind = JSON.stringify([letter.code, letter.table, letter.detail])
      reasons.set(kind, { letter, count: (reasons.get(kind)?.count ?? 0) + 1 })
    }
    const given = { name, settings, formats, stages, onRefusedText, tables, filter, log, observer, onFailed }
    try {
      return await replayLetters({ ...given, sink, ...(letters !== undefined && { letters }) }, signal)
    } finally {
      observer.close?.()
      for (const { letter, count } of [...reasons.values()].slice(0, REASONS_SAID)) {
        const { id, code, table, detail } = letter
        log.warn(
          { id: shownId(id), code: code as FailureCode, table, count, detail },
          'Failed again, for this reason; the id is of the last',
        )
      }
    }
  } finally {
    await sink?.close()
    await letters?.close()
  }
}
