/**
 * A source of one's own: the lines of a file, two at a time, as records of one shard. Their position is the number of the line,
 * and is remembered in the file that is named on the command line: a second run gives what was added since.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileStateStore, jsonlEmitter, openRelay, type Source, withState } from '../../src/index.ts'

const path = join(import.meta.dirname, 'capture.jsonl')
const SHARD = 'lines'

const source: Source = {
  positions: 'ours',
  identify: async () => ({ id: path, created: 'once', retentionMs: null }),
  async *pages(positions, signal) {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    let next = Number(positions.get(SHARD)?.sequence ?? 0)
    while (next < lines.length && !signal.aborted) {
      const first = next
      const records = lines.slice(first, first + 2).map((line, i) => {
        return { shard: SHARD, sequence: `${first + i + 1}`, arrivedAt: null, data: Buffer.from(line) }
      })
      next += records.length
      const end = { sequence: `${next}`, arrivedAt: null, caughtUpAt: null }
      // The relay cannot use all of the page yet: the rest comes again.
      const defer = (fromIndex: number): void => {
        next = first + fromIndex
      }
      yield { shard: SHARD, records, end, behindMs: 0, ack() {}, defer, failed() {} }
    }
  },
  close: async () => {},
}

const store = fileStateStore(process.argv[2] ?? 'own-source.state.json')
const relay = await openRelay({ name: 'example', source, sink: withState(jsonlEmitter({ path: '-' }), store) })
await relay.run(new AbortController().signal)
await relay.close()
