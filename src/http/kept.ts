/** It is not learned again sooner than after so many times what that took. */
const REST = 100

/** What costs the target something to tell, kept for a while. Learned once at a time; what fails leaves what was known. */
export class Kept<T> {
  readonly #learn: () => Promise<T>
  #known: { readonly value: T } | null = null
  #tookMs = 0
  #triedMs = Number.NEGATIVE_INFINITY
  #learning: Promise<void> | null = null

  constructor(learn: () => Promise<T>) {
    this.#learn = learn
  }

  /** What is known, at once; null if nothing yet. What is older than `ageMs` is learned again meanwhile. */
  known(ageMs: number): T | null {
    if (performance.now() - this.#triedMs > Math.max(ageMs, REST * this.#tookMs)) void this.#again()
    return this.#known?.value ?? null
  }

  /** As it is now, if that can be learned within `waitMs`; else what is known, or null. */
  async fresh(waitMs: number): Promise<T | null> {
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs)
    })
    await Promise.race([this.#again(), enough])
    clearTimeout(timer)
    return this.#known?.value ?? null
  }

  #again(): Promise<void> {
    this.#learning ??= this.#learnOnce().finally(() => {
      this.#learning = null
    })
    return this.#learning
  }

  async #learnOnce(): Promise<void> {
    const beganMs = performance.now()
    this.#triedMs = beganMs
    try {
      this.#known = { value: await this.#learn() }
    } catch {
      // The target says to the relay itself what is wrong with it.
    }
    this.#tookMs = performance.now() - beganMs
  }
}
