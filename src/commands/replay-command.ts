import { masker } from '../mask.ts'
import { type Reporter, reporter } from '../observe/reporter.ts'
import type { ReplayCounts } from '../replay.ts'
import type { LetterFilter } from '../sinks/letter-store.ts'
import { filterOf } from './dead-letters-errand.ts'
import { type ReplayConfig, readReplayConfig } from './replay-config.ts'
import { replay } from './replay-letters.ts'
import { reportFailure } from './report-failure.ts'
import { secretsIn } from './secrets.ts'
import { watched } from './watched.ts'

/** `cdc-relay dead-letters replay`: returns the exit code. Everything it has to say is said. */
export async function replayCommand(
  argv: Readonly<Record<string, unknown>>,
  ids: readonly string[],
  words: number,
): Promise<number> {
  let say = await reporter(process.stderr, masker([]))
  let showsValues = false
  try {
    const { config, own } = await readReplayConfig(argv, process.env, words)
    const filter = filterOf(own, ids)
    showsValues = config.logValues
    say = await reporter(process.stderr, masker(await secretsIn(config, process.env)))
    const isForPeople = process.stdout.isTTY && !own.json
    return await watched(say, showsValues, (signal) => replayChosen(config, filter, say, signal, isForPeople))
  } catch (error) {
    return reportFailure(error, say, showsValues)
  }
}

async function replayChosen(
  config: ReplayConfig,
  filter: LetterFilter,
  say: Reporter,
  signal: AbortSignal,
  isForPeople: boolean,
): Promise<number> {
  try {
    const counts = await replay(config, filter, say, signal)
    process.stdout.write(await textOf(counts, isForPeople))
    const isMissing = (filter.ids?.length ?? 0) > counts.read && !signal.aborted
    if (isMissing) say.log.error({ code: 'LETTERS_MISSING' }, 'Some of these letters are not there')
    return counts.failed > 0 || isMissing ? 1 : 0
  } catch (error) {
    if (!signal.aborted || (error as Error).name !== 'AbortError') throw error
    say.log.warn({ code: 'STOPPED' }, 'Stopped while waiting; what was in hand stays a dead letter')
    return 0
  }
}

async function textOf(counts: ReplayCounts, isForPeople: boolean): Promise<string> {
  if (!isForPeople) return `${JSON.stringify(counts)}\n`
  const { replayText } = await import('../operate/dead-letters/letters-text.ts')
  return replayText(counts)
}
