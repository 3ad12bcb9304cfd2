import * as z from 'zod'
import type { RelayIdentity } from '../../batch.ts'
import { RelayError } from '../../errors.ts'
import { parseJson } from '../../parse-json.ts'
import type { Positions } from '../../position.ts'
import type { Seen } from '../../state/seen.ts'
import { POSITION } from '../../state/stored-json.ts'
import type { Moves } from './plan.ts'

/** Of what `exportedText` writes. */
const VERSION = 1

/** Pairs would be safer than members, were it not that people read this, and shards have no names of their own making. */
const EXPORTED = z.strictObject({
  version: z.literal(VERSION),
  name: z.string(),
  stream: z.strictObject({ id: z.string(), created: z.string() }),
  exportedAt: z.string(),
  positions: z.record(z.string(), POSITION),
})

/** The positions of a relay as JSON, and whose they are. @param now epoch ms */
export function exportedText({ relay, stored }: Seen, now: number): string {
  const { id, created } = relay.stream
  const exported: z.output<typeof EXPORTED> = {
    version: VERSION,
    name: relay.name,
    stream: { id, created },
    exportedAt: new Date(now).toISOString(),
    positions: Object.fromEntries(stored.positions),
  }
  return `${JSON.stringify(exported, null, 1)}\n`
}

/**
 * The positions in what `exportedText` wrote. They may be of a relay of another name, but of no other stream.
 * @throws RelayError CONFIGURATION
 */
export function importedPositions(text: string, { stream }: RelayIdentity): Positions {
  const parsed = EXPORTED.safeParse(jsonOf(text))
  if (!parsed.success) throw unfit(`is not what \`positions export\` writes: ${z.prettifyError(parsed.error)}`)
  const { positions, stream: of } = parsed.data
  if (of.id !== stream.id) throw unfit(`holds positions of ${of.id}, and this relay reads ${stream.id}`)
  if (of.created !== stream.created) {
    throw unfit(
      `holds positions of ${of.id} as it was created ${of.created}, and this relay reads the one created ${stream.created}`,
    )
  }
  return new Map(Object.entries(positions))
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    throw unfit('is not JSON')
  }
}

const unfit = (what: string): RelayError => new RelayError('CONFIGURATION', `The file of positions ${what}`)

/** What makes the stored positions the imported ones: those that are not among them are forgotten. */
export const movesTo = (imported: Positions, stored: Positions): Moves =>
  new Map([...[...stored.keys()].map((shard) => [shard, null] as const), ...imported])
