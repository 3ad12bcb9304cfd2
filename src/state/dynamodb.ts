import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { RelayError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import type { Positions } from '../position.ts'
import { type Head, type Holder, NOTHING } from './dynamodb-items.ts'
import { type Known, statePages } from './dynamodb-pages.ts'
import { openTable, type TableOptions } from './dynamodb-table.ts'
import { startHeartbeat, watchHeartbeat } from './heartbeat.ts'
import { nameHeld } from './held.ts'
import { requireSameIdentity } from './identity.ts'
import type { StateStore } from './store.ts'
import type { Claim, Stored } from '../batch.ts'
import { holds } from './stored-json.ts'

export interface DynamodbStateOptions extends TableOptions {
  readonly log: Log
  /** How often a holder says that it lives, and how often who waits for its name looks. */
  readonly heartbeatMs?: number
  /** Epoch ms on a clock that all relays of the table share; by default the service's own. */
  readonly now?: () => number
}

const HEARTBEAT_MS = 10_000

/**
 * Keeps the state of any number of relays in a DynamoDB table with the partition key `relay` and the sort key `item`,
 * both text. It needs dynamodb:GetItem, Query, PutItem, UpdateItem and DeleteItem on the table.
 *
 * A move is one conditional update of one item, the relay's head. It holds what moved last, whole; once that is too much
 * for an item, all that is known is first written to new pages, and the update lists them instead. A crash in between
 * leaves pages that nobody lists. So there is no limit to shards and lessons; a move costs as much as was news since the
 * pages, 200 KB at most.
 *
 * The fence: a claim is a number that goes up with each process that takes the name, and the random id of its owner. The
 * head changes only under our claim and from the revision that we last read or wrote, so these three tell a head that we
 * wrote, but had no answer for, from one that was set back.
 *
 * Nothing in DynamoDB ends with its process, so a holder writes a heartbeat. A name is free when it was given up, when
 * its heartbeat stands still until it is a minute old, or when it is taken over. That decides only who may try: what keeps
 * a holder that was merely slow from doing harm is the claim.
 *
 * @throws RelayError CONFIGURATION, also later if there is no such table; STATE_UNREACHABLE, STATE_THROTTLED, STATE_DENIED
 */
export function dynamodbStateStore(options: DynamodbStateOptions): StateStore {
  const table = openTable(options)
  const pages = statePages(table)
  const { log, heartbeatMs = HEARTBEAT_MS, now = table.now } = options
  const owner = randomUUID()
  let request: Claim | undefined
  /** What we last read or wrote. */
  let known: Known | undefined
  let heartbeat: { stop(): Promise<void> } | undefined
  let closed: Promise<void> | undefined

  async function claim(claim: Claim, signal: AbortSignal): Promise<Stored> {
    request = claim
    const { name } = claim.relay
    const look = watchHeartbeat(now)
    for (let isTold = false; ; ) {
      const head = await table.head(name)
      if (head === undefined) {
        await begin(claim)
        continue
      }
      requireSameIdentity({ name, ...head.identity }, claim.relay, `run: ${forgetCommand(options.table, name)}`)
      const sign = head.owner === owner || claim.takeOver ? 'dead' : look(head.heartbeat)
      if (sign === 'alive') throw held(name, head)
      if (sign === 'unknown') {
        if (!isTold) log.info({ name }, `The relay's name is held by ${holder(head)}: waiting whether that lives`)
        isTold = true
        await sleep(heartbeatMs, undefined, { signal })
        continue
      }
      const taken = await take(name, head)
      if (taken === null) continue
      known = taken
      heartbeat ??= startHeartbeat(beat, heartbeatMs)
      await pages.removeUnlisted(name, known.pages)
      return known.stored
    }
  }

  /** Stores a new name, given up already: it is then claimed like any other. Another process may be faster. */
  async function begin({ relay, firstPositions }: Claim): Promise<void> {
    const { name, ...identity } = relay
    const first = await pages.layOut(name, NEW, { positions: await firstPositions(), facts: new Map() })
    const { revision, recent } = first
    await table.begin(name, { format: 1, ...NOBODY, revision, heartbeat: 0, identity, pages: first.pages, recent })
  }

  /** Raises the claim, then reads what is stored: nobody else changes it now. Null if someone was faster. */
  async function take(name: string, head: Head): Promise<Known | null> {
    const number = Math.max(head.claim, known?.claim ?? 0) + 1
    const us: Holder = {
      claim: number,
      owner,
      host: hostname(),
      process: process.pid,
      since: new Date(now()).toISOString(),
    }
    const { claim, owner: before, heartbeat } = head
    if (!(await table.update(name, { ...us, heartbeat: now() }, { claim, owner: before, heartbeat }))) return null
    const ours = await table.head(name)
    if (ours?.claim !== number || ours.owner !== owner) return null
    await pages.find(name, number)
    return await pages.load(name, ours)
  }

  /** Does nothing once the name is not ours any more: the next move says so. */
  async function beat(): Promise<void> {
    if (request === undefined || known === undefined) return
    await table.update(request.relay.name, { heartbeat: now() }, { claim: known.claim, owner })
  }

  async function move(moves: Positions, lessons: Stored['facts'], signal: AbortSignal): Promise<Stored | null> {
    if (request === undefined || known === undefined) throw new Error('the name must be claimed first')
    const { name } = request.relay
    const news: Stored = { positions: moves, facts: lessons }
    for (;;) {
      if (await write(name, known, news)) return null
      const head = await table.head(name)
      if (head === undefined) throw gone(name)
      if (head.owner !== owner && head.claim >= known.claim) throw held(name, head)
      if (head.owner !== owner || head.claim !== known.claim || head.revision <= known.revision) break
      // Ours, and further than we knew: a write before this one was done, but its answer was lost.
      const further = await pages.load(name, head)
      if (further === null) continue
      known = further
      await pages.removeUnlisted(name, known.pages)
      if (holds(known.stored, news)) return null
    }
    // The table was set back (or it was found set back before, and the answer to our new claim was lost). Whoever lives
    // there keeps the name.
    return await claim({ ...request, takeOver: false }, signal)
  }

  /** False if the head is not what we last read or wrote. */
  async function write(name: string, from: Known, news: Stored): Promise<boolean> {
    const next = await pages.layOut(name, from, news)
    const isWritten = await table.update(
      name,
      { pages: next.pages, recent: next.recent, revision: next.revision, heartbeat: now() },
      { claim: from.claim, owner, revision: from.revision },
    )
    if (!isWritten) return false
    known = next
    await pages.removeUnlisted(name, next.pages)
    return true
  }

  async function giveUp(): Promise<void> {
    await heartbeat?.stop()
    if (request !== undefined && known !== undefined) {
      const { name } = request.relay
      try {
        await table.update(name, { heartbeat: 0 }, { claim: known.claim, owner })
      } catch (error) {
        // All that was to be kept is kept. Thrown, it would hide why the relay ends.
        if (!(error instanceof RelayError)) throw error
        const fields = { name, code: error.code, detail: error.detail }
        log.warn(fields, "The relay's name could not be given up: who claims it next waits for a minute")
      }
    }
    table.close()
  }

  return {
    claim,
    move,
    close: () => (closed ??= giveUp()),
  }
}

/** The holder of a name that nobody has claimed yet, and what is known of it. */
const NOBODY: Holder = { claim: 0, owner: 'nobody', host: 'none', process: 0, since: 'never' }
const NEW: Known = { claim: 0, revision: 0, pages: [], recent: NOTHING, stored: NOTHING }

const forgetCommand = (table: string, name: string): string =>
  `aws dynamodb delete-item --table-name ${table} --key '${JSON.stringify({ relay: { S: name }, item: { S: 'head' } }).replaceAll("'", "'\\''")}'`

function gone(name: string): RelayError {
  return new RelayError(
    'STATE_BROKEN',
    "The relay's head is gone from the state table, and its positions with it, while it was running",
    { name },
  )
}

const holder = ({ process, host, since, heartbeat }: Head): string =>
  `process ${process} on ${host} since ${since}, last heard of ${new Date(heartbeat).toISOString()}`

const held = (name: string, head: Head): RelayError => nameHeld(name, holder(head))
