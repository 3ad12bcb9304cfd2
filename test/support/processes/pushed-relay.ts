import { pushedSource } from '../../../src/ingest/pushed.ts'
import { openRelay } from '../../../src/open-relay.ts'
import { sqlSink } from '../../../src/sinks/sql/sink.ts'

/**
 * A process of its own, as an engine starts it: opens a relay for the database and the mode that its arguments name, writes the
 * records that stand in its standard input as JSON (`{ shard, records: [sequence, text][] }`, one list a line), says each list
 * that is durable, and then waits to be killed in front of the answer to the engine.
 */
const [url, mode] = process.argv.slice(2)
const relay = await openRelay({
  name: 'engine',
  source: pushedSource({ id: 'arn:aws:kinesis:eu-north-1:1:stream/changes' }),
  sink: sqlSink({ url: url!, mode: mode as 'mirror' | 'append' }),
  settings: { mode: mode! },
})
process.stdout.write('open\n')
let text = ''
process.stdin.on('data', (bytes) => {
  text += bytes
  const lines = text.split('\n')
  text = lines.pop()!
  for (const line of lines) void deliver(line)
})

async function deliver(line: string): Promise<void> {
  const { shard, records } = JSON.parse(line) as { shard: string; records: [sequence: string, text: string][] }
  const raw = records.map(([sequence, said]) => ({ shard, sequence, arrivedAt: null, data: Buffer.from(said) }))
  process.stdout.write(`${JSON.stringify(await relay.deliver(shard, raw))}\n`)
}
