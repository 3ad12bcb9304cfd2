import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { RawRecord } from '../../../src/change.ts'
import { fileSource } from '../../../src/ingest/file/source.ts'
import type { Source } from '../../../src/ingest/source.ts'
import { SILENT } from '../../../src/observe/log.ts'
import { startNode } from '../../support/processes/node-process.ts'
import { drain, textOf } from '../conformance.ts'

const UNFINISHED = 'The file ends in the middle of something: what is not finished is left for the next run'

interface OpenFile {
  readonly path: string
  readonly source: Source
  readonly warnings: string[]
}

async function fileOf(t: TestContext, content: Buffer): Promise<OpenFile> {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-file-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'capture')
  await writeFile(path, content)
  const warnings: string[] = []
  const log = { ...SILENT, warn: (_: object, message: string) => void warnings.push(message) }
  return { path, source: fileSource({ path, log }), warnings }
}

async function readAll(source: Source, after?: string, into: RawRecord[] = []): Promise<RawRecord[]> {
  const position = { sequence: after ?? 'TRIM_HORIZON', arrivedAt: null, caughtUpAt: null }
  for await (const page of source.pages(new Map([['file', position]]), new AbortController().signal)) {
    into.push(...page.records)
    page.ack()
  }
  return into
}

const rows = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ i: from + i, text: `ü${Math.sin(from + i)}` }))

test('file: gzip of several members is read as what comes out of it, and goes on where it ended', async (t) => {
  const [first, second, third] = [rows(0, 40_000), rows(40_000, 3), rows(40_003, 2)]
  const { path, source, warnings } = await fileOf(
    t,
    Buffer.concat([gzipSync(`${first.join('\n')}\n`), gzipSync(second.join(''))]),
  )
  const all = await readAll(source)
  assert.deepEqual(all.map(textOf), [...first, ...second])
  const plain = Buffer.byteLength(`${first.join('\n')}\n${second.join('')}`)
  assert.equal(all.at(-1)!.sequence, String(plain), 'the position counts the bytes that come out')
  assert.deepEqual((await readAll(source, all[30_000]!.sequence)).map(textOf), [...first, ...second].slice(30_001))
  assert.deepEqual(await readAll(source, all.at(-1)!.sequence), [])

  const { created } = await source.identify(new AbortController().signal)
  await appendFile(path, gzipSync(third.join('\n')))
  const grown = await source.identify(new AbortController().signal)
  assert.ok(grown.isSameAs?.(created))
  assert.deepEqual((await readAll(source, all.at(-1)!.sequence)).map(textOf), third)
  assert.deepEqual(warnings, [])
})

test('file: gzip that is still being written is read as far as it goes, and says so', async (t) => {
  const texts = rows(0, 3000)
  const packed = Buffer.concat([gzipSync(texts.slice(0, 1000).join('\n')), gzipSync(texts.slice(1000).join('\n'))])
  for (const bytes of [packed.length - 9, packed.length - 1, 30_000, 5]) {
    const { path, source, warnings } = await fileOf(t, packed.subarray(0, bytes))
    const some = await readAll(source)
    assert.deepEqual(some.map(textOf), texts.slice(0, some.length))
    if (bytes > 5) assert.ok(some.length >= 1000, `${some.length} of ${bytes} bytes`)
    assert.deepEqual(warnings, [UNFINISHED])

    await writeFile(path, packed)
    const rest = await readAll(source, some.at(-1)?.sequence)
    assert.deepEqual(rest.map(textOf), texts.slice(some.length))
  }
})

test('file: gzip that is damaged is read as far as it goes, then named', async (t) => {
  const texts = rows(0, 20_000)
  const packed = gzipSync(texts.join('\n'))
  for (const damaged of [
    Buffer.concat([packed, Buffer.from('trailing text')]),
    Buffer.concat([packed.subarray(0, -8), Buffer.alloc(8, 7)]),
    Buffer.concat([packed, Buffer.from([0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 3])]),
  ]) {
    const { path, source } = await fileOf(t, damaged)
    const some: RawRecord[] = []
    await assert.rejects(readAll(source, undefined, some), {
      code: 'SOURCE_BROKEN',
      message: new RegExp(`cannot be unpacked behind the first \\d+ bytes .*path ${path}`),
    })
    assert.ok(some.length > 1000)
    assert.deepEqual(some.map(textOf), texts.slice(0, some.length))
  }
})

test('file: gzip shorter than the position is refused', async (t) => {
  const { path, source } = await fileOf(t, Buffer.concat([gzipSync('{"a":1}\n'), gzipSync('{"a":2}\n')]))
  await truncate(path, gzipSync('{"a":1}\n').length)
  await assert.rejects(readAll(source, '16'), { code: 'SOURCE_CHANGED', message: /has 8 bytes, but 16/ })
})

test('file: UTF-16, as PowerShell writes it', async (t) => {
  const text = '\uFEFF{\r\n  "Records": [\r\n    {"a":"ü😀"},\r\n    {"a":2}\r\n  ]\r\n}\r\n'
  for (const content of [Buffer.from(text, 'utf16le'), Buffer.from(text, 'utf16le').swap16()]) {
    const { source } = await fileOf(t, content)
    const all = await readAll(source)
    assert.deepEqual(all.map(textOf), ['{"a":"ü😀"}', '{"a":2}'])
    assert.deepEqual((await readAll(source, all[0]!.sequence)).map(textOf), ['{"a":2}'])
  }
})

test('file: what is packed otherwise is named', async (t) => {
  for (const [content, name] of [
    ['PK\x03\x04…', 'a zip archive'],
    ['PAR1…', 'a Parquet file'],
    ['BZh9…', 'packed by bzip2'],
  ] as const) {
    const { source } = await fileOf(t, Buffer.from(content))
    await assert.rejects(readAll(source), { code: 'CONFIGURATION', message: new RegExp(`The file is ${name}`) })
  }
})

test('file: memory stays within the budget, whatever comes out of a small file', async (t) => {
  const row = `${JSON.stringify({ text: 'x'.repeat(100_000) })}\n`
  const { path } = await fileOf(t, gzipSync(row.repeat(300)))
  const source = fileSource({ path, memoryBytes: 4 * 1024 * 1024, log: SILENT })
  let read = 0
  const held: { committed(): void }[] = []
  let heldBytes = 0
  for await (const page of source.pages(new Map(), new AbortController().signal)) {
    read += page.records.length
    const bytes = page.records.reduce((sum, { data }) => sum + data.length, 0)
    heldBytes += bytes
    assert.ok(heldBytes <= 4 * 1024 * 1024 || held.length === 0, `${heldBytes} bytes`)
    held.push({
      committed: () => {
        heldBytes -= bytes
        page.ack()
      },
    })
    setImmediate(() => held.shift()?.committed())
  }
  assert.equal(read, 300)
})

test('standard input: gzip, and lists of records', async (t) => {
  const reader = startNode(import.meta.resolve('./read-stdin.ts'), [])
  t.after(reader.kill)
  const packed = gzipSync('{"Records":[{"a":1},{"a":2}]}')
  reader.child.stdin!.write(packed.subarray(0, 1))
  reader.child.stdin!.end(packed.subarray(1))
  const lines: string[] = []
  for await (const line of reader.lines) lines.push(line)
  assert.deepEqual(lines, ['19 {"a":1}', '27 {"a":2}', 'again: SOURCE_CHANGED'])
})

test('file: a drained source has nothing left in hand', async (t) => {
  const { source } = await fileOf(t, gzipSync('[{"a":1},\n{"a":2}]'))
  const pages = [...(await drain(source, new Map())).values()].flat()
  assert.deepEqual(
    pages.flatMap(({ records }) => records.map(textOf)),
    ['{"a":1}', '{"a":2}'],
  )
})
