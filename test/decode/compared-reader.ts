import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RawRecord } from '../../src/change.ts'
import { anySeed } from '../support/life/random.ts'
import { volume } from '../support/volume.ts'
import { mistaken } from './mistaken.ts'

export interface ComparedReader<Reader, Module> {
  /** Mutated records, at least 40 % of which it takes. */
  readonly records: (seed: number, count: number) => Iterable<RawRecord>
  /** What it says of a record otherwise than the object decoder; null if nothing, undefined if it does not take it. */
  readonly difference: (reader: Reader, record: RawRecord) => string | null | undefined
  /** Its sources, paths in `src/`; the first one is the module that makes it. */
  readonly sources: readonly string[]
  readonly readerOf: (module: Module) => Reader
  /** Mistakes as one makes them: what stands in the source, and what stands there instead. */
  readonly mistakes: readonly (readonly [what: string, right: string, wrong: string])[]
}

const COUNT = volume(50_000, 1_000_000)

/** Holds a reader of bytes against the object decoder, and shows that this finds the mistakes. */
export function describeReader<Reader, Module>(
  module: Module,
  { records, difference, sources, readerOf, mistakes }: ComparedReader<Reader, Module>,
): void {
  test(`${COUNT} mutated records: what is read as bytes, the object decoder reads the same`, () => {
    const seed = anySeed()
    const reader = readerOf(module)
    let taken = 0
    for (const record of records(seed, COUNT)) {
      const found = difference(reader, record)
      if (found === undefined) continue
      taken++
      assert.equal(found, null, `seed ${seed}: ${record.data.toString()}`)
    }
    console.log(`seed ${seed}: ${taken} of ${COUNT} records were taken`)
    assert.ok(taken >= COUNT * 0.4, `seed ${seed}: only ${taken} of ${COUNT} were taken`)
  })

  const findsOne = (reader: Reader, seed: number): boolean => {
    for (const record of records(seed, 50_000)) if (typeof difference(reader, record) === 'string') return true
    return false
  }

  for (const [what, right, wrong] of mistakes) {
    test(`the comparison finds a mistake: ${what}`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-mistake-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const reader = readerOf(await mistaken<Module>(sources, folder, right, wrong))
      const seed = anySeed()
      assert.ok(findsOne(reader, seed), `seed ${seed}`)
    })
  }
}
