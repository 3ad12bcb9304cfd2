import { RelayError } from '../errors.ts'

/** A name that another relay holds. @param by who that is, and since when */
export function nameHeld(name: string, by: string): RelayError {
  const cures = 'stop that relay, give this one another `--name`, or take the name from it with `--take-over`'
  return new RelayError('STATE_HELD', `The relay's name is held by ${by}: ${cures}`, { name })
}
