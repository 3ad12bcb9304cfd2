import type { Batch, Claim, Opening, Stored, Unclaimed, Written } from '../batch.ts'
import { RelayError } from '../errors.ts'
import { requireSameSettings, unknownName } from '../state/identity.ts'
import type { StateStore } from '../state/store.ts'
import type { Emitter } from './emitter.ts'
import type { Sink } from './sink.ts'

/**
 * Makes a sink of an emitter and a store for its positions and facts (null: nothing is remembered, each run begins at
 * the start). Under an engine the store keeps the facts alone; what the engine gives again, the emitter writes again.
 *
 * The two cannot become durable in one step. The positions come second, so a crash between the two, or a store that was
 * restored, repeats changes; the other order would lose them.
 */
export function withState(emitter: Emitter, store: StateStore | null): Sink {
  const { keys, json, before = false, cleanText = false, batch: limits } = emitter.needs ?? {}
  let inProgress: Promise<unknown> = Promise.resolve()
  let isUnclaimed = false
  /** Of the relay; null until it is open. */
  let name: string | null = null
  /** The relay whose letters are written again, if they are. */
  let replayed: string | null = null

  async function openState(opening: Opening, signal: AbortSignal): Promise<Stored> {
    isUnclaimed = opening.positions === 'engine'
    if (opening.positions !== 'engine') {
      return store === null ? await nothingStored(opening) : await store.claim(opening, signal)
    }
    if (store !== null && store.shared === undefined) throw ofOneProcess(opening)
    return { positions: new Map(), facts: (await store?.shared?.join(opening)) ?? new Map() }
  }

  /** After the changes of a batch. */
  async function move(batch: Batch, signal: AbortSignal): Promise<Stored | null> {
    if (!isUnclaimed) return (await store?.move(batch, signal)) ?? null
    if (batch.facts.size > 0) await store?.shared?.merge(batch.facts)
    return null
  }

  return {
    refusesNul: cleanText,
    refusesHalves: cleanText,
    readsBefore: before,
    ...(json !== undefined && { takesJson: json }),
    needsKeys: keys !== undefined,
    ...(emitter.countLetters !== undefined && { countLetters: () => emitter.countLetters!() }),
    look: async () => (name === null ? null : ((await store?.look(name)) ?? null)),
    keyColumns: async (table) => (await keys?.(table)) ?? null,
    ...(limits !== undefined && { limits }),

    async open(opening, signal) {
      const stored = await openState(opening, signal)
      name = opening.relay.name
      await emitter.open?.(signal)
      return stored
    },

    async openForLetters({ relay }, signal) {
      isUnclaimed = true
      replayed = relay.name
      const seen = (await store?.look(relay.name)) ?? null
      if (store !== null && seen === null) throw unknownName(relay.name, 'the state store')
      if (seen !== null) requireSameSettings(seen.relay, relay)
      await emitter.open?.(signal)
      return { facts: seen?.stored.facts ?? new Map(), settings: seen?.relay.settings ?? relay.settings, letters: null }
    },

    async readFacts() {
      if (replayed !== null) return (await store?.look(replayed))?.stored.facts ?? new Map()
      return (await store?.shared?.read()) ?? new Map()
    },

    prepare(batch) {
      const write = emitter.prepare(batch)
      let written: Written | undefined
      const writeAndMove: ReturnType<Sink['prepare']> = async (signal) => {
        // When only the positions could not be stored, trying again must not write the changes a second time.
        written ??= await write(signal)
        const beganMs = performance.now()
        const rewound = await move(batch, signal)
        if (rewound !== null) return { kind: 'rewound', ...rewound }
        return store === null ? written : { ...written, commitMs: performance.now() - beganMs }
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
        await emitter.close()
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
