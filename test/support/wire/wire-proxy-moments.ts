import type { Seen } from './wire-proxy-protocol.ts'

/** What a relay that writes a batch says and hears, in the order in which it happens. */
export interface Moment {
  readonly kind: 'write sent' | 'positions sent' | 'positions answered' | 'commit sent' | 'commit answered'
  /** The shards that the transaction finishes. Known once the positions are sent. */
  readonly finished: readonly string[]
}

/**
 * Finds the moments of one connection. Transactions that move no position (the claim, making tables) have none but
 * `write sent`, of the first statement that writes to a table outside of the relay's own schema.
 */
export function momentReader(): (seen: Seen) => Moment | null {
  let wrote = false
  let moves = false
  let finished: readonly string[] = []

  return (seen) => {
    const { text, parameters } = seen.statement
    const moment = (kind: Moment['kind']): Moment => ({ kind, finished })

    if (BEGIN.test(text)) {
      if (seen.kind === 'sent') [wrote, moves, finished] = [false, false, []]
      return null
    }
    if (COMMIT.test(text)) {
      if (seen.kind === 'answered') return moves && seen.tag === 'COMMIT' ? moment('commit answered') : null
      return moves ? moment('commit sent') : null
    }
    if (MOVES_POSITIONS.test(text)) {
      moves = true
      if (seen.kind === 'sent') finished = shardsFinished(parameters)
      return moment(seen.kind === 'sent' ? 'positions sent' : 'positions answered')
    }
    if (seen.kind === 'sent' && !wrote && WRITES.test(text)) {
      wrote = true
      return moment('write sent')
    }
    return null
  }
}

const BEGIN = /^\s*(begin|start transaction)/i
const COMMIT = /^\s*commit/i
const MOVES_POSITIONS = /update cdc_relay\.positions/i
/** Every written table is named in double quotes; those of the relay's own schema are not. */
const WRITES = /(insert into|update|delete from)\s+"/i

/** The positions travel as one JSON parameter: an array of objects with `shard` and `sequence`. */
function shardsFinished(parameters: string): string[] {
  const [json] = parameters.match(/\[\{"shard".*?\}\]/s) ?? []
  if (json === undefined) throw new Error('The positions do not travel as they used to: this reader must learn how')
  const moves: { shard: string; sequence: string }[] = JSON.parse(json)
  return moves.filter(({ sequence }) => sequence === 'SHARD_END').map(({ shard }) => shard)
}
