import { RelayError } from '../errors.ts'

/** @param from where the name was stored: `cdc_relay.relays` */
export function nameRemoved(name: string, from: string): RelayError {
  return new RelayError('STATE_REMOVED', `Somebody removed this relay's name from ${from} while the relay ran`, {
    relay: name,
  })
}

/** What stands under the name now is not what this process began with. */
export function nameReplaced(name: string, where: string): RelayError {
  const detail = `Since this process started, somebody removed this relay's name from ${where}, or took it over, and another process entered it again`
  return new RelayError('STATE_REMOVED', detail, { relay: name })
}
