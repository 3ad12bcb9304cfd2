import { randomUUID } from 'node:crypto'
import { type FileHandle, open, readFile, rename } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { RelayError } from '../errors.ts'
import { fileTrouble } from '../file-trouble.ts'
import { parseJson } from '../parse-json.ts'
import { type FileLock, lockFile } from './file-lock.ts'
import { requireSameIdentity } from './identity.ts'
import type { StateStore } from './store.ts'
import type { Claim, RelayIdentity, Stored } from '../batch.ts'

/**
 * Keeps the state of one relay as JSON in the file `path`. Each move replaces the file as a whole, so that a crash
 * leaves the old state or the new one.
 *
 * Which process may write is decided by a lock on `path.lock`. The claim in the file is there for what a lock cannot
 * see: a file that was put back from a backup, a lock file that was removed.
 */
export function fileStateStore(path: string): StateStore {
  const owner = randomUUID()
  let lock: FileLock | undefined
  let request: Claim | undefined
  /** What we last read or wrote. */
  let known: State | undefined

  async function take(claim: Claim, stored: State | null): Promise<Stored> {
    if (stored !== null) requireSameIdentity(stored.relay, claim.relay, `delete the file ${path}`)
    const number = Math.max(stored?.claim.number ?? 0, known?.claim.number ?? 0) + 1
    const since = new Date().toISOString()
    const next: State = {
      version: 1,
      relay: stored?.relay ?? plainIdentity(claim.relay),
      claim: { number, owner, host: hostname(), pid: process.pid, since },
      positions: stored?.positions ?? Object.fromEntries(await claim.firstPositions()),
      learned: stored?.learned ?? {},
    }
    await replaceState(path, next)
    known = next
    return storedOf(next)
  }

  return {
    async claim(claim, signal) {
      request = claim
      lock ??= await lockFile(`${path}.lock`, signal)
      return await take(claim, await readState(path))
    },

    async move(moves, lessons) {
      if (request === undefined || known === undefined) throw new Error('the name must be claimed first')
      const next: State = {
        ...known,
        positions: { ...known.positions, ...Object.fromEntries(moves) },
        learned: { ...known.learned, ...Object.fromEntries(lessons) },
      }
      const stored = await readState(path)
      if (stored === null) {
        throw new RelayError(
          'STATE_BROKEN',
          `The state file ${path} was removed; what was last stored is not known any more`,
        )
      }
      if (isOfAnother(stored, known)) throw held(path, stored)
      // What is new is there already if the write before this one failed at its very end.
      if (!isDeepStrictEqual(stored, known) && !isDeepStrictEqual(stored, next)) return await take(request, stored)
      await replaceState(path, next)
      known = next
      return null
    },

    async close() {
      await lock?.release()
    },
  }
}

/** A claim above ours, or one beside it: both come after us, from a process that our lock did not keep out. */
function isOfAnother({ claim }: State, { claim: ours }: State): boolean {
  return claim.number > ours.number || (claim.number === ours.number && claim.owner !== ours.owner)
}

function held(path: string, { claim: { pid, host, since } }: State): RelayError {
  return new RelayError(
    'STATE_HELD',
    `The state file ${path} was claimed by process ${pid} on host ${host} since ${since}: stop that relay, or give this one another \`--name\`, and with it another file`,
  )
}

const POSITION = z.strictObject({
  sequence: z.string(),
  arrivedAt: z.number().nullable(),
  caughtUpAt: z.number().nullable(),
})

/** Not a zod record: that leaves out a member named `__proto__`. */
const TEXTS = z.custom<Readonly<Record<string, string>>>(
  (value) => isPlainObject(value) && Object.values(value).every((text) => typeof text === 'string'),
)

const STATE = z.strictObject({
  version: z.literal(1),
  relay: z.strictObject({
    name: z.string(),
    stream: z.strictObject({ id: z.string(), created: z.string(), retentionMs: z.number().nullable() }),
    start: z.string().nullable(),
    settings: z.record(z.string(), z.string()),
  }),
  claim: z.strictObject({
    number: z.int(),
    owner: z.string(),
    host: z.string(),
    pid: z.int(),
    since: z.string(),
  }),
  /** By shard. */
  positions: z.record(z.string(), POSITION),
  /** Lessons by subject. Absent in a file of a version that learned nothing. */
  learned: TEXTS.default({}),
})

type State = z.infer<typeof STATE>

const storedOf = ({ positions, learned }: State): Stored => ({
  positions: new Map(Object.entries(positions)),
  facts: new Map(Object.entries(learned)),
})

function plainIdentity({ name, stream, start, settings }: RelayIdentity): State['relay'] {
  const { id, created, retentionMs } = stream
  return { name, stream: { id, created, retentionMs }, start, settings: { ...settings } }
}

/** Null if there is no such file. @throws RelayError STATE_BROKEN */
async function readState(path: string): Promise<State | null> {
  try {
    return STATE.parse(parseJson(await readFile(path, 'utf8')))
  } catch (cause) {
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
