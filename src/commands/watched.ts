import type { Reporter } from '../observe/reporter.ts'
import { warningsIntoLog } from '../observe/warnings.ts'
import { reportFailure } from './report-failure.ts'
import { stopOnSignals } from './stop-on-signals.ts'

/** Runs `work` with everything that comes from outside of it going through the log: signals, warnings, errors that nobody awaits. */
export async function watched(
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
