import { once } from 'node:events'
import type { Change } from '../../src/change.ts'
import { jsonlEmitter } from '../../src/sinks/jsonl.ts'
import type { Write } from '../../src/sinks/sink.ts'
import { withState } from '../../src/sinks/with-state.ts'
import { fileStateStore } from '../../src/state/file.ts'
import { batchOf } from '../support/changes.ts'

/**
 * A process of its own that writes batches of 300 numbered changes to the file in its first argument, from where the
 * state in its second stands, and says each position that is stored. With `-` for a file it keeps no state, and each
 * batch has a dead letter, and a failure ends it.
 */
const [path, state] = process.argv.slice(2)
const BATCH = 300
const say = path === '-' ? process.stderr : process.stdout
const { signal } = new AbortController()

const sink = withState(jsonlEmitter({ path: path! }), state === undefined ? null : fileStateStore(state))

try {
  const { positions } = await sink.open(
    {
      relay: { name: 'orders', stream: { id: 'arn:s', created: 'then', retentionMs: null }, start: null, settings: {} },
      firstPositions: async () => new Map(),
      takeOver: false,
    },
    signal,
  )
  for (let done = Number(positions.get('a')?.sequence ?? 0); ; done += BATCH) {
    const changes = Array.from({ length: BATCH }, (_, i) => numbered(done + i + 1))
    const source = { format: 'unknown', stream: 's', shard: 'a', sequence: String(done) } as const
    const letter = { kind: 'dead-letter', code: 'DECODE_NOT_JSON', detail: 'no', source } as const
    const moves = new Map([['a', { sequence: String(done + BATCH), arrivedAt: null, caughtUpAt: null }]])
    await written(sink.prepare(batchOf({ changes, deadLetters: path === '-' ? [letter] : [], positions: moves })))
    say.write(`${done + BATCH}\n`)
  }
} catch (error) {
  say.write(`${(error as Error).message}\n`)
}

/** Says a failure, and tries again when told to on standard input. */
async function written(write: Write): Promise<void> {
  try {
    await write(signal)
  } catch (error) {
    if (path === '-') throw error
    say.write(`${(error as Error).message}\n`)
    await once(process.stdin, 'data')
    process.stdin.destroy()
    await write(signal)
  }
}

function numbered(id: number): Change {
  const key = { id }
  return {
    kind: 'change',
    op: 'insert',
    table: { schema: null, name: 'orders' },
    key,
    before: null,
    after: key,
    complete: true,
    version: String(id),
    time: '2025-08-04T09:33:20.112Z',
    source: { format: 'dynamodb', stream: 's', shard: 'a', sequence: String(id) },
  }
}
