import { keyColumnName, valueColumnName } from '../../../../src/sinks/sql/cratedb/tables/names.ts'
import type { SinkTraits } from '../../conformance/target.ts'

const bytesText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const lacks = {
  isAtomic: 'every statement is final',
  keepsOrder: 'rows lie in shards',
  tellsRepeats: 'a row that is there is written over by itself',
}

export const document: SinkTraits = { bytesText, lacks, columnOf: keyColumnName }
export const columns: SinkTraits = {
  bytesText,
  lacks: { ...lacks, keepsNulls: 'to a column null and absent are one' },
  columnOf: valueColumnName,
}

/** A layout has nothing to do with it: it is tried once. */
export const withoutSlowRefusal = (traits: SinkTraits): SinkTraits => ({
  ...traits,
  lacks: { ...traits.lacks, refusesHeldName: 'the next heartbeat of the holder is waited for, 10 s' },
})
