import type { Reporter } from '../observe/reporter.ts'
import { warningsIntoLog } from '../observe/warnings.ts'
import { reportFailure } from './report-failure.ts'
import { exitCodeOf, type StopSignal, stopOnSignals } from './stop-on-signals.ts'

/**
 * Runs `work` with everything that comes from outside of it going through the log: signals, warnings, errors that nobody awaits.
 * @param drainTimeoutMs how long `work` may take to end after the first signal; 0: for ever
 */
export async function watched(
  say: Reporter,
  showsValues: boolean,
  work: (stopping: AbortSignal) => Promise<number>,
  drainTimeoutMs = 0,
): Promise<number> {
  const stopping = new AbortController()
  let givingUp: NodeJS.Timeout | undefined
  const releaseSignals = stopOnSignals((signal) => {
    say.log.info({ code: 'STOPPING', signal }, `${signal}: finishing the batch in hand; once more to leave at once`)
    stopping.abort()
    if (drainTimeoutMs > 0) givingUp = setTimeout(() => giveUp(say, signal, drainTimeoutMs), drainTimeoutMs)
  })
  const releaseWarnings = warningsIntoLog(say.log)
  const onUncaught = (error: unknown): never => process.exit(reportFailure(error, say, showsValues))
  process.on('uncaughtException', onUncaught)
  // A closed terminal must not end the relay before its batch is finished.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosed)
  try {
    return await work(stopping.signal)
  } finally {
    clearTimeout(givingUp)
    process.off('uncaughtException', onUncaught)
    releaseWarnings()
    releaseSignals()
  }
}

/** As a second signal does. */
function giveUp({ log, clear }: Reporter, signal: StopSignal, drainTimeoutMs: number): never {
  clear()
  log.warn(
    { code: 'GIVEN_UP', drainTimeoutMs },
    'The batch in hand does not end: it is given up, and will be read again',
  )
  process.exit(exitCodeOf(signal))
}

/** Nobody reads what the relay says: no reason to stop, and nowhere to say so. */
const ignoreClosed = (): void => {}
