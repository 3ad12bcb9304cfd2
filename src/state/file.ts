import { randomUUID } from 'node:crypto'
import { type FileHandle, open, readFile, rename } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import type { Claim, Progress, RelayIdentity, Stored } from '../batch.ts'
import { RelayError } from '../errors.ts'
import { fileTrouble } from '../file-trouble.ts'
import { parseJson } from '../parse-json.ts'
import { type Ours, verdict } from './fence.ts'
import { type FileLock, isLocked, lockFile } from './file-lock.ts'
import { claimedSettings } from './identity.ts'
import { FORM, requireKnownForm } from './known-form.ts'
import type { Seen } from './seen.ts'
import type { StateStore } from './store.ts'
import { advance, withoutSettings } from './stored.ts'
import { IDENTITY, POSITION } from './stored-json.ts'

/**
 * Keeps the state of one relay as JSON in the file `path`. Each move replaces the file as a whole, so that a crash
 * leaves the old state or the new one.
 *
 * Which process may write is decided by a lock on `path.lock`. The claim in the file is there for what a lock cannot
 * see: a file that was put back from a backup, a lock file that was removed.
 */
export function fileStateStore(path: string): StateStore {
  return new FileState(path)
}

class FileState implements StateStore {
  readonly #path: string
  readonly #owner = randomUUID()
  #lock: FileLock | undefined
  #request: Claim | undefined
  /** What we last read or wrote. */
  #known: State | undefined

  constructor(path: string) {
    this.#path = path
  }

  async claim(claim: Claim, signal: AbortSignal): Promise<Stored> {
    this.#request = claim
    this.#lock ??= await lockFile(`${this.#path}.lock`, signal)
    return await this.#take(claim, await readState(this.#path))
  }

  async #take(claim: Claim, state: State | null): Promise<Stored> {
    const claimed = state === null ? null : claimedSettings(state.relay, claim, `delete the file ${this.#path}`)
    const number = Math.max(state?.claim.number ?? 0, this.#known?.claim.number ?? 0) + 1
    const since = new Date().toISOString()
    const { positions, learned } = state ?? plainStored({ positions: await claim.firstPositions(), facts: new Map() })
    const stored = await this.#replace({
      version: FORM,
      relay: plainIdentity(state === null ? claim.relay : { ...state.relay, ...claimed }),
      claim: { number, owner: this.#owner, host: hostname(), pid: process.pid, since },
      positions,
      learned,
    })
    return claimed === null ? stored : { ...stored, claimed }
  }

  async move(progress: Progress): Promise<Stored | null> {
    if (this.#request === undefined || this.#known === undefined) throw new Error('the name must be claimed first')
    const known = this.#known
    const found = await readState(this.#path)
    if (found === null) throw fileRemoved(this.#path)
    if (!isDeepStrictEqual(found, known)) {
      const is = verdict(holdingOf(found), holdingOf(known), progress)
      if (is === 'held') throw held(this.#path, found)
      if (is === 'rewound') return withoutSettings(await this.#take(this.#request, found))
    }
    await this.#replace({ ...known, ...plainStored(advance(storedOf(known), progress)) })
    return null
  }

  async look(name: string): Promise<Seen | null> {
    const state = await readState(this.#path)
    if (state === null) return null
    const { relay, claim } = state
    if (relay.name !== name) {
      const detail = `The state file ${this.#path} is of the relay "${relay.name}", not of "${name}"`
      throw new RelayError('STATE_DIFFERS', detail, { relay: name })
    }
    const { host, pid, since } = claim
    const isAlive = await isLocked(`${this.#path}.lock`)
    return { relay, holder: { host, process: pid, since, isAlive, heardOf: null }, stored: storedOf(state) }
  }

  async #replace(next: State): Promise<Stored> {
    await replaceState(this.#path, next)
    this.#known = next
    return storedOf(next)
  }

  async close(): Promise<void> {
    await this.#lock?.release()
  }
}

const holdingOf = (state: State): Ours => ({
  claim: state.claim.number,
  owner: state.claim.owner,
  stored: storedOf(state),
})

function held(path: string, { claim: { pid, host, since } }: State): RelayError {
  return new RelayError(
    'STATE_HELD',
    `The state file ${path} was claimed by process ${pid} on host ${host} since ${since}: stop that relay, or give this one another \`--name\`, and with it another file`,
  )
}

const fileRemoved = (path: string): RelayError =>
  new RelayError('STATE_REMOVED', `Somebody removed the state file ${path} while the relay ran`)

/** Not a zod record: that leaves out a member named `__proto__`. */
const TEXTS = z.custom<Readonly<Record<string, string>>>(
  (value) => isPlainObject(value) && Object.values(value).every((text) => typeof text === 'string'),
)

const STATE = z.strictObject({
  version: z.literal(FORM),
  relay: z.strictObject({ name: z.string(), ...IDENTITY.shape }),
  claim: z.strictObject({
    number: z.int(),
    owner: z.string(),
    host: z.string(),
    pid: z.int(),
    since: z.string(),
  }),
  /** By shard. */
  positions: z.record(z.string(), POSITION),
  /** Facts by subject. Absent in a file of a version that learned nothing. */
  learned: TEXTS.default({}),
})

type State = z.infer<typeof STATE>

const storedOf = ({ positions, learned }: State): Stored => ({
  positions: new Map(Object.entries(positions)),
  facts: new Map(Object.entries(learned)),
})

const plainStored = ({ positions, facts }: Stored): Pick<State, 'positions' | 'learned'> => ({
  positions: Object.fromEntries(positions),
  learned: Object.fromEntries(facts),
})

function plainIdentity({ name, stream, start, settings }: RelayIdentity): State['relay'] {
  const { id, created, retentionMs } = stream
  return { name, stream: { id, created, retentionMs }, start, settings: { ...settings } }
}

/** Null if there is no such file. @throws RelayError STATE_BROKEN, STATE_NEWER */
async function readState(path: string): Promise<State | null> {
  try {
    const json = parseJson(await readFile(path, 'utf8'))
    requireKnownForm(`The state file ${path}`, isPlainObject(json) && 'version' in json ? json.version : undefined)
    return STATE.parse(json)
  } catch (cause) {
    if (cause instanceof RelayError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new RelayError('STATE_BROKEN', `The state file ${path} cannot be read: ${reason(cause)}`, {}, cause)
  }
}

/** Durable when it resolves, name included. @throws RelayError STATE_BROKEN */
async function replaceState(path: string, state: State): Promise<void> {
  const draft = `${path}.new`
  try {
    await withOpen(draft, 'w', async (file) => {
      await file.writeFile(`${JSON.stringify(state, null, 1)}\n`)
      await file.sync()
    })
    await rename(draft, path)
    await withOpen(dirname(path), 'r', (folder) => folder.sync())
  } catch (cause) {
    throw new RelayError('STATE_BROKEN', `The state file ${path} cannot be written: ${reason(cause)}`, {}, cause)
  }
}

async function withOpen(path: string, flags: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags)
  try {
    await work(file)
  } finally {
    await file.close()
  }
}

const isPlainObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const reason = (cause: unknown): string => (cause instanceof z.ZodError ? z.prettifyError(cause) : fileTrouble(cause))
