/** Bytes of a connection, until whole messages are there. */
export interface Incoming {
  add(chunk: Buffer): void
  /** @param head 0 for the first messages of a connection, which have no letter; else 1. Null: not all there yet */
  take(head: 0 | 1): { readonly letter: string; readonly body: Buffer } | null
}

export function newIncoming(): Incoming {
  let chunks: Buffer[] = []
  let bytes = 0
  /** So many are needed before it is worth looking: large messages come in many chunks. */
  let needed = 0

  return {
    add(chunk) {
      chunks.push(chunk)
      bytes += chunk.length
    },
    take(head) {
      if (bytes < Math.max(needed, head + 4)) return null
      const buffer = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      const end = head + buffer.readInt32BE(head)
      needed = bytes < end ? end : 0
      chunks = [bytes < end ? buffer : buffer.subarray(end)]
      if (needed > 0) return null
      bytes -= end
      return { letter: head === 0 ? '' : String.fromCharCode(buffer[0]!), body: buffer.subarray(head + 4, end) }
    },
  }
}
