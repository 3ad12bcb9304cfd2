import { setTimeout as sleep } from 'node:timers/promises'
import type { RawRecord } from '../../src/change.ts'
import { type PushedSource, pushedSource } from '../../src/ingest/pushed.ts'
import type { Source } from '../../src/ingest/source.ts'
import { type Position, type Positions, readFrom, SHARD_END, TRIM_HORIZON } from '../../src/position.ts'

export interface EngineOptions {
  /** Most records of one push. */
  readonly pushRecords?: number
  /** How long a shard rests of which something must come again. */
  readonly restMs?: number
}

/**
 * What Lambda and the KCL do: keeps the positions, and pushes the records of all shards at once, each shard's in order and
 * again from where they were not committed. As a source it ends when everything is, or when a push fails.
 */
export function engineOver(
  shards: ReadonlyMap<string, readonly RawRecord[]>,
  { pushRecords = 40, restMs = 10 }: EngineOptions = {},
): { readonly source: Source; readonly pushed: PushedSource; readonly checkpoints: ReadonlyMap<string, string> } {
  const pushed = pushedSource({
    id: 'arn:aws:kinesis:eu-north-1:1:stream/changes',
    created: '2026-01-01T00:00:00.000Z',
  })
  const checkpoints = new Map<string, string>()

  async function run(shard: string, records: readonly RawRecord[], from: Position | undefined): Promise<void> {
    let next = firstUnread(records, from)
    checkpoints.set(shard, from?.sequence ?? TRIM_HORIZON)
    while (checkpoints.get(shard) !== SHARD_END) {
      const given = records.slice(next, next + pushRecords)
      const endsShard = next + given.length === records.length
      const answer = await pushed.push(shard, given, { endsShard })
      const done = answer === 'committed' ? given.length : given.findIndex(({ sequence }) => sequence === answer.from)
      next += done
      if (answer === 'committed' && endsShard) checkpoints.set(shard, SHARD_END)
      else if (done > 0) checkpoints.set(shard, records[next - 1]!.sequence)
      if (answer !== 'committed') await sleep(restMs)
    }
  }

  return {
    pushed,
    checkpoints,
    source: {
      ...pushed,
      pages(positions: Positions, signal: AbortSignal) {
        const pages = pushed.pages(new Map(), signal)
        // A push that fails ends its shard: the relay has ended, or is about to.
        void Promise.allSettled([...shards].map(([shard, records]) => run(shard, records, positions.get(shard)))).then(
          pushed.end,
        )
        return pages
      },
    },
  }
}

function firstUnread(records: readonly RawRecord[], position: Position | undefined): number {
  const place = readFrom(position)
  if (place.kind === 'end') return records.length
  if (place.kind !== 'after') return 0
  return records.findIndex(({ sequence }) => sequence === place.sequence) + 1
}
