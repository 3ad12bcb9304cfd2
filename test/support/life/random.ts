/** Chance that repeats itself: the same seed gives the same numbers on every machine. */
export interface Random {
  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number
  /** True in `share` of all cases. */
  chance(share: number): boolean
  pick<T>(list: readonly T[]): T
  /** Upper-case hexadecimal digits; `count` is a multiple of 8. */
  hex(count: number): string
}

/** The generator is sfc32 (Chris Doty-Humphrey, PractRand): four words of state, fast, and good enough to spread records. */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9
  let b = seed | 0
  let c = Math.trunc(seed / 2 ** 32) | 0
  let counter = 1

  function next(): number {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  // Neighbouring seeds begin alike; after some steps they have nothing in common.
  for (let step = 0; step < 12; step++) next()

  const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit)
  return {
    below,
    chance: (share) => next() / 2 ** 32 < share,
    pick: (list) => list[below(list.length)]!,
    hex(count) {
      let text = ''
      while (text.length < count) text += next().toString(16).padStart(8, '0')
      return text.toUpperCase()
    },
  }
}

/** A seed to print, so that what it gave can be had again. */
export const anySeed = (): number => Math.floor(Math.random() * 2 ** 31)
