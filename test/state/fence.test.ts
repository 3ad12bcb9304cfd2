import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Progress, Stored } from '../../src/batch.ts'
import { type Found, type Ours, type Verdict, verdict } from '../../src/state/fence.ts'

type Texts = Readonly<Record<string, string>>

const stored = (positions: Texts, facts: Texts = {}): Stored => ({
  positions: new Map(
    Object.entries(positions).map(([shard, sequence]) => [shard, { sequence, arrivedAt: null, caughtUpAt: null }]),
  ),
  facts: new Map(Object.entries(facts)),
})

const OURS: Ours = { claim: 7, owner: 'we', revision: 3, stored: stored({ a: '5', b: '5' }, { x: '1' }) }
const NEWS: Progress = { ...stored({ a: '6', c: '1' }, { x: '2' }), forgotten: [] }
const FORGETTING: Progress = { ...stored({ a: '6' }), forgotten: ['b'] }
const AFTER: Stored = stored({ a: '6', b: '5', c: '1' }, { x: '2' })

const found = (parts: Partial<Found>): Found => ({ claim: 7, owner: 'we', revision: 3, stored: OURS.stored, ...parts })

const cases: readonly { title: string; found: Found; ours?: Ours; news?: Progress; is: Verdict }[] = [
  { title: 'our claim and the news: the answer was lost', found: found({ revision: 4, stored: AFTER }), is: 'moved' },
  {
    title: 'our claim and the news, in a store that counts no moves',
    found: { claim: 7n, owner: 'we', stored: AFTER },
    ours: { claim: 7n, owner: 'we', stored: OURS.stored },
    is: 'moved',
  },
  { title: 'no news, and nothing else either', found: found({}), news: { ...stored({}), forgotten: [] }, is: 'moved' },
  {
    title: 'our claim and the news, what is to be forgotten is gone',
    found: found({ revision: 4, stored: stored({ a: '6' }, { x: '1' }) }),
    news: FORGETTING,
    is: 'moved',
  },
  {
    title: 'our claim and the news, what is to be forgotten is still there',
    found: found({ stored: stored({ a: '6', b: '5' }, { x: '1' }) }),
    news: FORGETTING,
    is: 'rewound',
  },
  {
    title: 'what is to be forgotten was forgotten before',
    found: found({ revision: 4, stored: stored({ a: '6' }, { x: '1' }) }),
    ours: { ...OURS, stored: stored({ a: '5' }, { x: '1' }) },
    news: FORGETTING,
    is: 'moved',
  },
  {
    title: 'our claim and an earlier move whose answer was lost',
    found: found({ revision: 4, stored: stored({ a: '5', b: '6' }, { x: '1' }) }),
    is: 'further',
  },
  { title: 'our claim and what we knew: the move was not done', found: found({}), is: 'rewound' },
  {
    title: 'our claim and an older position of another shard beside the news',
    found: found({ revision: 3, stored: stored({ a: '6', b: '4', c: '1' }, { x: '2' }) }),
    is: 'rewound',
  },
  {
    title: 'our claim and a shard that we know of is missing',
    found: found({ revision: 2, stored: stored({ a: '6', c: '1' }, { x: '2' }) }),
    is: 'rewound',
  },
  {
    title: 'our claim and the positions of the news without its fact',
    found: found({ revision: 3, stored: stored({ a: '6', b: '5', c: '1' }, { x: '1' }) }),
    is: 'rewound',
  },
  {
    title: 'our claim and an older position, in a store that counts no moves',
    found: { claim: 7n, owner: 'we', stored: stored({ a: '4', b: '5' }, { x: '1' }) },
    ours: { claim: 7n, owner: 'we', stored: OURS.stored },
    is: 'rewound',
  },
  { title: 'a higher claim of another', found: found({ claim: 8, owner: 'they', stored: null }), is: 'held' },
  { title: 'a higher claim of another that holds the news', found: found({ claim: 8, owner: 'they' }), is: 'held' },
  { title: 'the same claim of another', found: found({ owner: 'they', stored: null }), is: 'held' },
  { title: 'a lower claim of another', found: found({ claim: 6, owner: 'they', stored: null }), is: 'rewound' },
  { title: 'a lower claim of our own', found: found({ claim: 6, stored: null }), is: 'rewound' },
  { title: 'a lower claim of our own that holds the news', found: found({ claim: 6, stored: AFTER }), is: 'rewound' },
  {
    title: 'a higher claim of our own: the answer to claiming again was lost',
    found: found({ claim: 8, stored: null }),
    is: 'rewound',
  },
  {
    title: 'claims beyond what a double holds',
    found: { claim: 9_007_199_254_740_993n, owner: 'they', stored: null },
    ours: { claim: 9_007_199_254_740_994n, owner: 'we', stored: OURS.stored },
    is: 'rewound',
  },
]

for (const { title, found, ours = OURS, news = NEWS, is } of cases) {
  test(`fence: ${title}: ${is}`, () => {
    assert.equal(verdict(found, ours, news), is)
  })
}
