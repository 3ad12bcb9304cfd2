import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Decoded, type RawRecord, recordToJson } from '../../src/change.ts'
import type { Decoder } from '../../src/decode/decoder.ts'
import { type FailureCode, RelayError } from '../../src/errors.ts'

/** A record as it stands in a stream, and everything that it says. */
export interface Captured {
  readonly title: string
  readonly record: RawRecord
  /** The JSON of each change or skip, letter by letter: order of fields and digits of numbers included. */
  readonly says: readonly string[]
}

/** A record that must not be decoded. */
export interface Refused {
  readonly title: string
  readonly record: RawRecord
  readonly code: FailureCode
  /** What the message says: where it is wrong, and what was found. */
  readonly words: string
}

/** What every decoder must do, shown by records of its format. */
export function describeDecoder(
  name: string,
  decode: Decoder,
  { captured, refused }: { readonly captured: readonly Captured[]; readonly refused: readonly Refused[] },
): void {
  for (const { title, record, says } of captured) {
    test(`${name}: ${title}`, () => {
      const bytes = Buffer.from(record.data)
      assert.deepEqual(decode(record).map(recordToJson), says)
      assert.deepEqual(decode(record).map(recordToJson), says, 'decoded a second time it says something else')
      assert.ok(bytes.equals(record.data), 'the bytes of the record were changed')
    })

    test(`${name}: ${title}: a copy of each item is equal to it, and reading it again changes nothing`, () => {
      for (const item of decode(record)) {
        const copy: Decoded = { ...item }
        assert.equal(recordToJson(copy), recordToJson(item))
        assert.equal(recordToJson(item), recordToJson(copy))
      }
    })
  }

  for (const { title, record, code, words } of refused) {
    test(`${name}: refused: ${title}`, () => {
      // Some of what is wrong shows only when the old image is asked for.
      const decodeAll = (): unknown => decode(record).map(recordToJson)
      assert.throws(decodeAll, (error) => {
        assert.ok(error instanceof RelayError, String(error))
        assert.equal(error.code, code, error.message)
        assert.ok(error.detail.includes(words), `"${error.detail}" does not say "${words}"`)
        assert.deepEqual(error.place, {}, 'the caller knows the place')
        return true
      })
    })
  }
}
