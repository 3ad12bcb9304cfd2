import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { leftOut, WANTED_SETTING, withWanted } from '../src/wanted-tables.ts'
import { anySeed } from './support/life/random.ts'

type Settings = Readonly<Record<string, string>>

const TABLES = ['a', 'b', 'c c', 'a.b']

/** What stands for a table in a pattern. */
const quoted = (name: string): string => (/^\w+$/.test(name) ? name : `"${name}"`)

const filter = fc.record({
  include: fc.subarray(TABLES.map(quoted)),
  exclude: fc.subarray([...TABLES.map(quoted), 'a*']),
})

const joined = ({ include, exclude }: { include: string[]; exclude: string[] }): Settings => ({
  include: include.join(' '),
  exclude: exclude.join(' '),
})

const since = (settings: Settings, name: string): string | undefined => leftOut(settings)?.({ schema: null, name })

test('a table is left out exactly if it was wanted before it was not, and since then', () => {
  const seed = anySeed()
  const starts = fc.array(fc.record({ filter, forgets: fc.boolean() }), { minLength: 1, maxLength: 12 })
  const wants = ({ include, exclude }: { include: string[]; exclude: string[] }, table: string): boolean =>
    (include.length === 0 || include.includes(quoted(table))) &&
    !exclude.includes(quoted(table)) &&
    !(exclude.includes('a*') && table.startsWith('a'))
  let gaps = 0
  fc.assert(
    fc.property(starts, (all) => {
      let stored = joined(all[0]!.filter)
      /** Of each table: wanted at some time, and from which start on not. */
      let model = new Map<string, { wasWanted: boolean; gap: string | undefined }>()
      for (const [start, { filter: now, forgets }] of all.entries()) {
        const time = new Date(start * 1000).toISOString()
        if (start > 0) stored = withWanted(joined(now), stored, now, forgets, time)
        if (start > 0 && forgets) model = new Map()
        for (const table of TABLES) {
          const { wasWanted, gap } = model.get(table) ?? { wasWanted: false, gap: undefined }
          if (wants(now, table)) model.set(table, { wasWanted: true, gap })
          else model.set(table, { wasWanted, gap: gap ?? (wasWanted ? time : undefined) })
          const expected = model.get(table)!.gap
          if (!wants(now, table)) continue
          const found = since(stored, table)
          assert.equal(found === undefined, expected === undefined, `${table} at ${start}: ${stored[WANTED_SETTING]}`)
          if (found === undefined) continue
          gaps++
          // Of what was wanted three times, the second time may not be kept: then it is since later.
          assert.ok(found >= expected!)
        }
      }
    }),
    { seed, numRuns: 500 },
  )
  console.log(`seed ${seed}: ${gaps} gaps`)
  assert.ok(gaps > 50, `seed ${seed}: only ${gaps} gaps`)
})

test('what is remembered stays short, however often the operator changes his mind', () => {
  let stored: Settings = {}
  for (let i = 0; i < 1000; i++) {
    const now = { include: [], exclude: i % 2 === 0 ? ['a'] : ['b'] }
    stored = withWanted(joined(now), stored, now, false, new Date(i).toISOString())
  }
  assert.ok(stored[WANTED_SETTING]!.length < 500, stored[WANTED_SETTING])
  assert.deepEqual(
    ['a', 'b', 'c'].map((table) => since(stored, table) === undefined),
    [false, false, true],
  )
})

test('the history of before anything was remembered is what the settings say', () => {
  const now = { include: [], exclude: ['shop.*'] }
  const stored = withWanted(joined(now), { include: '"c c" a', exclude: '' }, now, false, 'T1')
  const back = { include: [], exclude: [] }
  const later = withWanted(joined(back), stored, back, false, 'T2')
  const of = leftOut(later)!
  assert.equal(of({ schema: 'shop', name: 'c c' }), 'T1')
  assert.equal(of({ schema: 'shop', name: 'c' }), undefined)
  assert.equal(of({ schema: 'store', name: 'a' }), undefined)
})

test('what cannot be read is said, without what it is', () => {
  assert.throws(() => leftOut({ [WANTED_SETTING]: '{"secret":1}' }), { code: 'STATE_BROKEN', message: /^(?!.*secret)/ })
})
