import { RelayError } from '../errors.ts'

/** A name that another relay holds. @param by who that is, and since when */
export function nameHeld(name: string, by: string): RelayError {
  const fixes = 'stop that relay, give this one another `--name`, or take the name from it with `--take-over`'
  return new RelayError('STATE_HELD', `The relay's name is held by ${by}: ${fixes}`, { name })
}

/** @param process 0 for a name that nobody claims */
export const holderText = (holder: {
  readonly process: number
  readonly host: string
  readonly since: string
}): string =>
  holder.process === 0
    ? `an engine (Lambda, KCL), which keeps its positions, since ${holder.since}`
    : `process ${holder.process} on ${holder.host} since ${holder.since}`
