import { setTimeout as sleep } from 'node:timers/promises'
import type { Stored } from '../batch.ts'
import { RelayError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import { isRecent, watchHeartbeat } from './heartbeat.ts'
import { holderText, nameHeld } from './held.ts'
import type { SeenHolder } from './seen.ts'

/** How often a holder says that it lives, and how often a process that waits for the name looks. */
export const HEARTBEAT_MS = 10_000

/** Who holds a name. */
export interface Holder {
  /** Random id of the process. */
  readonly owner: string
  readonly host: string
  readonly process: number
  /** When it took the name, ISO 8601. */
  readonly since: string
  /** When it was last seen alive, epoch ms on a clock that all relays of the store share; 0 once it has given the name up. */
  readonly heartbeat: number
}

/** A name in a store where nothing ends with its process. `Row` is what the store holds of it. */
export interface HeldName<Row> {
  readonly name: string
  /** Undefined if the name is new. @throws RelayError STATE_DIFFERS */
  read(): Promise<Row | undefined>
  /** Stores a new name, given up already: it is then claimed like any other. Another process may be faster. */
  begin(): Promise<void>
  holder(row: Row): Holder
  /** Writes our claim over `row`, and reads what is stored. Null if another process was faster. */
  take(row: Row): Promise<Stored | null>
}

export interface HeartbeatOptions {
  /** Random id of this process. */
  readonly owner: string
  readonly takeOver: boolean
  readonly heartbeatMs: number
  /** Epoch ms on the clock of the heartbeats. */
  readonly now: () => number
  readonly log: Log | null
}

/**
 * Takes a name that is free: it was given up, its heartbeat stands still until it is a minute old, or it is to be taken
 * over. Waits as long as that is not known.
 *
 * @throws RelayError STATE_HELD, STATE_DIFFERS
 */
export async function claimByHeartbeat<Row>(
  held: HeldName<Row>,
  { owner, takeOver, heartbeatMs, now, log }: HeartbeatOptions,
  signal: AbortSignal,
): Promise<Stored> {
  const { name } = held
  const look = watchHeartbeat(now)
  for (let hasSaid = false; ; ) {
    const row = await held.read()
    if (row === undefined) {
      await held.begin()
      continue
    }
    const holder = held.holder(row)
    const sign = holder.owner === owner || takeOver ? 'dead' : look(holder.heartbeat)
    if (sign === 'alive') throw heldBy(name, holder)
    if (sign === 'unknown') {
      if (!hasSaid)
        log?.info(
          { code: 'NAME_HELD', name },
          `The relay's name is held by ${shown(holder)}: waiting whether that lives`,
        )
      hasSaid = true
      await sleep(heartbeatMs, undefined, { signal })
      continue
    }
    const stored = await held.take(row)
    if (stored !== null) return stored
  }
}

/**
 * Gives a name up by `work`. A failure is logged only: all that was to be kept is kept, and thrown, it would hide why the
 * relay ends.
 */
export async function giveNameUp(name: string, log: Log | null, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof RelayError)) throw error
    const fields = { name, code: error.code, detail: error.detail }
    log?.warn(fields, "The relay's name could not be given up: who claims it next waits for a minute")
  }
}

const shown = (holder: Holder): string =>
  holder.process === 0
    ? holderText(holder)
    : `${holderText(holder)}, last heard of ${new Date(holder.heartbeat).toISOString()}`

/** @returns RelayError STATE_HELD */
export const heldBy = (name: string, holder: Holder): RelayError => nameHeld(name, shown(holder))

/** The holder of a name for somebody who looks once. @param now epoch ms on the clock of the heartbeats */
export function seenHolder({ host, process, since, heartbeat }: Holder, now: number): SeenHolder | null {
  if (process === 0) return null
  const heardOf = heartbeat === 0 ? null : heartbeat
  return { host, process, since, isAlive: isRecent(heartbeat, now), heardOf }
}
