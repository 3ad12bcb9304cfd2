import { type Change, Numeric, type Value } from '../../../src/change.ts'
import { dmsDel, dmsMove, dmsPatch, dmsPut } from '../../support/changes.ts'

export interface Case {
  readonly title: string
  readonly batches: readonly (readonly Change[])[]
  /** qty, note and cdc_extra of the row 1, or of those that are there. */
  readonly rows: readonly string[]
  readonly deletes?: 'soft'
}

export const wrong = { qty: 'no number' } as const
export const whole = (version: number, data: Record<string, Value>): Change => dmsPut(1, version, { data })
export const patch = (version: number, data: Record<string, Value>): Change => dmsPatch(1, version, { data })
export const move = (version: number, data: Record<string, Value>): Change => ({
  ...dmsMove({ id: 1 }, { id: 2 }, version, { data }),
  complete: false,
})
/** Values that do not fit their column, and partial images, in `shop.orders (id, qty of integers, note of text)`. */
export const cases: readonly Case[] = [
  {
    title: 'a value that does not fit lies aside, whole',
    batches: [[whole(1, { ...wrong, note: 'n' })]],
    rows: ['null n {"qty": "no number"}'],
  },
  { title: 'so does a number with a fraction', batches: [[whole(1, { qty: 1.5 })]], rows: ['null null {"qty": 1.5}'] },
  {
    title: 'with all its digits',
    batches: [[whole(1, { qty: new Numeric('12345678901234567890123') })]],
    rows: ['null null {"qty": 12345678901234567890123}'],
  },
  { title: 'a whole image clears it', batches: [[whole(1, wrong)], [whole(2, { qty: 2 })]], rows: ['2 null null'] },
  { title: 'also one without the column', batches: [[whole(1, wrong)], [whole(2, {})]], rows: ['null null null'] },
  { title: 'a value that fits clears it', batches: [[whole(1, wrong)], [patch(2, { qty: 2 })]], rows: ['2 null null'] },
  { title: 'so does a null', batches: [[whole(1, wrong)], [patch(2, { qty: null })]], rows: ['null null null'] },
  {
    title: 'a partial image of other columns keeps it',
    batches: [[whole(1, wrong)], [patch(2, { note: 'n' })]],
    rows: ['null n {"qty": "no number"}'],
  },
  {
    title: 'it takes the place of a value that fitted',
    batches: [[whole(1, { qty: 1, note: 'n' })], [patch(2, wrong)]],
    rows: ['null n {"qty": "no number"}'],
  },
  {
    title: 'several pieces in one batch: the last of each column counts',
    batches: [
      [whole(1, { note: 'n' })],
      [patch(2, wrong), patch(3, { note: 'm' }), patch(4, { qty: 4 }), patch(5, { ...wrong, note: null })],
    ],
    rows: ['null null {"qty": "no number"}'],
  },
  {
    title: 'several pieces in one batch: what fits last leaves nothing aside',
    batches: [[whole(1, wrong), patch(2, { qty: 'still none' }), patch(3, { qty: 3 }), patch(4, { note: 'n' })]],
    rows: ['3 n null'],
  },
  {
    title: 'a piece that is older than the row changes nothing, the ones that are newer do',
    batches: [[whole(5, { qty: 5, note: 'five' })], [whole(3, { ...wrong, note: 'three' }), patch(6, { note: 'six' })]],
    rows: ['5 six null'],
  },
  {
    title: 'a late patch of another relay or shard, older than the row, in pieces',
    batches: [[whole(5, { ...wrong, note: 'five' })], [patch(4, { qty: 4, note: 'four' }), patch(6, { note: 'six' })]],
    rows: ['null six {"qty": "no number"}'],
  },
  {
    title: 'a patch of a row that is not there makes it',
    batches: [[patch(1, { ...wrong, note: 'n' })]],
    rows: ['null n {"qty": "no number"}'],
  },
  {
    title: 'a patch newer than the delete makes the row from nothing',
    batches: [[whole(1, { qty: 1, note: 'n' })], [dmsDel(1, 2)], [patch(3, { note: 'new' })]],
    rows: ['null new null'],
  },
  {
    title: 'of pieces those older than the delete are nothing',
    batches: [[whole(1, { qty: 1 })], [dmsDel(1, 5)], [patch(4, { ...wrong }), patch(6, { note: 'six' })]],
    rows: ['null six null'],
  },
  {
    title: 'the same with soft deletes',
    deletes: 'soft',
    batches: [[whole(1, { qty: 1 })], [dmsDel(1, 5)], [patch(4, { ...wrong }), patch(6, { note: 'six' })]],
    rows: ['null six null'],
  },
  {
    title: 'a delete and a patch in one batch: nothing of the row before is left',
    batches: [[whole(1, { ...wrong, note: 'n' })], [dmsDel(1, 2), patch(3, { note: 'new' })]],
    rows: ['null new null'],
  },
  {
    title: 'it moves with the row',
    batches: [[whole(1, { ...wrong, note: 'n' })], [move(2, { note: 'moved' })]],
    rows: ['null moved {"qty": "no number"}'],
  },
  {
    title: 'and is cleared by the move that brings a value',
    batches: [[whole(1, { ...wrong, note: 'n' })], [move(2, { qty: 2 })]],
    rows: ['2 n null'],
  },
  {
    title: 'a move can bring it',
    batches: [[whole(1, { qty: 1, note: 'n' })], [move(2, wrong), dmsPatch(2, 3, { data: { note: 'm' } })]],
    rows: ['null m {"qty": "no number"}'],
  },
]
