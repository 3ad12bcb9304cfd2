/** Smaller ones cost less than looking after them. */
const LEAST_BYTES = 64 * 1024
/** Of sizes that are a little different the same buffer can be used. */
const STEP_BYTES = 256 * 1024
const MOST_FREE = 6

/**
 * Buffers for pages, which are used again: fresh ones would wait for the garbage collector beside those that are in use, since it
 * does not hurry for what lies outside of its heap.
 */
export class BufferPool {
  readonly #free: ArrayBuffer[] = []

  /** A buffer of at least that many bytes, which may hold anything. */
  take(bytes: number): Buffer {
    if (bytes < LEAST_BYTES) return Buffer.allocUnsafeSlow(bytes)
    const found = this.#free.findIndex(({ byteLength }) => byteLength >= bytes)
    if (found !== -1) return Buffer.from(this.#free.splice(found, 1)[0]!)
    return Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES)
  }

  /**
   * Takes back a buffer that `take` gave. Whoever still holds it, or a view of it, holds an empty one from now on: late readers
   * fail, and never see the bytes of another page.
   */
  giveBack({ buffer }: Buffer): void {
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < LEAST_BYTES) return
    const bytes = buffer.transfer()
    this.#free.push(bytes)
    // The one that waited longest: what a busy stream needed must not stay when it is a quiet one.
    if (this.#free.length > MOST_FREE) this.#free.shift()!.transfer(0)
  }
}
