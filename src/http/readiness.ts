import type { FailureCode } from '../errors.ts'
import type { Trouble } from '../observe/troubles.ts'

/** What readiness is judged by. */
export interface Standing {
  /** False until the target is open, and reading has begun. */
  readonly isOpen: boolean
  readonly troubles: readonly Trouble[]
  /** How long nothing came of work that is there. */
  readonly idleMs: number
  /** Source table → dead letters that are kept of it. */
  readonly parked: ReadonlyMap<string, number>
}

export interface ReadinessLimits {
  /** Nothing came of work for so long: it has stalled. */
  readonly stalledAfterMs: number
  /** More dead letters of one parked table are too many. */
  readonly mostParked: number
}

export interface Check {
  readonly name: 'target' | 'source' | 'progress' | 'parked'
  readonly isOk: boolean
  /** For people. */
  readonly detail: string
}

/** Whether a relay does what it is there for: each check, in this order. @param nowMs epoch ms */
export function checksOf(standing: Standing, limits: ReadinessLimits, nowMs: number): readonly Check[] {
  return [target(standing, nowMs), source(standing, nowMs), progress(standing, limits), parked(standing, limits)]
}

function target({ isOpen, troubles }: Standing, nowMs: number): Check {
  const trouble = troubles.find(({ code }) => /^(SINK|STATE)_/.test(code))
  if (trouble !== undefined) return { name: 'target', isOk: false, detail: saying(trouble, nowMs) }
  return { name: 'target', isOk: isOpen, detail: isOpen ? 'it answers' : 'it is not open yet' }
}

/** That it throttles its readers is no trouble: the relay reads on. */
const OF_SOURCE: ReadonlySet<FailureCode> = new Set(['SOURCE_UNREACHABLE', 'SOURCE_DENIED', 'AWS_CREDENTIALS'])

function source({ troubles }: Standing, nowMs: number): Check {
  const trouble = troubles.find(({ code }) => OF_SOURCE.has(code))
  const detail = trouble === undefined ? 'nothing fails' : saying(trouble, nowMs)
  return { name: 'source', isOk: trouble === undefined, detail }
}

/** What fails and is tried again has not stalled. */
function progress({ idleMs, troubles }: Standing, { stalledAfterMs }: ReadinessLimits): Check {
  const isOk = idleMs < stalledAfterMs || troubles.length > 0
  const seconds = Math.round(idleMs / 1000)
  const detail = isOk ? 'what is read gets on' : `for ${seconds} s nothing came of what was read`
  return { name: 'progress', isOk, detail }
}

function parked({ parked: tables }: Standing, { mostParked }: ReadinessLimits): Check {
  const many = [...tables].filter(([, count]) => count > mostParked)
  const detail =
    many.length > 0
      ? `more than ${mostParked} changes are kept of ${many.map(([table]) => table).join(', ')}`
      : tables.size > 0
        ? `parked, within the limit: ${[...tables.keys()].join(', ')}`
        : 'no table is parked'
  return { name: 'parked', isOk: many.length === 0, detail }
}

const saying = ({ code, what, sinceMs }: Trouble, nowMs: number): string =>
  `${code}: could not ${what} for ${Math.max(0, Math.round((nowMs - sinceMs) / 1000))} s`
