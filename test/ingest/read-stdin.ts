import { fileSource } from '../../src/ingest/file.ts'
import { SILENT } from '../../src/observe/log.ts'

/** A process of its own that reads its standard input as a source, prints what it got, and then tries a second time. */
const source = fileSource({ path: '-', log: SILENT })
const stop = new AbortController()
for await (const page of source.pages(
  new Map([['file', { sequence: '5', arrivedAt: null, caughtUpAt: null }]]),
  stop.signal,
)) {
  for (const { sequence, data } of page.records) process.stdout.write(`${sequence} ${Buffer.from(data)}\n`)
  page.committed()
  if (process.argv[2] !== undefined) stop.abort()
}
try {
  for await (const _ of source.pages(new Map(), new AbortController().signal));
} catch (error) {
  process.stdout.write(`again: ${(error as { code?: string }).code}\n`)
}
