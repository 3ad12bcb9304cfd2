import { spawnSync } from 'node:child_process'
import { constants, readFileSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import type { Call } from '../../support/gpss/audit.ts'
import type { Moment } from '../../support/gpss/settings.ts'

/** Shard → sequence number up to which its records are done, or a word for none or all. */
export type Positions = Readonly<Record<string, string>>

/** What the program's state file holds whenever it opens a load: where its batches begin. */
export class StoredPositions {
  readonly stateFile: string
  readonly #seen = new Map<string, Positions>()

  constructor(stateFile: string) {
    this.stateFile = stateFile
  }

  /** Each once, in the order of their coming. */
  get all(): Positions[] {
    return [...this.#seen.values()]
  }

  /** To be shown every moment of every call. */
  see({ method }: Call, moment: Moment): void {
    if (method !== 'Open' || moment !== 'start') return
    const { positions } = JSON.parse(readFileSync(this.stateFile, 'utf8')) as StateFile
    const sequences = Object.fromEntries(Object.entries(positions).map(([shard, { sequence }]) => [shard, sequence]))
    this.#seen.set(JSON.stringify(sequences), sequences)
  }
}

interface StateFile {
  readonly positions: Readonly<Record<string, { readonly sequence: string }>>
}

/**
 * Puts a pipe where the program drafts its next state: it waits there until somebody reads, and nothing becomes of what it
 * writes. `reached` resolves when it is there; `remove` takes the pipe away, once the program is dead.
 */
export function pipeForDraft(stateFile: string): { readonly reached: Promise<void>; remove(): Promise<void> } {
  const path = `${stateFile}.new`
  const made = spawnSync('mkfifo', [path], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`mkfifo failed: ${made.error ?? made.stderr}`)
  const reading = open(path, 'r')
  return {
    reached: reading.then(() => {}),
    async remove() {
      // Lets go of a reader that still waits for a writer.
      const writing = await open(path, constants.O_RDWR | constants.O_NONBLOCK)
      await (await reading).close()
      await writing.close()
      await rm(path)
    },
  }
}
