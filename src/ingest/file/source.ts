import { setTimeout as sleep } from 'node:timers/promises'
import type { RawRecord } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { type Log, SILENT } from '../../observe/log.ts'
import { type Position, readFrom } from '../../position.ts'
import { MemoryBudget } from '../memory.ts'
import { type Page, READ_AGAIN_MS, type Source } from '../source.ts'
import { fileInput, type Input, standardInput } from './input.ts'
import { FILE_SHARD, recordOfValue } from './record.ts'
import { type FileValue, ValueCutter } from './values.ts'

export interface FileSourceOptions {
  /** `-` is standard input. */
  readonly path: string
  /** Budget for the pages that are read and not yet acknowledged; 64 MiB by default. */
  readonly memoryBytes?: number
  readonly log?: Log
}

/**
 * Reads the JSON values of a file to the end, each a record, whatever stands between them (`ValueCutter`). Positions are byte
 * offsets, on the one shard `file`; of a packed file they count what comes out of it.
 *
 * A file may grow between runs, but not shrink, and its head must stay. What has begun and not ended at its end someone
 * is still writing: it is left for the next run. Standard input has no next run: there it is a record in any case.
 *
 * @throws RelayError CONFIGURATION for a start other than `earliest`
 */
export function fileSource({ path, memoryBytes = 64 * 1024 * 1024, log = SILENT }: FileSourceOptions): Source {
  const input = path === '-' ? standardInput() : fileInput(path)

  return {
    positions: 'ours',
    identify: () => input.identify(),

    async firstPositions(start) {
      if (start.kind === 'earliest') return new Map()
      throw new RelayError('CONFIGURATION', 'A file is read from its beginning: it has no times to start from', {
        option: 'start',
      })
    },

    async *pages(positions, signal) {
      const budget = new MemoryBudget(memoryBytes)
      const everyPageIsAcknowledged = () => budget.reserve(memoryBytes, signal)
      try {
        yield* pagesOfInput(input, positions.get(FILE_SHARD), { path, budget, log }, signal)
        await everyPageIsAcknowledged()
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof RelayError)) throw error
        // What stands in front of the place is written before the failure is said.
        await everyPageIsAcknowledged()
        throw error.detail.includes(path) ? error : error.at({ path: path === '-' ? 'standard input' : path })
      }
    },

    async close() {},
  }
}

interface Reading extends Required<Pick<FileSourceOptions, 'path' | 'log'>> {
  readonly budget: MemoryBudget
}

async function* pagesOfInput(
  input: Input,
  from: Position | undefined,
  { path, budget, log }: Reading,
  signal: AbortSignal,
): AsyncGenerator<Page, void, void> {
  const { chunks, offset, isCutOff } = await input.open(offsetOf(from), signal)
  const cutter = new ValueCutter(offset)
  for await (const chunk of chunks) yield* pagesOf(cutter.cut(chunk), budget, signal)
  const { values, unfinished, isListOpen } = cutter.finish()
  yield* pagesOf(values, budget, signal)
  if (unfinished !== undefined && !input.grows) yield* pagesOf([unfinished], budget, signal)
  else if (unfinished !== undefined || isListOpen || isCutOff()) {
    log.warn(
      { code: 'FILE_UNFINISHED', path, bytes: unfinished?.bytes.length ?? 0 },
      input.grows ? LEFT_FOR_NEXT_RUN : CUT_OFF,
    )
  }
}

function offsetOf(position: Position | undefined): number {
  const place = readFrom(position)
  if (place.kind === 'start') return 0
  if (place.kind === 'after') return Number(place.sequence)
  throw new RelayError('SOURCE_CHANGED', `The stored position of a file is ${position?.sequence}, not a byte offset`)
}

const LEFT_FOR_NEXT_RUN = 'The file ends in the middle of something: what is not finished is left for the next run'
const CUT_OFF = 'Standard input ends in the middle of something: it was cut off'

/** The values as one page, and what was deferred of it as another. It is kept: standard input cannot be read again. */
async function* pagesOf(
  values: readonly FileValue[],
  budget: MemoryBudget,
  signal: AbortSignal,
): AsyncGenerator<Page, void, void> {
  let records = values.map(recordOfValue)
  while (records.length > 0) {
    const lease = await budget.reserve(bytesOf(records), signal)
    const { sequence, arrivedAt } = records.at(-1)!
    let rest: RawRecord[] = []
    yield {
      shard: FILE_SHARD,
      records,
      end: { sequence, arrivedAt, caughtUpAt: null },
      behindMs: 0,
      // Not known, and its end cuts the last batch.
      hasMore: true,
      ack: () => lease.release(),
      defer: (fromIndex) => {
        lease.release()
        rest = records.slice(fromIndex)
      },
      failed: () => lease.release(),
    }
    if (rest.length > 0) await sleep(READ_AGAIN_MS, undefined, { signal })
    records = rest
  }
}

const bytesOf = (records: readonly RawRecord[]): number => records.reduce((sum, { data }) => sum + data.byteLength, 0)
