import prettyMs from 'pretty-ms'
import type { Lag } from './lag.ts'
import type { Ledger } from './ledger.ts'
import type { Reporter } from './reporter.ts'

const LINE_EVERY_MS = 250
const LOG_EVERY_MS = 30_000
/** The rate is that of the last seconds, so that it follows what happens now. */
const RATE_OVER_MS = 5_000

/** Shows how the relay gets on: a live line on a terminal, else a log entry now and then. Returns how to stop it. */
export function startProgress(reporter: Reporter, ledger: Ledger, lag: Lag): () => void {
  const rate = recentRate(() => ledger.read)
  const tick = (): void => {
    const perSecond = rate(performance.now())
    const lagMs = lag.slowestMs(Date.now())
    if (reporter.isTerminal) reporter.show(progressLine(ledger, perSecond, lagMs))
    else reporter.log.info({ ...ledger.counts(), perSecond: Math.round(perSecond), lagMs }, 'progress')
  }
  const timer = setInterval(tick, reporter.isTerminal ? LINE_EVERY_MS : LOG_EVERY_MS)
  return () => {
    clearInterval(timer)
    reporter.clear()
  }
}

export function progressLine(ledger: Ledger, perSecond: number, lagMs: number): string {
  const { applied, superseded, skipped, deadLettered } = ledger.counts()
  const lag = lagMs < 1000 ? 'none' : prettyMs(lagMs, { compact: lagMs >= 60_000, secondsDecimalDigits: 0 })
  const parts = [
    `${number(perSecond)}/s`,
    `lag ${lag}`,
    `applied ${number(applied)}`,
    `superseded ${number(superseded)}`,
  ]
  if (skipped > 0) parts.push(`skipped ${number(skipped)}`)
  parts.push(`dead-lettered ${number(deadLettered)}`)
  return parts.join(' · ')
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US')

/** Per second, over the last few seconds. */
function recentRate(total: () => number): (nowMs: number) => number {
  const samples: { atMs: number; total: number }[] = []
  return (nowMs) => {
    samples.push({ atMs: nowMs, total: total() })
    while (samples.length > 2 && samples[0]!.atMs < nowMs - RATE_OVER_MS) samples.shift()
    const first = samples[0]!
    const last = samples.at(-1)!
    return last.atMs === first.atMs ? 0 : ((last.total - first.total) * 1000) / (last.atMs - first.atMs)
  }
}
