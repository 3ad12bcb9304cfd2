import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../../src/change.ts'
import { UnreadBeforeImages } from '../../../src/feeds/dms/unread-before-images.ts'
import { dmsDel, dmsPatch, dmsPut, row } from '../../support/changes.ts'

const before = null

const cases: readonly (readonly [title: string, change: Change, said: RegExp | null, field?: object])[] = [
  [
    'another field',
    { ...dmsPatch(1, 6), unreadImage: 'was' },
    /`--before-image-field`/,
    { table: 'shop.orders', member: 'was' },
  ],
  [
    'of a delete',
    { ...dmsDel(1, 6), unreadImage: 'was' },
    /`--before-image-field`/,
    { table: 'shop.orders', member: 'was' },
  ],
  [
    'columns by rule',
    dmsPatch(2, 6, { before, data: { BI_id: 1 } }),
    /`--before-image-prefix BI_`/,
    { table: 'shop.orders', column: 'BI_id' },
  ],
  ['a column that only begins so', dmsPatch(2, 6, { before, data: { BI_report: 1 } }), null],
  ['columns of an insert, which may be anything', dmsPut(2, 6, { before, data: { BI_id: 1 } }), null],
  ['columns beside a before image that is read', dmsPatch(2, 6, { before: row({ id: 1 }), data: { BI_id: 1 } }), null],
]

for (const [title, change, said, field] of cases) {
  test(`before images that are not read: ${title}`, () => {
    const lines: [object, string][] = []
    const silent = (): void => {}
    const log = {
      debug: silent,
      info: silent,
      error: silent,
      warn: (of: object, line: string) => void lines.push([of, line]),
    }
    assert.equal(new UnreadBeforeImages(log).look(change), said !== null)
    if (said === null) return assert.deepEqual(lines, [])
    assert.equal(lines.length, 1)
    assert.match(lines[0]![1], said)
    assert.deepEqual(lines[0]![0], { code: 'OLD_VALUES_UNREAD', ...field })
  })
}
