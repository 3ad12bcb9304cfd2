import { anySeed } from './life/random.ts'

/**
 * How much a test plays at random: `npm test` plays a few lives, kills or rounds of each kind, `npm run test:long` many.
 * What is played (every database, layout, mode and kind of trouble) and what is asserted is the same in both; where each of one
 * kind can come with each of another, the short run plays every other pair (`isDealt`).
 *
 * `test:long` sets CDC_TEST_VOLUME=long, and runs the test files that import this module, or `kill-plan.ts`, `compared-reader.ts`, `each-target.ts`
 * or a `conformance.ts`, which do: one that comes to it by another way must be named in package.json.
 */
export const volume = <T>(few: T, many: T): T => (process.env.CDC_TEST_VOLUME === 'long' ? many : few)

const turn = anySeed() % 2
const playsAll = process.env.CDC_SEED !== undefined || volume(false, true)
if (!playsAll) console.log(`Of what is dealt, the ${turn === 0 ? 'even' : 'odd'} half is played; CDC_SEED plays all`)

/**
 * Whether a pair, or three and more, is played, by the index of each in the list of its kind. In the short run every other one is:
 * with a list of two, each of the other lists comes with one of the two. Chance says which, the same for all of a process, and the
 * log has it. A seed that is given (CDC_SEED) plays all.
 */
export const isDealt = (...indices: readonly number[]): boolean =>
  playsAll || indices.reduce((sum, index) => sum + index, turn) % 2 === 0
