/** The bytes of an input from some place on, up to what was read of it. */
export class GrowingWindow {
  bytes: Buffer = Buffer.alloc(0)
  /** Where in the input `bytes` begin. */
  #offset: number
  /** `bytes`, with room behind them; null while they are those of a chunk. */
  #room: Buffer | null = null

  constructor(offset: number) {
    this.#offset = offset
  }

  offsetOf(index: number): number {
    return this.#offset + index
  }

  /**
   * Puts a chunk behind what is kept. What was cut out of `bytes` before stays as it is.
   * @param keep the first index that is still needed
   * @returns how many bytes were dropped in front: indexes are smaller by it now
   */
  append(chunk: Buffer, keep: number): number {
    const { length } = this.bytes
    const kept = length - keep
    if (this.#room !== null && kept > 0 && length + chunk.length <= this.#room.length) {
      chunk.copy(this.#room, length)
      this.bytes = this.#room.subarray(0, length + chunk.length)
      return 0
    }
    this.#offset += keep
    if (kept === 0) {
      this.#room = null
      this.bytes = chunk
      return keep
    }
    // Twice what is kept: then a long value is not copied once for each of its chunks.
    this.#room = Buffer.allocUnsafeSlow(kept * 2 + chunk.length)
    this.bytes.copy(this.#room, 0, keep)
    chunk.copy(this.#room, kept)
    this.bytes = this.#room.subarray(0, kept + chunk.length)
    return keep
  }
}
