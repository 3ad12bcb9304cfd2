import { setTimeout as sleep } from 'node:timers/promises'
import { status } from '@grpc/grpc-js'
import type { Call } from '../../support/gpss/audit.ts'
import type { Gpss } from '../../support/gpss/server.ts'
import type { Fault, GpssSettings, Moment } from '../../support/gpss/settings.ts'
import type { Random } from '../../support/life/random.ts'
import { type RelayEnd, startRelay } from '../../support/processes/relay-process.ts'
import type { StoredPositions } from './stored-positions.ts'
import type { Trouble, TroublePlan } from './trouble-plan.ts'

/** Longer than any session may be idle. */
const LONG_MS = 10 * 3_600_000
const CALLS_WITHOUT_ANSWER = 3
const MOST_MS_AWAY = 700
const MOST_MS_TO_CHANCE = 300

export interface TroubledServerParts {
  readonly plan: TroublePlan
  readonly random: Random
  readonly positions: StoredPositions
}

/** Lets the server of a program die, again and again, while the program lives. */
export class TroubledServer {
  /** For the server. */
  readonly settings: GpssSettings
  readonly plan: TroublePlan
  readonly #random: Random
  readonly #positions: StoredPositions
  #server: Gpss | undefined
  #aheadMs = 0
  #callsToFail = 0
  #isDyingByChance = false
  #isOver = false
  #lastRestart: Promise<void> = Promise.resolve()

  constructor({ plan, random, positions }: TroubledServerParts) {
    this.plan = plan
    this.#random = random
    this.#positions = positions
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

  /** Drains the stream with one process. */
  async drain(server: Gpss, args: readonly string[]): Promise<RelayEnd> {
    this.#server = server
    const relay = startRelay(args)
    try {
      return await relay.ended
    } finally {
      this.#isOver = true
      relay.child.kill('SIGKILL')
    }
  }

  #at(call: Call, moment: Moment): Fault | undefined {
    const moves = this.#positions.all.length
    this.#positions.see(call, moment)
    if (this.#positions.all.length > moves) this.plan.hasComeOn()
    if (this.#isOver) return undefined
    if (moment === 'start' && this.#callsToFail > 0) {
      this.#callsToFail--
      return { kind: 'error', code: status.UNAVAILABLE, message: 'no connection' }
    }
    if (this.plan.armed === 'death by chance') void this.#dieByChance()
    const fault = this.plan.at(call, moment)
    return fault === null ? undefined : this.#faultOf(fault)
  }

  #faultOf(fault: Trouble['fault']): Fault | undefined {
    switch (fault.kind) {
      case 'away':
        void this.#comeBack()
        return { kind: 'die' }
      case 'no answers':
        this.#callsToFail = CALLS_WITHOUT_ANSWER - 1
        return { kind: 'error', code: status.UNAVAILABLE, message: 'no connection' }
      case 'long time':
        this.#aheadMs += LONG_MS
        return undefined
      default:
        return fault
    }
  }

  async #comeBack(): Promise<void> {
    await sleep(200 + this.#random.below(MOST_MS_AWAY))
    await this.#restart()
  }

  async #dieByChance(): Promise<void> {
    if (this.#isDyingByChance) return
    this.#isDyingByChance = true
    // Not while the trouble before it is still going on.
    await sleep(50 + this.#random.below(MOST_MS_TO_CHANCE))
    if (this.#isOver) return
    await this.#restart()
    this.plan.hasCome()
    this.#isDyingByChance = false
  }

  /** One after another: the port is the same. */
  async #restart(): Promise<void> {
    this.#lastRestart = this.#lastRestart.then(() => (this.#isOver ? undefined : this.#server!.restart()))
    await this.#lastRestart
  }
}
