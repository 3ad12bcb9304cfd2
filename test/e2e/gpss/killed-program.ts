import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../../support/gpss/audit.ts'
import type { Gpss } from '../../support/gpss/server.ts'
import type { Fault, GpssSettings, Moment } from '../../support/gpss/settings.ts'
import type { Random } from '../../support/life/random.ts'
import { type RelayEnd, type RelayProcess, startRelay } from '../../support/processes/relay-process.ts'
import type { KillPlan } from './kill-plan.ts'
import { pipeForDraft, type StoredPositions } from './stored-positions.ts'

/** Longer than any session may be idle. */
const LONG_MS = 10 * 3_600_000

export interface KillerParts {
  readonly plan: KillPlan
  readonly random: Random
  readonly positions: StoredPositions
}

/** Kills the program at moments of the server that it talks to. */
export class Killer {
  /** For the server. */
  readonly settings: GpssSettings
  readonly plan: KillPlan
  readonly #parts: KillerParts
  #relay: RelayProcess | undefined
  #isKilled = false
  #pipe: ReturnType<typeof pipeForDraft> | undefined
  #aheadMs = 0
  #hasOpened = () => {}
  /** Sessions of this process, and of those before it: their calls may still be at work. */
  #sessions = new Set<string>()
  readonly #oldSessions = new Set<string>()

  constructor(parts: KillerParts) {
    this.#parts = parts
    const { plan } = parts
    this.plan = plan
    this.settings = {
      fault: ({ call, moment }) => this.#at(call, moment),
      now: () => Date.now() + this.#aheadMs,
      get preSql() {
        return plan.placement
      },
      get postSql() {
        return plan.placement
      },
    }
  }

  /** Drains the stream with one process after another, each killed where the plan says, until one comes to the end. */
  async drain(server: Gpss, args: readonly string[]): Promise<{ readonly processes: number; readonly end: RelayEnd }> {
    try {
      for (let processes = 1; ; processes++) {
        const kind = this.plan.arm()
        this.#isKilled = false
        this.#relay = startRelay(args)
        if (kind === 'by chance') void this.#killByChance(this.#relay)
        const end = await this.#relay.ended
        await this.#pipe?.remove()
        this.#pipe = undefined
        if (!this.#isKilled) return { processes, end }
        for (const session of this.#sessions) this.#oldSessions.add(session)
        this.#sessions = new Set()
        await this.#releaseSessions(server)
      }
    } finally {
      this.#relay?.child.kill('SIGKILL')
    }
  }

  #at(call: Call, moment: Moment): Fault | undefined {
    if (call.session !== null && this.#oldSessions.has(call.session)) return undefined
    if (call.session !== null) this.#sessions.add(call.session)
    this.#parts.positions.see(call, moment)
    if (call.method === 'Open') this.#hasOpened()
    if (this.#isKilled || this.#pipe !== undefined) return undefined
    const strike = this.plan.strikes(call, moment)
    if (strike === null) return undefined
    if (strike.atState) void this.#killAtState()
    else this.#kill()
    return strike.fault
  }

  #kill(): void {
    this.#isKilled = true
    this.plan.struck()
    this.#relay!.child.kill('SIGKILL')
  }

  async #killAtState(): Promise<void> {
    this.#pipe = pipeForDraft(this.#parts.positions.stateFile)
    await this.#pipe.reached
    if (isAlive(this.#relay!)) this.#kill() // not if it ended, and the pipe was only let go
  }

  /** While it starts, or a moment after it opened a load. */
  async #killByChance(relay: RelayProcess): Promise<void> {
    const { random } = this.#parts
    if (random.chance(0.3)) await sleep(random.below(500))
    else {
      const delayMs = random.below(100)
      await new Promise<void>((resolve) => {
        this.#hasOpened = resolve
      })
      await sleep(delayMs)
    }
    if (!this.#isKilled && this.#relay === relay && isAlive(relay)) this.#kill()
  }

  /** The sessions of a dead process keep their locks until their time is over: before the next one comes, or while it is at work. */
  async #releaseSessions(server: Gpss): Promise<void> {
    const { random } = this.#parts
    const release = async () => {
      this.#aheadMs += LONG_MS
      await server.expireSessions()
    }
    if (random.chance(0.5)) await release()
    else setTimeout(() => void release(), 200 + random.below(800))
  }
}

const isAlive = ({ child }: RelayProcess): boolean => child.exitCode === null && child.signalCode === null
