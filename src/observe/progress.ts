import prettyMs from 'pretty-ms'
import type { Lag } from './lag.ts'
import type { Ledger } from './ledger.ts'
import type { Log } from './log.ts'
import type { Reporter } from './reporter.ts'

const LINE_EVERY_MS = 250
const LOG_EVERY_MS = 30_000
/** A log in which nothing happens says that the relay is there. */
const ALIVE_EVERY_MS = 300_000
/** The rate is that of the last seconds, so that it follows what happens now. */
const RATE_OVER_MS = 5_000

/** Shows how the relay gets on: a live line on a terminal, else a log entry now and then. Returns how to stop it. */
export function startProgress(reporter: Reporter, ledger: Ledger, lag: Lag): () => void {
  const tick = reporter.isTerminal ? liveLine(reporter, ledger, lag) : logEntries(reporter.log, ledger, lag)
  const timer = setInterval(
    () => tick(performance.now(), Date.now()),
    reporter.isTerminal ? LINE_EVERY_MS : LOG_EVERY_MS,
  )
  return () => {
    clearInterval(timer)
    reporter.clear()
  }
}

/** Of a monotonic clock, and of the day. */
type Tick = (nowMs: number, dateMs: number) => void

function liveLine(reporter: Reporter, ledger: Ledger, lag: Lag): Tick {
  const rate = recentRate(() => ledger.readCount, performance.now())
  return (nowMs, dateMs) => reporter.show(progressLine(ledger, rate(nowMs), lag.slowestMs(dateMs)))
}

/** An entry where something was written since the last one; else, every five minutes, that nothing was. */
export function logEntries(log: Log, ledger: Ledger, lag: Lag, beganMs: number = performance.now()): Tick {
  const rate = recentRate(() => ledger.readCount, beganMs)
  let said = { read: 0, atMs: beganMs }
  return (nowMs, dateMs) => {
    const perSecond = Math.round(rate(nowMs))
    const isNews = ledger.readCount !== said.read
    if (!isNews && nowMs - said.atMs < ALIVE_EVERY_MS) return
    said = { read: ledger.readCount, atMs: nowMs }
    const setAside = ledger.valuesSetAside()
    const parked = [...ledger.parkedTables.keys()]
    const counts = {
      ...ledger.counts(),
      ...(parked.length > 0 && { parked }),
      ...(setAside > 0 && { valuesSetAside: setAside }),
    }
    const lagMs = lag.slowestMs(dateMs)
    const upTo = lag.upTo()
    const fields = { ...counts, perSecond, lagMs, shards: lag.shards(), ...(upTo !== null && { upTo }) }
    if (isNews) log.info(fields, 'progress')
    else if (lagMs < ALIVE_EVERY_MS) log.info(fields, 'idle: the relay is alive, and nothing new came')
    else log.warn(fields, 'no progress: the relay is alive, but what is in the stream does not get into the target')
  }
}

function progressLine(ledger: Ledger, perSecond: number, lagMs: number): string {
  const { applied, superseded, skipped, deadLettered } = ledger.counts()
  const lag = lagMs < 1000 ? 'none' : prettyMs(lagMs, { compact: lagMs >= 60_000, secondsDecimalDigits: 0 })
  const parts = [
    `${number(perSecond)}/s`,
    `lag ${lag}`,
    `applied ${number(applied)}`,
    `superseded ${number(superseded)}`,
  ]
  const setAside = ledger.valuesSetAside()
  if (skipped > 0) parts.push(`skipped ${number(skipped)}`)
  if (setAside > 0) parts.push(`set aside ${number(setAside)}`)
  if (ledger.parkedTables.size > 0) parts.push(`PARKED ${[...ledger.parkedTables.keys()].join(', ')}`)
  parts.push(`dead-lettered ${number(deadLettered)}`)
  return parts.join(' · ')
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US')

/** Per second, over the last few seconds, or since the last time it was asked for. */
function recentRate(total: () => number, beganMs: number): (nowMs: number) => number {
  const samples = [{ atMs: beganMs, total: total() }]
  return (nowMs) => {
    samples.push({ atMs: nowMs, total: total() })
    while (samples.length > 2 && samples[0]!.atMs < nowMs - RATE_OVER_MS) samples.shift()
    const first = samples[0]!
    const last = samples.at(-1)!
    return last.atMs === first.atMs ? 0 : ((last.total - first.total) * 1000) / (last.atMs - first.atMs)
  }
}
