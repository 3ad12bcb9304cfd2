import type { Http } from '../http/open-http.ts'
import type { Lag } from '../observe/lag.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Log } from '../observe/log.ts'
import type { Troubles } from '../observe/troubles.ts'
import { ownVersion } from '../version.ts'
import type { RunConfig } from './run-schema.ts'
import { settingsText } from './settings-text.ts'
import type { StallWatch } from './stall-watch.ts'

/** What is served of a run. */
interface Served {
  /** Of the relay. */
  readonly name: string
  readonly ledger: Ledger
  readonly lag: Lag
  readonly troubles: Troubles
  readonly stall: StallWatch
  /** After so long a stall ends the process. */
  readonly stallTimeoutMs: number
  readonly log: Log
  /** Hides passwords in a text. */
  readonly mask: (text: string) => string
}

/** Serves `--http`, if it is set: only then its parts are loaded. @throws RelayError CONFIGURATION if the address cannot be had */
export async function httpOf(
  config: RunConfig,
  { name, ledger, lag, troubles, stall, stallTimeoutMs, log, mask }: Served,
): Promise<Http | null> {
  const { http: address, parkLimit } = config
  if (address === undefined) return null
  const { openHttp } = await import('../http/open-http.ts')
  return await openHttp({
    ...{ address, relay: name, version: ownVersion(), ledger, lag, troubles, log, mask },
    settings: settingsText(config),
    idleMs: () => stall.idleMs(),
    // What would end the relay is told when half of it is reached.
    limits: { stalledAfterMs: stallTimeoutMs / 2, mostParked: parkLimit.count / 2 },
  })
}
