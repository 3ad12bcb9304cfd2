import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  documentKey,
  keyColumnName,
  liveViewName,
  objectKey,
  schemaName,
  sourceName,
  tableName,
  valueColumnName,
} from '../../../../../src/sinks/sql/cratedb/tables/names.ts'
import { anyCharacter } from '../../../../support/any-character.ts'

const writers = { schemaName, tableName, keyColumnName, valueColumnName, objectKey, documentKey }
type Kind = keyof typeof writers

const cases: readonly (readonly [kind: Kind, name: string, target: string])[] = [
  ['tableName', 'Orders', 'Orders'],
  ['tableName', 'table-testdrive', 'table-testdrive'],
  ['tableName', 'ä', 'ä'],
  ['tableName', "it's", "it's"],
  ['tableName', '__proto__', '%5F_proto__'],
  ['tableName', '', '%'],
  ['tableName', 'a.b', 'a%2Eb'],
  ['tableName', 'a%2Eb', 'a%252Eb'],
  ['tableName', '100% "sure" [x]', '100%25%20%22sure%22%20[x]'],
  ['tableName', '\t', '%09'],
  ['tableName', '_x', '%5Fx'],
  ['tableName', '-x', '%2Dx'],
  ['tableName', 'a\ud800b', 'a%uD800b'],
  ['schemaName', 'doc', 'doc'],
  ['schemaName', 'DOC', '%44OC'],
  ['schemaName', 'sys', '%73ys'],
  ['schemaName', 'Information_Schema', '%49nformation_Schema'],
  ['keyColumnName', 'id', 'id'],
  ['keyColumnName', 'a b"c', 'a b"c'],
  ['keyColumnName', 'a[0]', 'a%5B0%5D'],
  ['keyColumnName', '_id', '%5Fid'],
  ['keyColumnName', 'data', '%64ata'],
  ['keyColumnName', 'aux', '%61ux'],
  ['keyColumnName', 'cdc_extra', 'cdc_extra'],
  ['valueColumnName', 'data', 'data'],
  ['valueColumnName', 'cdc_extra', '%63dc_extra'],
  ['valueColumnName', 'cdc_version', '%63dc_version'],
  ['objectKey', '_id', '_id'],
  ['objectKey', '__proto__', '__proto__'],
  ['objectKey', 'a.b', 'a%2Eb'],
  ['objectKey', 'a\nb', 'a%0Ab'],
  ['objectKey', 'cdc_numbers', 'cdc_numbers'],
  ['documentKey', 'cdc_numbers', '%63dc_numbers'],
]
for (const [kind, name, target] of cases) {
  test(`${kind}: ${JSON.stringify(name)} becomes ${target}`, () => {
    assert.equal(writers[kind](name), target)
    assert.equal(sourceName(target), name)
  })
}

test('a long name is cut at the border of a character, and ends with its hash', () => {
  assert.match(tableName('€'.repeat(100)), /^€{57}%-[\da-f]{16}$/)
  assert.notEqual(tableName(`${'x'.repeat(300)}a`), tableName(`${'x'.repeat(300)}b`))
  assert.equal(sourceName(tableName('€'.repeat(100))), null)
  assert.ok(Buffer.byteLength(`${schemaName('s'.repeat(300))}.${tableName('t'.repeat(300))}`) <= 255)
  assert.equal(objectKey('€.'.repeat(1000)), '€%2E'.repeat(1000))
})

test('a view is named for its table as the target names it', () => {
  assert.equal(liveViewName(tableName('a.b')), 'a%2Eb_live')
  assert.match(liveViewName('x'.repeat(191)), /^x+%-[\da-f]{16}$/)
})

const chars = fc.constantFrom(
  ...'.[]"\'`%%2EF-_+/\\*?<>| ,#:{}$aZé€😀0\t\n\r\0\x7f\x85'.split(''),
  '\ud83d',
  '\ude00',
  'u',
)
const names = fc.oneof(
  fc.string({ unit: chars, maxLength: 12 }),
  fc.string({ unit: anyCharacter, maxLength: 12 }),
  fc.constantFrom('', '%', '%-', '_', '__proto__', '_id', '_seq_no', 'doc', 'Doc', 'sys', 'SYS', 'blob', 'data', 'aux'),
  fc.constantFrom('cdc_version', 'cdc_deleted', 'cdc_extra', 'cdc_numbers', '%63dc_extra', '%5Fid', '%2E', '.'),
)

for (const kind of Object.keys(writers) as Kind[]) {
  test(`${kind}: every name is taken by CrateDB, can be read back, and is nobody else's`, () => {
    fc.assert(
      fc.property(fc.uniqueArray(names, { minLength: 2, maxLength: 12 }), (some) => {
        const targets = some.map(writers[kind])
        assert.equal(new Set(targets).size, some.length)
        for (const target of targets) assert.equal(whyRefused(kind, target), null)
        assert.deepEqual(targets.map(sourceName), some)
      }),
      { numRuns: 2_000 },
    )
  })
}

/** What CrateDB says of a name, as its documentation and its source do. */
function whyRefused(kind: Kind, name: string): string | null {
  if (name === '') return 'empty'
  if (!name.isWellFormed() || name.includes('\0')) return 'no text'
  if (kind === 'schemaName' || kind === 'tableName') {
    if (/[\\/*?"<>| ,#.]/.test(name)) return 'illegal characters'
    if (name.startsWith('_')) return 'leading underscore'
    if (kind === 'schemaName' && /^(blob|information_schema|sys|pg_catalog)$/i.test(name)) return 'reserved'
    return null
  }
  if (name.includes('.')) return 'contains a dot'
  if (/[[\]]/.test(name)) return 'conflicts with subscript pattern'
  if (/[\t\n\r]/.test(name)) return 'contains illegal whitespace character'
  if ((kind === 'keyColumnName' || kind === 'valueColumnName') && name.startsWith('_')) return 'system column'
  return null
}
