/**
 * A stage of one's own: it hides the values of one column, and leaves another one out. What it does to a change it also does
 * to the definition of the table, where a feed has one (AWS DMS).
 */
import { join } from 'node:path'
import { fileSource, jsonlEmitter, newRow, openRelay, type Row, type Stage, withState } from '../../src/index.ts'

const HIDDEN = 'depth'
const LEFT_OUT = 'lit'

function reduced(row: Row | null): Row | null {
  if (row === null) return null
  const { [LEFT_OUT]: _, ...rest } = row
  return Object.assign(newRow(), rest, HIDDEN in row ? { [HIDDEN]: 'hidden' } : {})
}

const stage: Stage = {
  change: (change) => ({ ...change, before: reduced(change.before), after: reduced(change.after) }),
  table: (table) => ({
    ...table,
    columns: new Map(
      [...table.columns]
        .filter(([column]) => column !== LEFT_OUT)
        .map(([column, type]) => [column, column === HIDDEN ? 'text' : type]),
    ),
  }),
}

const relay = await openRelay({
  name: 'example',
  source: fileSource({ path: join(import.meta.dirname, 'capture.jsonl') }),
  stages: [stage],
  sink: withState(jsonlEmitter({ path: '-' }), null),
})
await relay.run(new AbortController().signal)
await relay.close()
