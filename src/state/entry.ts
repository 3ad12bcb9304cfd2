import type { AwsSetting } from '../aws/address.ts'
import type { AwsOptions } from '../aws/client-settings.ts'
import type { Env } from '../env.ts'
import type { Log } from '../observe/log.ts'
import type { StateStore } from './store.ts'

export interface StateSurroundings {
  /** How AWS is reached, unless the address of the store says it. */
  readonly aws: AwsOptions
  readonly env: Env
  readonly log: Log
}

/** A kind of state store: a line in the table of by-url.ts. Light to load: `open` imports what it needs. */
export interface StateEntry {
  /** How its URL is written. */
  readonly usage: string
  /** The AWS settings that it takes from the options, for the URL does not say them. */
  commonAws(url: string): readonly AwsSetting[]
  /** What is wrong with a URL that has this scheme and something behind it; null if nothing. */
  problem(url: string): string | null
  /** What must not be seen in a log or a message. */
  secrets(url: string, env: Env): readonly string[]
  /** @param url one that `problem` finds nothing wrong with. @throws RelayError CONFIGURATION */
  open(url: string, surroundings: StateSurroundings): Promise<StateStore>
}
