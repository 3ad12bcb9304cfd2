import { RelayError } from '../errors.ts'

/** The form in which state files and the items of a state table are written; raise it with each change that an older program would misread. */
export const FORM = 1

/**
 * A newer program may have written what this one does not know.
 * @param what for the message: "The state file orders.state.json"
 * @param form as it is stored, of any type; without one that is a number, reading the rest says what is wrong
 * @throws RelayError STATE_NEWER
 */
export function requireKnownForm(what: string, form: unknown): void {
  if (typeof form !== 'number' || !(form > FORM)) return
  throw new RelayError('STATE_NEWER', `${what} has version ${form}; this cdc-relay knows version ${FORM}`)
}
