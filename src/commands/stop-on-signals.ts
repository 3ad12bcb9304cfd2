/** Exit codes of a process that a signal ended: 128 and its number. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
export type StopSignal = keyof typeof SIGNALS

export const exitCodeOf = (signal: StopSignal): number => SIGNALS[signal]

/**
 * The first signal asks for an orderly stop, the second one leaves at once. SIGHUP is one of them: a terminal that is closed, or
 * a connection to it that is lost, stops the relay as SIGTERM does. Returns how to let go of them.
 */
export function stopOnSignals(onFirst: (signal: StopSignal) => void): () => void {
  let isStopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(exitCodeOf(signal as StopSignal))
    isStopping = true
    onFirst(signal as StopSignal)
  }
  const signals = Object.keys(SIGNALS) as StopSignal[]
  for (const signal of signals) process.on(signal, stop)
  return () => {
    for (const signal of signals) process.off(signal, stop)
  }
}
