import type { Sink } from './sink.ts'
import type { Batch, Claim, Opening, Stored, Unclaimed, Written } from '../batch.ts'
import { RelayError } from '../errors.ts'
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
 * Makes a sink of a writer and a store for its positions and facts (null: nothing is remembered, each run begins at
 * the start). Under an engine the store keeps the facts alone; what the engine gives again, the writer writes again.
 *
 * The two cannot become durable in one step. The positions come second, so a crash between the two, or a store that was
 * set back, repeats changes; the other order would lose them.
 */
export function joinState(writer: Writer, store: StateStore | null): Sink {
  let inProgress: Promise<unknown> = Promise.resolve()
  let isUnclaimed = false

  async function openState(opening: Opening, signal: AbortSignal): Promise<Stored> {
    isUnclaimed = opening.positions === 'engine'
    if (opening.positions !== 'engine') {
      return store === null ? await nothingStored(opening) : await store.claim(opening, signal)
    }
    if (store !== null && store.shared === undefined) throw ofOneProcess(opening)
    return { positions: new Map(), facts: (await store?.shared?.join(opening)) ?? new Map() }
  }

  /** After the changes of a batch. */
  async function move({ positions, facts }: Batch, signal: AbortSignal): Promise<Stored | null> {
    if (!isUnclaimed) return (await store?.move(positions, facts, signal)) ?? null
    if (facts.size > 0) await store?.shared?.merge(facts)
    return null
  }

  return {
    refusesNul: writer.refusesNul,
    refusesHalves: writer.refusesHalves,
    readsBefore: writer.readsBefore,
    needsKeys: writer.needsKeys,
    keyColumns: (table) => writer.keyColumns(table),

    async open(opening, signal) {
      const stored = await openState(opening, signal)
      await writer.open(signal)
      return stored
    },

    readFacts: async () => (await store?.shared?.read()) ?? new Map(),

    prepare(batch) {
      const write = writer.prepare(batch)
      let written: Written | undefined
      const writeAndMove: ReturnType<Sink['prepare']> = async (signal) => {
        // When only the positions could not be stored, trying again must not write the changes a second time.
        written ??= await write(signal)
        const rewound = await move(batch, signal)
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

function ofOneProcess({ relay: { name } }: Unclaimed): RelayError {
  const detail =
    'An engine runs many processes at once, and this state store can be open in one alone: name one that they can share (postgresql:), or none'
  return new RelayError('CONFIGURATION', detail, { relay: name })
}
