/** What it does to a target that records are read again. */
export interface Repeats {
  /** Null where it depends on what the relay does not know from outside. */
  readonly areHarmless: boolean | null
  readonly why: string
}

/** What is known of the target. Null for all that is not known. */
export interface RepeatedInto {
  readonly mode: string
  readonly writes: 'tables' | 'records' | null
  /** Whether a log of changes has a key that keeps a record from being in it twice. */
  readonly log: 'keyed' | 'may be keyed' | 'without key' | null
}

export function repeatsInto({ mode, writes, log }: RepeatedInto): Repeats {
  if (writes === 'records') return { areHarmless: false, why: LINES }
  if (mode !== 'append')
    return writes === null ? { areHarmless: null, why: MAY_BE_LINES } : { areHarmless: true, why: MIRROR }
  if (log === 'keyed') return { areHarmless: true, why: KEYED }
  return log === 'without key' ? { areHarmless: false, why: ROWS } : { areHarmless: null, why: MAY_BE_KEYED }
}

const MIRROR =
  'what is read again changes nothing that is newer: a mirror takes only what its rows do not have yet; but a table without a primary key gets its loads and inserts once more'
const KEYED =
  'what is read again is in the log already: the key of a row is the place of its record (not so in a table of one column that the relay did not make)'
const ROWS = 'each change that is read again is one more row, told by stream, shard and sequence number'
const MAY_BE_KEYED = `${ROWS}; but for a log with a unique index on the place of a record (made under an engine, or by hand), which takes none twice`
const MAY_BE_LINES = `in tables, ${MIRROR}; a sink that writes the change records as they come gets them once more (name it with --sink)`
const LINES = 'each change that is read again is written once more, told by stream, shard and sequence number'
