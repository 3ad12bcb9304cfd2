import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compareDecimal, type RawRecord } from '../../src/change.ts'
import type { Page, Source } from '../../src/ingest/source.ts'
import { type Position, type Positions, SHARD_END } from '../../src/position.ts'

/** What a source is opened over. */
export interface Held {
  /** One list of payloads for each shard. Payloads are one-line JSON texts. */
  readonly shards: readonly (readonly string[])[]
  /** Budget for pages that are not yet committed. Absent: the source's default. */
  readonly memoryBytes?: number
}

export interface OpenSource {
  /** Ends by itself once everything held was read and committed. */
  readonly source: Source
  /** A second source over the same stream or file, as after a restart. Closed by `close` too. */
  reopen(): Promise<Source>
  close(): Promise<void>
}

export interface SourceTraits {
  /** How many shards `open` can hold. */
  readonly shards: number
  /** Absent: pages that are not acknowledged fit the memory. Else why that is not the source's to see to. */
  readonly unboundedMemory?: string
}

/** What every source must do. `open` gives a source over the held records. */
export function describeSource(name: string, open: (held: Held) => Promise<OpenSource>, traits: SourceTraits): void {
  const held: Held = {
    shards: Array.from({ length: traits.shards }, (_, shard) =>
      Array.from({ length: 40 }, (_, i) => JSON.stringify({ shard, i, text: 'ü'.repeat(i % 7) })),
    ),
  }

  const withSource = (title: string, what: Held, body: (opened: OpenSource) => Promise<void>, skip?: string) =>
    test(`${name}: ${title}`, { timeout: 60_000, ...(skip === undefined ? {} : { skip }) }, async () => {
      const opened = await open(what)
      try {
        await body(opened)
      } finally {
        await opened.close()
      }
    })

  withSource('each record once, in the order of its shard, then the end', held, async ({ source }) => {
    const read = await drain(source, new Map())
    assert.deepEqual([...payloads(read).values()].sort(byFirst), [...held.shards].sort(byFirst))
  })

  withSource(
    'who lists its shards lists each that it reads, and those that they came from',
    held,
    async ({ source }) => {
      const listed = await source.shards?.(new AbortController().signal)
      const read = await drain(source, new Map())
      if (listed === undefined) return assert.ok(read.size === 1 || source.positions === 'engine')
      for (const shard of read.keys()) assert.ok(listed.has(shard), `${shard} is not among ${[...listed.keys()]}`)
      for (const parents of listed.values()) assert.ok(Array.isArray(parents))
    },
  )

  withSource('sequence numbers grow within a shard', held, async ({ source }) => {
    for (const pages of (await drain(source, new Map())).values()) {
      const sequences = pages.flatMap((page) => page.records.map((record) => record.sequence))
      assert.ok(sequences.length > 1)
      for (let i = 1; i < sequences.length; i++) {
        assert.ok(compareDecimal(sequences[i - 1]!, sequences[i]!) < 0, `${sequences[i - 1]} before ${sequences[i]}`)
      }
    }
  })

  withSource('a page names its shard and ends at its last record or the end of the shard', held, async ({ source }) => {
    for (const [shard, pages] of await drain(source, new Map())) {
      for (const page of pages) {
        const last = page.records.at(-1)
        assert.ok(page.records.every((record) => record.shard === shard))
        assert.ok(page.behindMs >= 0)
        if (last === undefined) continue
        assert.ok(page.end.sequence === last.sequence || page.end.sequence === SHARD_END)
        assert.equal(page.end.arrivedAt, last.arrivedAt)
      }
    }
  })

  withSource('after a position comes exactly the rest', held, async ({ source, reopen }) => {
    const all = await drain(source, new Map())
    for (const done of [1, 17, 39, 40]) {
      const positions = new Map<string, Position>()
      const rest = new Map<string, string[]>()
      for (const [shard, pages] of all) {
        const records = pages.flatMap((page) => page.records)
        const last = records[done - 1]!
        positions.set(shard, { sequence: last.sequence, arrivedAt: last.arrivedAt, caughtUpAt: null })
        rest.set(shard, records.slice(done).map(textOf))
      }
      assert.deepEqual(nonEmpty(payloads(await drain(await reopen(), positions))), nonEmpty(rest))
    }
  })

  withSource('after the end of every page that it gave comes exactly the rest', held, async ({ source, reopen }) => {
    const all = await drain(source, new Map())
    const positions = new Map([...all].map(([shard, pages]) => [shard, pages.at(-1)!.end]))
    assert.deepEqual(nonEmpty(payloads(await drain(await reopen(), positions))), new Map())
  })

  withSource('reads again from other positions', held, async ({ source }) => {
    const first = payloads(await drain(source, new Map()))
    assert.deepEqual(payloads(await drain(source, new Map())), first)
  })

  withSource('an abort ends the iteration, and nothing that was committed comes again', held, async (opened) => {
    const stop = new AbortController()
    const before: Page[] = []
    for await (const page of opened.source.pages(new Map(), stop.signal)) {
      page.ack()
      before.push(page)
      if (page.records.length > 0) stop.abort()
    }
    const after = await drain(await opened.reopen(), endsOf(before))
    assert.deepEqual([...joined(before, after)].sort(), held.shards.flat().sort())
  })

  withSource('an abort before the first page ends the iteration', held, async ({ source }) => {
    for await (const _ of source.pages(new Map(), AbortSignal.abort())) assert.fail('a page after the abort')
  })

  withSource('a reader that leaves early can begin again', held, async ({ source }) => {
    for await (const page of source.pages(new Map(), new AbortController().signal)) {
      if (page.records.length > 0) break
    }
    assert.deepEqual([...payloads(await drain(source, new Map())).values()].flat().sort(), held.shards.flat().sort())
  })

  withSource('pages that failed come again after a restart', held, async ({ source, reopen }) => {
    const stop = new AbortController()
    const kept: Page[] = []
    const failed = new Set<string>()
    let failedPages = 0
    for await (const page of source.pages(new Map(), stop.signal)) {
      const isFirst = page.records.length === 0 || (traits.shards > 1 && kept.length === 0)
      // What follows a page that failed is not written either: its end would pass over what is missing.
      if (isFirst && !failed.has(page.shard)) {
        page.ack()
        kept.push(page)
        continue
      }
      page.failed(new Error('The target is away'))
      failed.add(page.shard)
      if (page.records.length > 0 && ++failedPages === traits.shards) stop.abort()
    }
    assert.ok(failedPages > 0)
    const after = await drain(await reopen(), endsOf(kept))
    assert.deepEqual([...joined(kept, after)].sort(), held.shards.flat().sort())
  })

  withSource('does not end before the last page is committed', held, async ({ source }) => {
    const pages = source.pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
    const kept: Page[] = []
    for (let seen = 0; seen < held.shards.flat().length; ) {
      const { value, done } = await pages.next()
      assert.ok(done !== true, 'ended with pages that were not committed')
      if (isNews(value)) kept.push(value)
      else value.ack()
      seen += value.records.length
    }
    const next = settledPage(pages, kept)
    assert.equal(await Promise.race([next, sleep(400, 'still open')]), 'still open')
    const last = kept.pop()!
    for (const page of kept) page.ack()
    assert.equal(await Promise.race([next, sleep(100, 'still open')]), 'still open')
    last.ack()
    assert.equal(await next, 'done')
  })

  withSource('nothing held: ends without a record', { shards: held.shards.map(() => []) }, async ({ source }) => {
    assert.deepEqual(nonEmpty(payloads(await drain(source, new Map()))), new Map())
  })

  withSource('says who the stream is, the same after a restart', held, async ({ source, reopen }) => {
    const { signal } = new AbortController()
    const identity = await source.identify(signal)
    assert.ok(identity.id.length > 0 && identity.created.length > 0)
    assert.deepEqual(await source.identify(signal), identity)
    assert.deepEqual(await (await reopen()).identify(signal), identity)
  })

  withSource('the earliest start needs no positions', held, async ({ source }) => {
    const { signal } = new AbortController()
    assert.equal((await source.firstPositions?.({ kind: 'earliest' }, signal))?.size ?? 0, 0)
  })

  const large: Held = {
    shards: held.shards.map((_, shard) => Array.from({ length: 48 }, (_, i) => line(shard, i, 64 * 1024))),
    memoryBytes: 1024 * 1024,
  }
  const fitsMemory = async ({ source }: OpenSource): Promise<void> => {
    const kept: Page[] = []
    let most = 0
    let total = 0
    for await (const page of takingCommitting(source, kept)) {
      total += page.records.length
      const bytes = kept.map((one) => one.records.reduce((sum, record) => sum + record.data.byteLength, 0))
      most = Math.max(most, bytes.reduce((sum, one) => sum + one, 0) - Math.max(...bytes, 0))
    }
    assert.equal(total, large.shards.flat().length)
    assert.ok(most <= large.memoryBytes!, `${most} bytes beside the largest page`)
  }
  withSource('what is not committed fits the memory, but for one page', large, fitsMemory, traits.unboundedMemory)

  // They mostly wait for the shard to be read again: several at a time.
  describe(`${name}: a page that is deferred`, { concurrency: 4 }, () => {
    for (const [title, refused] of [
      ['at its first record', [0]],
      ['in its middle', [17]],
      ['at its last record, the last of all', [39]],
      ['twice in a row at the same record', [17, 17]],
      ['at one record after the other', [0, 1, 39]],
    ] as const) {
      withSource(title, held, async ({ source }) => {
        const { used, deferred } = await drainDeferring(source, refusing(refused))
        assert.deepEqual([...used.values()].sort(byFirst), [...held.shards].sort(byFirst))
        assert.equal(deferred, refused.length * held.shards.length)
      })
    }

    withSource('an abort before it comes again', held, async ({ source, reopen }) => {
      const stop = new AbortController()
      const kept: string[] = []
      const positions = new Map<string, Position>()
      for await (const page of source.pages(new Map(), stop.signal)) {
        if (page.records.length === 0) continue
        kept.push(...page.records.slice(0, 17).map(textOf))
        const { sequence, arrivedAt } = page.records[16]!
        positions.set(page.shard, { sequence, arrivedAt, caughtUpAt: null })
        page.defer(17)
        page.ack()
        setImmediate(() => stop.abort())
      }
      const after = payloads(await drain(await reopen(), positions))
      assert.deepEqual([...kept, ...[...after.values()].flat()].sort(), held.shards.flat().sort())
    })

    if (traits.shards > 1) {
      const tight: Held = { ...held, memoryBytes: 1 }
      withSource('the other shards go on, though the memory holds one page only', tight, async ({ source }) => {
        let waiting = ''
        const isRefused = ({ shard }: RawRecord, used: ReadonlyMap<string, readonly string[]>): boolean => {
          waiting ||= shard
          const others = [...used].filter(([other, texts]) => other !== shard && texts.length === 40)
          return shard === waiting && used.get(shard)!.length === 5 && others.length < traits.shards - 1
        }
        const { used, deferred } = await drainDeferring(source, isRefused)
        assert.deepEqual([...used.values()].sort(byFirst), [...held.shards].sort(byFirst))
        assert.ok(deferred > 0)
      })
    }
  })

  withSource('close twice is fine', held, async ({ source }) => {
    await source.close()
    await source.close()
  })
}

/** Reads until the source ends, committing each page at once. Shard → its pages. */
export async function drain(source: Source, positions: Positions, signal?: AbortSignal): Promise<Map<string, Page[]>> {
  const read = new Map<string, Page[]>()
  for await (const page of source.pages(positions, signal ?? new AbortController().signal)) {
    page.ack()
    read.set(page.shard, [...(read.get(page.shard) ?? []), page])
  }
  return read
}

/** Reads until the source ends, deferring each page at its first record that is refused. Shard → what was used of it. */
export async function drainDeferring(
  source: Source,
  isRefused: (record: RawRecord, used: ReadonlyMap<string, readonly string[]>) => boolean,
  positions: Positions = new Map(),
): Promise<{ readonly used: Map<string, string[]>; readonly deferred: number }> {
  const used = new Map<string, string[]>()
  let deferred = 0
  for await (const page of source.pages(positions, new AbortController().signal)) {
    const texts = used.get(page.shard) ?? []
    if (page.records.length > 0) used.set(page.shard, texts)
    const first = page.records.findIndex((record) => {
      if (isRefused(record, used)) return true
      texts.push(textOf(record))
      return false
    })
    if (first === -1) {
      page.ack()
      continue
    }
    deferred++
    // What was used of it counts as durable at once.
    page.defer(first)
    if (first > 0) page.ack()
  }
  return { used, deferred }
}

/** Refuses the records of each shard with these indices, one after the other. */
function refusing(indices: readonly number[]): (record: RawRecord) => boolean {
  const left = new Map<string, number[]>()
  return (record) => {
    const own = left.get(record.shard) ?? [...indices]
    left.set(record.shard, own)
    const isRefused = own[0] === JSON.parse(textOf(record)).i
    if (isRefused) own.shift()
    return isRefused
  }
}

export function payloads(read: ReadonlyMap<string, readonly Page[]>): Map<string, string[]> {
  return new Map([...read].map(([shard, pages]) => [shard, pages.flatMap((page) => page.records.map(textOf))]))
}

export const textOf = (record: { readonly data: Uint8Array }): string => Buffer.from(record.data).toString('utf8')

/** The positions that a state would hold after these pages. */
export const endsOf = (pages: readonly Page[]): Map<string, Position> =>
  new Map(pages.map((page) => [page.shard, page.end]))

/** Commits what it holds only when the source gives nothing more without it. */
async function* takingCommitting(source: Source, kept: Page[]): AsyncGenerator<Page> {
  const pages = source.pages(new Map(), new AbortController().signal)[Symbol.asyncIterator]()
  for (let next = pages.next(); ; ) {
    const result = await Promise.race([next, sleep(300, null)])
    if (result === null) {
      for (const page of kept.splice(0)) page.ack()
      continue
    }
    if (result.done === true) return
    if (isNews(result.value)) kept.push(result.value)
    else result.value.ack()
    yield result.value
    next = pages.next()
  }
}

/** Takes pages, without committing those with news, until the iteration is done. */
async function settledPage(pages: AsyncIterator<Page>, kept: Page[]): Promise<'done'> {
  for (;;) {
    const { value, done } = await pages.next()
    if (done === true) return 'done'
    if (isNews(value)) kept.push(value)
    else value.ack()
  }
}

const isNews = (page: Page): boolean => page.records.length > 0 || page.end.sequence === SHARD_END

function* joined(before: readonly Page[], after: ReadonlyMap<string, readonly Page[]>): Generator<string> {
  for (const page of before) yield* page.records.map(textOf)
  for (const texts of payloads(after).values()) yield* texts
}

const nonEmpty = (texts: ReadonlyMap<string, string[]>): Map<string, string[]> =>
  new Map([...texts].filter(([, list]) => list.length > 0))

const byFirst = (a: readonly string[], b: readonly string[]): number => (a[0]! < b[0]! ? -1 : 1)

const line = (shard: number, i: number, bytes: number): string => JSON.stringify({ shard, i, fill: 'x'.repeat(bytes) })
