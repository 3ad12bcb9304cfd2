import fc from 'fast-check'

const HALVES = { from: 0xd800, count: 0x800 }

/**
 * Any character of Unicode, as fast-check's unit `binary`, which takes seconds of a process to list all of them before it knows
 * whether a text is made of such.
 */
export const anyCharacter: fc.Arbitrary<string> = fc.integer({ min: 0, max: 0x10ffff - HALVES.count }).map(
  (n) => String.fromCodePoint(n < HALVES.from ? n : n + HALVES.count),
  (character) => {
    const point = typeof character === 'string' ? character.codePointAt(0) : undefined
    if (point === undefined || String.fromCodePoint(point) !== character || !character.isWellFormed()) {
      throw new Error('This is not one character')
    }
    return point < HALVES.from ? point : point - HALVES.count
  },
)
