import { fileSource } from '../../../src/ingest/file/source.ts'
import { SILENT } from '../../../src/observe/log.ts'

/** A process of its own that reads its standard input as a source, prints what it got, and then tries a second time. */
const source = fileSource({ path: '-', log: SILENT })
const after = process.argv[2]
const stop = new AbortController()
let pages = 0
for await (const page of source.pages(
  new Map([['file', { sequence: '5', arrivedAt: null, caughtUpAt: null }]]),
  stop.signal,
)) {
  const isGivenBack = after === 'give the first page back' && pages++ === 0
  for (const { sequence, data } of isGivenBack ? page.records.slice(0, 1) : page.records) {
    process.stdout.write(`${sequence} ${Buffer.from(data)}\n`)
  }
  if (isGivenBack) page.defer(1)
  else page.ack()
  if (after === 'abort after the first') stop.abort()
}
try {
  for await (const _ of source.pages(new Map(), new AbortController().signal));
} catch (error) {
  process.stdout.write(`again: ${(error as { code?: string }).code}\n`)
}
