import * as z from 'zod'
import type { Stored } from '../batch.ts'
import { RelayError } from '../errors.ts'
import { parseJson } from '../parse-json.ts'
import type { Position } from '../position.ts'

/** A position as a member of an object. */
export const POSITION = z.strictObject({
  sequence: z.string(),
  arrivedAt: z.number().nullable(),
  caughtUpAt: z.number().nullable(),
})

/** What a relay's identity holds beside its name. */
export const IDENTITY = z.strictObject({
  stream: z.strictObject({ id: z.string(), created: z.string(), retentionMs: z.number().nullable() }),
  start: z.string().nullable(),
  settings: z.record(z.string(), z.string()),
})

/** Pairs, not members: a subject may be named `__proto__`. */
export function jsonOf({ positions, facts }: Stored): string {
  const rows = [...positions].map(([shard, at]: [string, Position]) => [
    shard,
    at.sequence,
    at.arrivedAt,
    at.caughtUpAt,
  ])
  return JSON.stringify({ positions: rows, lessons: [...facts] })
}

const { sequence, arrivedAt, caughtUpAt } = POSITION.shape

/** Parsed JSON of `jsonOf` → what it was made of. */
export const STORED = z
  .strictObject({
    positions: z.array(z.tuple([z.string(), sequence, arrivedAt, caughtUpAt])),
    lessons: z.array(z.tuple([z.string(), z.string()])),
  })
  .transform(
    ({ positions, lessons: facts }): Stored => ({
      positions: new Map(
        positions.map(([shard, sequence, arrivedAt, caughtUpAt]) => [shard, { sequence, arrivedAt, caughtUpAt }]),
      ),
      facts: new Map(facts),
    }),
  )

/** @param what for the message: "The positions" @throws RelayError STATE_BROKEN */
export const readStored = (what: string, json: string): Stored => read(what, () => STORED.parse(parseJson(json)))

/** @throws RelayError STATE_BROKEN with what does not parse, and why */
export function read<T>(what: string, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : 'it is not JSON'
    throw new RelayError('STATE_BROKEN', `${what} cannot be read: ${reason}`, {}, cause)
  }
}
