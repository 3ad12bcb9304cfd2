import { hostname } from 'node:os'
import type {
  Batch,
  Claim,
  Facts,
  Opening,
  RelayIdentity,
  Rewound,
  Stored,
  Unclaimed,
  Written,
} from '../../../src/batch.ts'
import {
  Binary,
  type Change,
  compareDecimal,
  type DeadLetter,
  Numeric,
  recordToJson,
  type StreamChange,
  tableLabel,
  toJson,
  type Value,
} from '../../../src/change.ts'
import { RelayError } from '../../../src/errors.ts'
import type { Positions } from '../../../src/position.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { plainDecimal } from '../../../src/sinks/tables/keys.ts'
import { requireSameIdentity } from '../../../src/state/identity.ts'
import { keeperOf, keptBy, requireSameKeeper } from '../../../src/state/keeper.ts'

/** A target in memory that outlives the sinks over it, as a database does. */
export interface MemoryTarget {
  sink(options?: MemorySinkOptions): Sink
  /** Source table → key as JSON pairs of attribute and text → what the key holds; `data` null for a deleted row. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, MemoryRow>>
  /** What append mode wrote of rows, as the JSON of the change record. */
  readonly log: readonly string[]
  readonly deadLetters: readonly DeadLetter[]
  positions(name: string): Positions
  facts(name: string): Facts
  /** Remembers everything; calling the answer brings it back, as restoring a backup does. */
  backup(): () => void
}

export interface MemorySinkOptions {
  readonly mode?: 'mirror' | 'append'
  /** True: changes wait for their key, of which this target can tell nothing. */
  readonly needsKeys?: boolean
}

export interface MemoryRow {
  readonly data: string | null
  readonly version: string
}

interface Relay {
  readonly identity: RelayIdentity
  readonly claim: number
  readonly owner: symbol
  readonly stored: Stored
}

interface Contents {
  tables: Map<string, Map<string, MemoryRow>>
  log: string[]
  /** Of the records in the log. */
  places: string[]
  deadLetters: DeadLetter[]
  relays: Map<string, Relay>
}

export function memoryTarget(): MemoryTarget {
  let contents: Contents = { tables: new Map(), log: [], places: [], deadLetters: [], relays: new Map() }
  /** Names whose holder is open. */
  const alive = new Map<string, symbol>()

  return {
    sink: (options = {}) => memorySink(() => contents, alive, options),
    get tables() {
      return contents.tables
    },
    get log() {
      return contents.log
    },
    get deadLetters() {
      return contents.deadLetters
    },
    positions: (name) => contents.relays.get(name)?.stored.positions ?? new Map(),
    facts: (name) => contents.relays.get(name)?.stored.facts ?? new Map(),
    backup() {
      const copy = structuredClone({ tables: contents.tables, log: contents.log, places: contents.places })
      const [relays, deadLetters] = [new Map(contents.relays), [...contents.deadLetters]]
      return () => {
        contents = { ...copy, relays, deadLetters }
      }
    },
  }
}

function memorySink(contents: () => Contents, alive: Map<string, symbol>, options: MemorySinkOptions): Sink {
  const { mode = 'mirror', needsKeys = false } = options
  const owner = Symbol('owner')
  let name = ''
  let claimed = 0
  let known: Stored = { positions: new Map(), facts: new Map() }
  let request: Claim | undefined
  let rewinds = 0
  /** What it was opened with, where nobody claims the name. */
  let unclaimed: Unclaimed | null = null

  async function open(opening: Opening): Promise<Stored> {
    name = opening.relay.name
    const found = contents().relays.get(name)
    if (found !== undefined) {
      requireSameIdentity(found.identity, opening.relay, 'forget the memory')
      requireSameKeeper(found.identity, opening.positions ?? 'ours', opening.takeOver)
    }
    return opening.positions === 'engine' ? join(opening) : await claimName(opening)
  }

  /** Claims nothing. The number of the name goes up only where it is taken over. */
  function join(opening: Unclaimed): Stored {
    unclaimed = opening
    const { relay } = opening
    const found = contents().relays.get(name)
    if (found === undefined || keeperOf(found.identity) === 'ours') {
      const stored = found?.stored ?? NOTHING
      const claim = (found?.claim ?? 0) + 1
      contents().relays.set(name, { identity: keptBy('engine', relay), claim, owner: NOBODY, stored })
    }
    return { positions: new Map(), facts: factsNow() }
  }

  const factsNow = (): Facts => contents().relays.get(name)?.stored.facts ?? NOTHING.facts

  /** Every row is final, and so is every fact: others may have come in between. */
  function writeUnclaimed({ factRules }: Unclaimed, { changes, facts, deadLetters, positions }: Batch): Written {
    if (positions.size > 0) throw new Error('a batch under an engine has no positions')
    const relay = contents().relays.get(name)!
    const before = relay.stored.facts
    const merged = [...facts].map(([subject, fact]) => {
      const known = before.get(subject)
      return [subject, known === undefined ? fact : factRules.merge(subject, known, fact)] as const
    })
    const stored: Stored = { ...relay.stored, facts: new Map([...before, ...merged]) }
    contents().relays.set(name, { ...relay, stored })
    const isKept = new Set(contents().deadLetters.map(placeText))
    contents().deadLetters.push(...deadLetters.filter((letter) => !isKept.has(placeText(letter))))
    return mode === 'append' ? appendOnce(contents(), changes) : mirror(contents(), changes)
  }

  async function claimName(claim: Claim): Promise<Stored> {
    request = claim
    const holder = alive.get(name)
    if (holder !== undefined && holder !== owner && !claim.takeOver) throw held(name)
    const stored = contents().relays.get(name)
    known = stored?.stored ?? { positions: await claim.firstPositions(), facts: new Map() }
    claimed = (stored?.claim ?? 0) + 1
    alive.set(name, owner)
    contents().relays.set(name, { identity: claim.relay, claim: claimed, owner, stored: known })
    return known
  }

  async function write(batch: Batch, preparedAt: number): Promise<Written | Rewound> {
    const { changes, facts, deadLetters, positions } = batch
    if (preparedAt !== rewinds) return { kind: 'rewound', ...known }
    const stored = contents().relays.get(name)
    if (stored !== undefined && (stored.claim > claimed || (stored.claim === claimed && stored.owner !== owner))) {
      throw held(name)
    }
    const isWhereWeLeft = [...positions.keys()].every(
      (shard) => stored?.stored.positions.get(shard)?.sequence === known.positions.get(shard)?.sequence,
    )
    if (stored?.claim !== claimed || !isWhereWeLeft) {
      rewinds++
      return { kind: 'rewound', ...(await open({ ...request!, takeOver: false })) }
    }
    const written = mode === 'append' ? append(contents(), changes) : mirror(contents(), changes)
    contents().deadLetters.push(...deadLetters)
    const reached = [...known.positions, ...positions].filter(([shard]) => !batch.forgotten.includes(shard))
    known = { positions: new Map(reached), facts: new Map([...known.facts, ...facts]) }
    contents().relays.set(name, { ...stored, stored: known })
    return written
  }

  return {
    refusesNul: false,
    refusesHalves: false,
    readsBefore: mode === 'append',
    needsKeys,
    open,
    readFacts: async () => factsNow(),
    keyColumns: async () => null,
    prepare: (batch) => {
      const preparedAt = rewinds
      const opening = unclaimed
      return opening === null ? () => write(batch, preparedAt) : async () => writeUnclaimed(opening, batch)
    },
    async close() {
      if (alive.get(name) === owner) alive.delete(name)
    },
  }
}

function append(contents: Contents, changes: readonly StreamChange[]): Written {
  contents.log.push(...ofRows(changes).map(recordToJson))
  contents.places.push(...ofRows(changes).map(placeInLog))
  return count(changes, () => true)
}

/** A record that is there is not written again. */
function appendOnce(contents: Contents, changes: readonly StreamChange[]): Written {
  const isThere = new Set(contents.places)
  return count(changes, (change) => {
    const place = placeInLog(change)
    if (isThere.has(place)) return false
    isThere.add(place)
    contents.places.push(place)
    contents.log.push(recordToJson(change))
    return true
  })
}

const placeInLog = (change: Change): string => tableLabel(change.table) + placeText(change)

const placeText = ({ source: { stream, shard, sequence, subSequence } }: Pick<Change, 'source'>): string =>
  JSON.stringify([stream, shard, sequence, subSequence])

const NOTHING: Stored = { positions: new Map(), facts: new Map() }
const NOBODY = Symbol('nobody')

/** Knows complete images and deletes: of a part of a row it would make a whole one. */
function mirror(contents: Contents, changes: readonly StreamChange[]): Written {
  const rows = ofRows(changes)
  if (rows.some(({ complete }) => !complete)) throw new Error('the sink in memory mirrors whole images only')
  const tables = Map.groupBy(rows, ({ table }) => tableLabel(table))
  const standing = new Set([...tables.values()].flatMap(standingOf))
  return count(changes, (change) => {
    if (!standing.has(change)) return false
    const label = tableLabel(change.table)
    const rows = contents.tables.get(label) ?? new Map<string, MemoryRow>()
    contents.tables.set(label, rows)
    const key = keyText(change)
    const held = rows.get(key)
    if (held !== undefined && compareDecimal(change.version, held.version) < 0) return false
    rows.set(key, { data: change.op === 'delete' ? null : toJson(change.after), version: change.version })
    return true
  })
}

const ofRows = (changes: readonly StreamChange[]): Change[] => changes.filter((change) => change.kind === 'change')

/** Of the changes of each key the newest, among equal versions the later arrival. */
function standingOf(changes: readonly Change[]): Change[] {
  const standing = new Map<string, Change>()
  for (const change of changes) {
    const other = standing.get(keyText(change))
    if (other === undefined || compareDecimal(change.version, other.version) >= 0) standing.set(keyText(change), change)
  }
  return [...standing.values()]
}

/** Attribute → value, numbers in one spelling. */
const keyText = ({ key }: Change): string =>
  toJson(
    Object.entries(key ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [
        name,
        isNumber(value) ? plainDecimal(value) : value instanceof Binary ? hex(value) : value,
      ]),
  )

const hex = (bytes: Binary): string => `\\x${Buffer.from(bytes).toString('hex')}`

const isNumber = (value: Value): value is number | Numeric => typeof value === 'number' || value instanceof Numeric

/** A schema change has nothing to do here: it is applied. */
function count(changes: readonly StreamChange[], apply: (change: Change) => boolean): Written {
  const tables = new Map<string, { applied: number; superseded: number }>()
  for (const change of changes) {
    const label = tableLabel(change.table)
    const { applied, superseded } = tables.get(label) ?? { applied: 0, superseded: 0 }
    const isApplied = change.kind === 'schema' || apply(change)
    tables.set(label, { applied: applied + Number(isApplied), superseded: superseded + Number(!isApplied) })
  }
  return { kind: 'written', tables }
}

const held = (name: string): RelayError =>
  new RelayError('STATE_HELD', `The relay's name is held by process ${process.pid} on ${hostname()}`, { name })
