import type { Sink } from './sink.ts'
import type { Batch, Written, Claim, Stored } from '../batch.ts'
import type { StateStore } from '../state/store.ts'

/** A target that keeps no state: what is left of a `Sink` without claim and positions. */
export interface Writer
  extends Pick<Sink, 'refusesNul' | 'refusesHalves' | 'readsBefore' | 'needsKeys' | 'keyColumns' | 'close'> {
  /** Makes ready for writing. Twice is fine. */
  open(signal: AbortSignal): Promise<void>

  /**
   * Encodes the batch. The function writes it, and resolves when it is durable; after it threw, it can be called
   * again and then leaves each change once. A crash in between repeats the batch.
   */
  prepare(batch: Batch): (signal: AbortSignal) => Promise<Written>
}

/**
 * Makes a sink of a writer and a store for its positions and lessons (null: nothing is remembered, each run begins at
 * the start).
 *
 * The two cannot become durable in one step. The positions come second, so a crash between the two, or a store that was
 * set back, repeats changes; the other order would lose them.
 */
export function joinState(writer: Writer, store: StateStore | null): Sink {
  let inProgress: Promise<unknown> = Promise.resolve()

  return {
    refusesNul: writer.refusesNul,
    refusesHalves: writer.refusesHalves,
    readsBefore: writer.readsBefore,
    needsKeys: writer.needsKeys,
    keyColumns: (table) => writer.keyColumns(table),

    async open(claim, signal) {
      const stored = store === null ? await nothingStored(claim) : await store.claim(claim, signal)
      await writer.open(signal)
      return stored
    },

    prepare(batch) {
      const write = writer.prepare(batch)
      let written: Written | undefined
      const writeAndMove: ReturnType<Sink['prepare']> = async (signal) => {
        // When only the positions could not be stored, trying again must not write the changes a second time.
        written ??= await write(signal)
        const rewound = store === null ? null : await store.move(batch.positions, batch.facts, signal)
        return rewound === null ? written : { kind: 'rewound', ...rewound }
      }
      return (signal) => {
        const answer = writeAndMove(signal)
        inProgress = answer.catch(() => {}) // for `close`; the caller has the failure
        return answer
      }
    },

    async close() {
      await inProgress
      try {
        await writer.close()
      } finally {
        await store?.close()
      }
    },
  }
}

async function nothingStored(claim: Claim): Promise<Stored> {
  return { positions: await claim.firstPositions(), facts: new Map() }
}
