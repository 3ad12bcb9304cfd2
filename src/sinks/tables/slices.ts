import { setImmediate as turn } from 'node:timers/promises'

/** About a millisecond of folding or encoding. */
const SLICE = 400

/**
 * Works on a long list in slices and lets the event loop turn between them. Otherwise the batch that is being written
 * meanwhile would wait with its next statement, and the server with it.
 */
export async function inSlices<T>(items: readonly T[], work: (slice: readonly T[]) => void): Promise<void> {
  for (let i = 0; i < items.length; i += SLICE) {
    if (i > 0) await turn()
    work(items.slice(i, i + SLICE))
  }
}
