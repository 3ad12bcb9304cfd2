import { isAbsolute } from 'node:path'
import * as z from 'zod'
import { RelayError } from '../errors.ts'
import { importedPositions, movesTo } from '../operate/positions/exported.ts'
import type { Moves } from '../operate/positions/plan.ts'
import { AT_EARLIEST, type Back, type Lineage, rewind } from '../operate/positions/rewind.ts'
import { atTimestamp, type Position, type Positions, SHARD_END, type StreamIdentity } from '../position.ts'
import type { Seen } from '../state/seen.ts'
import { askStream } from './ask-stream.ts'
import type { NamedRelay } from './named-relay.ts'
import type { Errand, PositionsOptions } from './positions-errand.ts'

/**
 * The moves that the operator wants.
 * @param given what stands in the file of `import`
 * @throws RelayError CONFIGURATION
 */
export async function wantedMoves({ action, relay, own }: Errand, seen: Seen, given: string): Promise<Moves> {
  switch (action) {
    case 'set':
      return await setMoves(relay, own, seen)
    case 'rewind':
      return await rewindMoves(relay, own, seen)
    case 'forget':
      return forgetMoves(own, seen)
    case 'import':
      return movesTo(importedPositions(given, seen.relay), seen.stored.positions)
    case 'list':
    case 'export':
      throw new Error(`${action} moves nothing`)
  }
}

async function setMoves(relay: NamedRelay, { shard: shards, to }: PositionsOptions, seen: Seen): Promise<Moves> {
  const { positions } = seen.stored
  const position = positionTo(to!, seen)
  const lineage = shards.every((shard) => positions.has(shard)) ? null : await lineageOf(relay, seen)
  for (const shard of shards) requireShard(shard, positions, lineage)
  return new Map(shards.map((shard) => [shard, position]))
}

async function rewindMoves(relay: NamedRelay, { shard: shards, to }: PositionsOptions, seen: Seen): Promise<Moves> {
  const { positions } = seen.stored
  for (const shard of shards) requireShard(shard, positions, null)
  const asked = await lineageOf(relay, seen)
  const [lineage, identity] = typeof asked === 'string' ? [asked, null] : [asked.shards, asked.identity]
  const back = backTo(to!, seen, identity)
  if (typeof lineage === 'string' && beganLater(seen.relay.start, back)) {
    const detail = `This relay began at --start ${seen.relay.start}, and the state does not tell which shards there were before: ${lineage}`
    throw new RelayError('CONFIGURATION', detail)
  }
  return rewind(positions, {
    to: back,
    shards: shards.length === 0 ? null : new Set(shards),
    lineage,
  })
}

function forgetMoves({ shard: shards, all }: PositionsOptions, { stored: { positions } }: Seen): Moves {
  for (const shard of shards) requireShard(shard, positions, null)
  return new Map((all ? [...positions.keys()] : shards).map((shard) => [shard, null]))
}

interface AskedLineage {
  readonly identity: StreamIdentity
  readonly shards: Lineage
}

/** What the stream says of its shards, or why it was not asked. @throws RelayError CONFIGURATION if it is another stream */
async function lineageOf(relay: NamedRelay, { relay: { stream } }: Seen): Promise<AskedLineage | string> {
  const asked = await askStream(relay, async (source, identity, signal) => {
    const shards = (await source.shards?.(signal)) ?? new Map()
    return { identity, shards }
  })
  if (typeof asked === 'string') return asked
  const { id, created } = asked.identity
  if (id === stream.id && created === stream.created) return asked
  const detail = `The positions are of ${stream.id}, created ${stream.created}, and --source is ${id}, created ${created}`
  throw new RelayError('CONFIGURATION', detail)
}

/** A misspelt shard would be one of which records are missing. @param lineage null where only stored ones will do */
function requireShard(shard: string, positions: Positions, lineage: AskedLineage | string | null): void {
  if (positions.has(shard)) return
  if (lineage !== null && typeof lineage !== 'string' && lineage.shards.has(shard)) return
  const stored = [...positions.keys()]
  const known = stored.length === 0 ? 'none is' : stored.slice(0, 20).join(', ')
  const asked = typeof lineage === 'string' ? `; whether the stream has it is not known: ${lineage}` : ''
  const where = lineage === null || typeof lineage === 'string' ? '' : ', and the stream does not list it'
  throw new RelayError('CONFIGURATION', `No position is stored of the shard ${shard}${where} (${known})${asked}`)
}

/** Whether a relay that began there has read nothing of what came at the time. */
function beganLater(start: string | null, to: Back): boolean {
  if (to.kind === 'earliest' || start === null || start === 'earliest') return false
  return start === 'latest' || Date.parse(start) > to.ms
}

const time = z.iso.datetime({ offset: true })

/** @throws RelayError CONFIGURATION */
function positionTo(to: string, { relay: { stream } }: Seen): Position {
  if (to === 'earliest') return AT_EARLIEST
  if (to === 'end') return { ...AT_EARLIEST, sequence: SHARD_END }
  if (/^\d+$/.test(to)) return { ...AT_EARLIEST, sequence: to }
  if (!time.safeParse(to).success) {
    const detail = `--to "${to}" is not earliest, end, an ISO 8601 time with a zone, or a sequence number`
    throw new RelayError('CONFIGURATION', detail)
  }
  return atTimestamp(timeOf(to, stream))
}

/** @throws RelayError CONFIGURATION */
function backTo(to: string, { relay: { stream } }: Seen, asked: StreamIdentity | null): Back {
  if (to === 'earliest') return { kind: 'earliest' }
  if (!time.safeParse(to).success) {
    throw new RelayError('CONFIGURATION', `--to "${to}" is not earliest or an ISO 8601 time with a zone`)
  }
  const ms = timeOf(to, stream)
  const retentionMs = asked?.retentionMs ?? stream.retentionMs
  if (retentionMs !== null && ms < Date.now() - retentionMs) {
    const since = new Date(Date.now() - retentionMs).toISOString()
    const detail = `The stream keeps records since ${since}: \`--to earliest\` reads all that it has`
    throw new RelayError('CONFIGURATION', detail)
  }
  return { kind: 'time', ms }
}

/** @throws RelayError CONFIGURATION */
function timeOf(to: string, { id }: StreamIdentity): number {
  const ms = Date.parse(to)
  if (isAbsolute(id)) throw new RelayError('CONFIGURATION', 'A file has no times: its positions are byte offsets')
  if (ms > Date.now()) throw new RelayError('CONFIGURATION', `--to ${to} lies in the future`)
  return ms
}
