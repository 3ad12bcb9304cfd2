import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Claim, ClaimedSettings, Progress, Stored } from '../batch.ts'
import type { Log } from '../observe/log.ts'
import { type Head, NOTHING } from './dynamodb-items.ts'
import { type Known, type StatePages, statePages } from './dynamodb-pages.ts'
import { openTable, type StateTable, type TableOptions } from './dynamodb-table.ts'
import { isOurs, type Verdict, verdict } from './fence.ts'
import { startHeartbeat } from './heartbeat.ts'
import {
  claimByHeartbeat,
  giveNameUp,
  HEARTBEAT_MS,
  type HeldName,
  type Holder,
  heldBy,
  seenHolder,
} from './heartbeat-claim.ts'
import { claimedSettings } from './identity.ts'
import { FORM } from './known-form.ts'
import { nameRemoved } from './removed.ts'
import type { Seen } from './seen.ts'
import type { StateStore } from './store.ts'
import { KnownState, withoutSettings } from './stored.ts'

export interface DynamodbStateOptions extends TableOptions {
  readonly log: Log
  /** How often a holder says that it lives, and how often who waits for its name looks. */
  readonly heartbeatMs?: number
  /** Epoch ms on a clock that all relays of the table share; by default the service's own. */
  readonly now?: () => number
}

/**
 * Keeps the state of any number of relays in a DynamoDB table with the partition key `relay` and the sort key `item`,
 * both text. It needs dynamodb:GetItem, Query, PutItem, UpdateItem and DeleteItem on the table.
 *
 * A move is one conditional update of one item, the relay's head. It holds what moved last, whole; once that is too much
 * for an item, all that is known is first written to new pages, and the update lists them instead. A crash in between
 * leaves pages that nobody lists. So there is no limit to shards and facts; a move costs as much as was news since the
 * pages, 200 KB at most.
 *
 * The fence: a claim is a number that goes up with each process that takes the name, and the random id of its owner. The
 * head changes only under our claim and from the revision that we last read or wrote, so these three tell a head that we
 * wrote, but had no answer for, from an older one that was restored.
 *
 * Nothing in DynamoDB ends with its process, so a holder writes a heartbeat. A name is free when it was given up, when
 * its heartbeat stands still until it is a minute old, or when it is taken over. That decides only who may try: what keeps
 * a holder that was merely slow from doing harm is the claim.
 *
 * @throws RelayError CONFIGURATION, also later if there is no such table; STATE_UNREACHABLE, STATE_THROTTLED, STATE_DENIED
 */
export function dynamodbStateStore(options: DynamodbStateOptions): StateStore {
  return new DynamodbState(options)
}

class DynamodbState implements StateStore {
  readonly #table: StateTable
  readonly #tableName: string
  readonly #pages: StatePages
  readonly #log: Log
  readonly #heartbeatMs: number
  readonly #now: () => number
  readonly #owner = randomUUID()
  #request: Claim | undefined
  /** What we last read or wrote. */
  #known: Known | undefined
  #heartbeat: { stop(): Promise<void> } | undefined
  #closed: Promise<void> | undefined

  constructor(options: DynamodbStateOptions) {
    this.#table = openTable(options)
    this.#tableName = options.table
    this.#pages = statePages(this.#table)
    this.#log = options.log
    this.#heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS
    this.#now = options.now ?? this.#table.now
  }

  async claim(claim: Claim, signal: AbortSignal): Promise<Stored> {
    this.#request = claim
    const { relay, takeOver } = claim
    const { name } = relay
    const howToForget = `run: ${forgetCommand(this.#tableName, name)}`
    let claimed: ClaimedSettings
    const held: HeldName<Head> = {
      name,
      read: async () => {
        const head = await this.#table.head(name)
        if (head !== undefined) claimed = claimedSettings({ name, ...head.identity }, claim, howToForget)
        return head
      },
      begin: () => this.#begin(claim),
      holder: (head) => head,
      take: (head) => this.#take(name, head, claimed),
    }
    const heartbeat = { owner: this.#owner, takeOver, heartbeatMs: this.#heartbeatMs, now: this.#now, log: this.#log }
    const stored = await claimByHeartbeat(held, heartbeat, signal)
    this.#heartbeat ??= startHeartbeat(() => this.#beat(), this.#heartbeatMs)
    await this.#pages.removeUnlisted(name, this.#requireClaim().known.pages)
    return stored
  }

  async #begin({ relay, firstPositions }: Claim): Promise<void> {
    const { name, ...identity } = relay
    const first = await this.#pages.layOut(name, NEW, {
      positions: await firstPositions(),
      forgotten: [],
      facts: new Map(),
    })
    const { revision, pages, recent } = first
    await this.#table.begin(name, { format: FORM, claim: 0, ...NOBODY, revision, identity, pages, recent })
  }

  /** Raises the claim, then reads what is stored: nobody else changes it now. */
  async #take(name: string, head: Head, claimed: ClaimedSettings): Promise<Stored | null> {
    const claim = Math.max(head.claim, this.#known?.claim ?? 0) + 1
    const us: Holder = {
      owner: this.#owner,
      host: hostname(),
      process: process.pid,
      since: new Date(this.#now()).toISOString(),
      heartbeat: this.#now(),
    }
    const before = { claim: head.claim, owner: head.owner, heartbeat: head.heartbeat }
    const identity = { ...head.identity, settings: claimed.settings }
    if (!(await this.#table.update(name, { claim, ...us, identity }, before))) return null
    const ours = await this.#table.head(name)
    if (ours?.claim !== claim || ours.owner !== this.#owner) return null
    await this.#pages.find(name, claim)
    const known = await this.#pages.load(name, ours)
    if (known === null) return null
    this.#known = known
    return { ...known.stored.snapshot(), claimed }
  }

  async move(progress: Progress, signal: AbortSignal): Promise<Stored | null> {
    for (;;) {
      if (await this.#write(progress)) return null
      switch (await this.#settle(progress)) {
        case 'moved':
          return null
        case 'further':
          break
        case 'rewound':
          // Another process that lives there keeps the name.
          return withoutSettings(await this.claim({ ...this.#requireClaim().request, takeOver: false }, signal))
      }
    }
  }

  async look(name: string): Promise<Seen | null> {
    for (;;) {
      const head = await this.#table.head(name)
      if (head === undefined) return null
      const known = await this.#pages.load(name, head)
      if (known === null) continue
      const relay = { name, ...head.identity }
      return { relay, holder: seenHolder(head, this.#now()), stored: known.stored.snapshot() }
    }
  }

  /** False if the head is not what we last read or wrote. */
  async #write(progress: Progress): Promise<boolean> {
    const { name, known: from } = this.#requireClaim()
    const next = await this.#pages.layOut(name, from, progress)
    const { pages, recent, revision } = next
    const change = { pages, recent, revision, heartbeat: this.#now() }
    const before = { claim: from.claim, owner: this.#owner, revision: from.revision }
    if (!(await this.#table.update(name, change, before))) return false
    from.stored.advance(progress)
    this.#known = { ...next, stored: from.stored }
    await this.#pages.removeUnlisted(name, pages)
    return true
  }

  /** What became of a move whose write found another head, or an earlier answer of which was lost. @throws RelayError STATE_HELD */
  async #settle(progress: Progress): Promise<Exclude<Verdict, 'held'>> {
    const { name, known } = this.#requireClaim()
    const ours = { ...known, owner: this.#owner }
    for (;;) {
      const head = await this.#table.head(name)
      if (head === undefined) throw nameRemoved(name, 'the state table')
      const now = isOurs(head, ours) ? await this.#pages.load(name, head) : undefined
      if (now === null) continue
      const is = verdict({ ...head, stored: now?.stored ?? null }, ours, progress)
      if (is === 'held') throw heldBy(name, head)
      if (is === 'rewound' || now === undefined) return 'rewound'
      this.#known = now
      await this.#pages.removeUnlisted(name, now.pages)
      return is
    }
  }

  /** Does nothing once the name is not ours any more: the next move says so. */
  async #beat(): Promise<void> {
    if (this.#request !== undefined && this.#known !== undefined) await this.#setHeartbeat(this.#now())
  }

  async #setHeartbeat(heartbeat: number): Promise<void> {
    const { name, known } = this.#requireClaim()
    await this.#table.update(name, { heartbeat }, { claim: known.claim, owner: this.#owner })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#heartbeat?.stop()
    if (this.#known !== undefined) {
      await giveNameUp(this.#requireClaim().name, this.#log, () => this.#setHeartbeat(0))
    }
    this.#table.close()
  }

  #requireClaim(): { readonly request: Claim; readonly name: string; readonly known: Known } {
    if (this.#request === undefined || this.#known === undefined) throw new Error('the name must be claimed first')
    return { request: this.#request, name: this.#request.relay.name, known: this.#known }
  }
}

/** The holder of a name that nobody has claimed yet, and what is known of it. */
const NOBODY: Holder = { owner: 'nobody', host: 'none', process: 0, since: 'never', heartbeat: 0 }
const NEW: Known = { claim: 0, revision: 0, pages: [], recent: NOTHING, stored: new KnownState(NOTHING) }

const forgetCommand = (table: string, name: string): string =>
  `aws dynamodb delete-item --table-name ${table} --key '${JSON.stringify({ relay: { S: name }, item: { S: 'head' } }).replaceAll("'", "'\\''")}'`
