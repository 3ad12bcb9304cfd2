import { addAbortSignal } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RawRecord } from '../change.ts'
import { RelayError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import { type Position, placeOf } from '../position.ts'
import { fileInput, standardInput } from './file-input.ts'
import { type Line, LineCutter } from './file-lines.ts'
import { FILE_SHARD, recordOfLine } from './file-record.ts'
import { MemoryBudget } from './memory.ts'
import { type Page, READ_AGAIN_MS, type Source } from './source.ts'

export interface FileSourceOptions {
  /** `-` is standard input. */
  readonly path: string
  /** Budget for the pages that are read and not yet committed; 64 MiB by default. */
  readonly memoryBytes?: number
  readonly log: Log
}

/**
 * Reads JSON Lines, one record a line, to the end. Positions are byte offsets, on the one shard `file`.
 *
 * A file may grow between runs, but not shrink, and its head must stay. A last line without line end is a record if it
 * is a whole JSON object; else someone is still writing it, and it is left for the next run. Standard input has no
 * next run: there the last line is a record in any case.
 *
 * @throws RelayError CONFIGURATION for a start other than `earliest`
 */
export function fileSource({ path, memoryBytes = 64 * 1024 * 1024, log }: FileSourceOptions): Source {
  const input = path === '-' ? standardInput() : fileInput(path)

  return {
    identify: () => input.identify(),

    async firstPositions(start) {
      if (start.kind === 'earliest') return new Map()
      throw new RelayError('CONFIGURATION', 'A file has no times to start from: --start is earliest for file:')
    },

    async *pages(positions, signal) {
      const budget = new MemoryBudget(memoryBytes)
      const { chunks, offset } = await input.open(offsetOf(positions.get(FILE_SHARD)))
      const cutter = new LineCutter(offset)
      try {
        for await (const chunk of addAbortSignal(signal, chunks)) {
          const lines = cutter.cut(chunk)
          yield* pagesOf(lines, budget, signal)
        }
        const rest = cutter.rest()
        if (rest !== undefined && input.grows && !isWhole(rest)) {
          log.warn({ path, bytes: rest.bytes.length }, 'The last line is not finished: it is left for the next run')
        } else if (rest !== undefined) yield* pagesOf([rest], budget, signal)
        // All of the budget is free again only when every page is committed.
        await budget.reserve(memoryBytes, signal)
      } catch (error) {
        if (!signal.aborted) throw error
      }
    },

    async close() {},
  }
}

function offsetOf(position: Position | undefined): number {
  const place = placeOf(position)
  if (place.kind === 'start') return 0
  if (place.kind === 'after') return Number(place.sequence)
  throw new RelayError('SOURCE_CHANGED', `The stored position of a file is ${position?.sequence}, not a byte offset`)
}

/** The lines as one page, and what was given back of it as another. It is kept: standard input cannot be read again. */
async function* pagesOf(
  lines: readonly Line[],
  budget: MemoryBudget,
  signal: AbortSignal,
): AsyncGenerator<Page, void, void> {
  let records = lines.map(recordOfLine)
  while (records.length > 0) {
    const lease = await budget.reserve(bytesOf(records), signal)
    const { sequence, arrivedAt } = records.at(-1)!
    let rest: RawRecord[] = []
    yield {
      shard: FILE_SHARD,
      records,
      end: { sequence, arrivedAt, caughtUpAt: null },
      behindMs: 0,
      committed: () => lease.release(),
      giveBack: (used) => {
        lease.release()
        rest = records.slice(used)
      },
    }
    if (rest.length > 0) await sleep(READ_AGAIN_MS, undefined, { signal })
    records = rest
  }
}

const bytesOf = (records: readonly RawRecord[]): number => records.reduce((sum, { data }) => sum + data.byteLength, 0)

/** No JSON object is the beginning of a longer one, so a whole one is finished. */
function isWhole({ bytes }: Line): boolean {
  try {
    return typeof JSON.parse(bytes.toString()) === 'object'
  } catch {
    return false
  }
}
