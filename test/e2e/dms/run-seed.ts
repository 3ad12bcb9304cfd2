import { anySeed } from '../../support/life/random.ts'

/** CDC_SEED, so that a life can be had again; else any. */
export const runSeed = (): number => (process.env.CDC_SEED === undefined ? anySeed() : Number(process.env.CDC_SEED))
