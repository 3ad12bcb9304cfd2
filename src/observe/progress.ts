import prettyMs from 'pretty-ms'
import type { Lag } from './lag.ts'
import type { Ledger } from './ledger.ts'
import type { Log } from './log.ts'
import type { Reporter } from './reporter.ts'
import type { Trouble } from './troubles.ts'

const LINE_EVERY_MS = 250
const LOG_EVERY_MS = 30_000
/** A log in which nothing happens says that the relay is there. */
const ALIVE_EVERY_MS = 300_000
/** The rate is that of the last seconds, so that it follows what happens now. */
const RATE_OVER_MS = 5_000

/** What progress is told from. */
export interface Progressing {
  readonly ledger: Ledger
  readonly lag: Lag
  /** What fails now and is tried again. */
  readonly troubles: { now(): readonly Trouble[] }
}

/** Shows how the relay gets on: a live line on a terminal, else a log entry now and then. Returns how to stop it. */
export function startProgress(reporter: Reporter, progressing: Progressing): () => void {
  const { ledger, lag } = progressing
  const tick = reporter.isTerminal ? liveLine(reporter, progressing) : logEntries(reporter.log, ledger, lag)
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

function liveLine(reporter: Reporter, progressing: Progressing): Tick {
  const rate = recentRate(() => progressing.ledger.readCount, performance.now())
  return (nowMs, dateMs) => {
    const parts = progressParts(progressing, rate(nowMs), dateMs)
    reporter.show(fitted(parts, reporter.columns()))
  }
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
    if (isNews) log.info({ code: 'PROGRESS', ...fields }, 'progress')
    else if (lagMs < ALIVE_EVERY_MS)
      log.info({ code: 'IDLE', ...fields }, 'idle: the relay is alive, and nothing new came')
    else log.warn({ code: 'NO_PROGRESS', ...fields }, NO_PROGRESS)
  }
}

const NO_PROGRESS = 'no progress: the relay is alive, but what is in the stream does not get into the target'

/** A part of the live line; those of the highest rank go first where the line is too long. */
export interface Part {
  readonly text: string
  readonly rank: number
}

/** In the order of the line. */
export function progressParts({ ledger, lag, troubles }: Progressing, perSecond: number, dateMs: number): Part[] {
  const { applied, superseded, skipped, deadLettered } = ledger.counts()
  const aside = ledger.valuesSetAside()
  const parked = [...ledger.parkedTables.keys()]
  return [
    ...troubles
      .now()
      .slice(0, 1)
      .map((trouble) => ({ text: troubleText(trouble, dateMs), rank: 0 })),
    ...(parked.length === 0
      ? []
      : [{ text: `PARKED ${parked.length === 1 ? parked[0] : `${parked.length} tables`}`, rank: 1 }]),
    { text: `${number(perSecond)}/s`, rank: 2 },
    { text: `lag ${lagText(lag.slowestMs(dateMs))}`, rank: 1 },
    { text: `applied ${number(applied)}`, rank: 3 },
    { text: `superseded ${number(superseded)}`, rank: 5 },
    ...(skipped === 0 ? [] : [{ text: `skipped ${number(skipped)}`, rank: 6 }]),
    ...(aside === 0 ? [] : [{ text: `set aside ${number(aside)}`, rank: 6 }]),
    { text: `dead-lettered ${number(deadLettered)}`, rank: deadLettered === 0 ? 7 : 2 },
  ]
}

const troubleText = ({ code, what, sinceMs }: Trouble, dateMs: number): string =>
  `${code}: trying to ${what} for ${prettyMs(Math.max(0, dateMs - sinceMs), { compact: true })}`

const lagText = (ms: number): string =>
  ms < 1000 ? 'none' : prettyMs(ms, { compact: ms >= 60_000, secondsDecimalDigits: 0 })

const BETWEEN = ' · '

/** The line, without the parts that have no room in it. At least one stays, cut if need be. */
export function fitted(parts: readonly Part[], columns: number): string {
  let left = parts
  for (;;) {
    const line = left.map(({ text }) => text).join(BETWEEN)
    if (line.length < columns) return line
    if (left.length === 1) return `${line.slice(0, Math.max(0, columns - 2))}…`
    const last = Math.max(...left.map(({ rank }) => rank))
    const drop = left.findLastIndex(({ rank }) => rank === last)
    left = left.filter((_, i) => i !== drop)
  }
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
