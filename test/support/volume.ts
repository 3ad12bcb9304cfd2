/**
 * How much a test plays at random: `npm test` plays a few lives, kills or rounds of each kind, `npm run test:long` many.
 * What is played (every database, layout, mode and kind of trouble) and what is asserted is the same in both.
 *
 * `test:long` sets CDC_TEST_VOLUME=long, and runs the test files that import this module, or `kill-plan.ts` or a `conformance.ts`,
 * which do: one that comes to it by another way must be named in package.json.
 */
export const volume = <T>(few: T, many: T): T => (process.env.CDC_TEST_VOLUME === 'long' ? many : few)
