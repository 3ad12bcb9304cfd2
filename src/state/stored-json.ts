import { z } from 'zod'
import { RelayError } from '../errors.ts'
import { parseJson } from '../parse-json.ts'
import type { Position } from '../position.ts'
import type { Stored } from '../batch.ts'

/** Of both, what became known last. */
export function merge(older: Stored, { positions, facts: lessons }: Stored): Stored {
  return {
    positions: positions.size === 0 ? older.positions : new Map([...older.positions, ...positions]),
    facts: lessons.size === 0 ? older.facts : new Map([...older.facts, ...lessons]),
  }
}

/** True if the news are what is stored. */
export function holds({ positions, facts: lessons }: Stored, news: Stored): boolean {
  return (
    [...news.positions].every(([shard, at]) => {
      const there = positions.get(shard)
      return there?.sequence === at.sequence && there.caughtUpAt === at.caughtUpAt
    }) && [...news.facts].every(([subject, lesson]) => lessons.get(subject) === lesson)
  )
}

/** Pairs, not members: a subject may be named `__proto__`. */
export function jsonOf({ positions, facts: lessons }: Stored): string {
  const rows = [...positions].map(([shard, at]: [string, Position]) => [
    shard,
    at.sequence,
    at.arrivedAt,
    at.caughtUpAt,
  ])
  return JSON.stringify({ positions: rows, lessons: [...lessons] })
}

/** Parsed JSON of `jsonOf` → what it was made of. */
export const STORED = z
  .strictObject({
    positions: z.array(z.tuple([z.string(), z.string(), z.number().nullable(), z.number().nullable()])),
    lessons: z.array(z.tuple([z.string(), z.string()])),
  })
  .transform(
    ({ positions, lessons }): Stored => ({
      positions: new Map(
        positions.map(([shard, sequence, arrivedAt, caughtUpAt]) => [shard, { sequence, arrivedAt, caughtUpAt }]),
      ),
      facts: new Map(lessons),
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
