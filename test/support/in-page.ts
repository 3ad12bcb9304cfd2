import type { RawRecord } from '../../src/change.ts'
import { PageBytes } from '../../src/page-record.ts'

/** The same record, between other bytes in the buffer of a page. */
export function inPage({ shard, sequence, arrivedAt, data }: RawRecord, before: string, behind: string): RawRecord {
  const parts = [Buffer.from(before), data, Buffer.from(sequence), Buffer.from(behind)]
  const start = parts[0]!.length
  const dataEnd = start + data.length
  const places = {
    dataEnds: [start, dataEnd],
    ends: [start, dataEnd + sequence.length],
    arrivals: [Number.NaN, arrivedAt ?? Number.NaN],
  }
  return new PageBytes(shard, Buffer.concat(parts), places).records()[1]!
}
