import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fold, type KeyChange, Patched } from '../../../src/sinks/tables/fold.ts'

/** `row a 1` `delete a 2` `patch a 3` change a key; `move a b 4` moves its row; `close a`. */
type Change = string

interface Case {
  readonly title: string
  readonly changes: readonly Change[]
  /** Of each step, what is folded for each key, and the moves. */
  readonly steps: readonly string[]
}

const cases: readonly Case[] = [
  { title: 'nothing', changes: [], steps: [] },
  { title: 'keys do not touch each other', changes: ['row a 1', 'delete b 1'], steps: ['a: row 1; b: delete 1'] },
  { title: 'the newer row stands', changes: ['row a 1', 'row a 2'], steps: ['a: row 2'] },
  { title: 'an older row that comes later is superseded', changes: ['row a 2', 'row a 1'], steps: ['a: row 2'] },
  { title: 'versions are numbers, not texts', changes: ['row a 9', 'row a 10'], steps: ['a: row 10'] },
  { title: 'of equal versions the later arrival stands', changes: ['row a 1', 'delete a 1'], steps: ['a: delete 1'] },
  { title: 'a row after a removal', changes: ['delete a 1', 'row a 2'], steps: ['a: row 2'] },
  {
    title: 'patches add up',
    changes: ['patch a 1', 'patch a 2', 'patch a 2'],
    steps: ['a: patch 1, patch 2, patch 2'],
  },
  { title: 'patches are added to a row', changes: ['row a 1', 'patch a 2'], steps: ['a: row 1, patch 2'] },
  { title: 'patches are added to a removal', changes: ['delete a 1', 'patch a 2'], steps: ['a: delete 1, patch 2'] },
  {
    title: 'an older patch is superseded, by a row and by a patch',
    changes: ['row a 3', 'patch a 2', 'patch b 3', 'patch b 2'],
    steps: ['a: row 3; b: patch 3'],
  },
  {
    title: 'what is newer than the row and older than its patch is superseded: the patch tells of a later moment',
    changes: ['row a 1', 'patch a 3', 'row a 2'],
    steps: ['a: row 1, patch 3'],
  },
  {
    title: 'a whole row takes the place of all before it',
    changes: ['row a 1', 'patch a 2', 'patch a 3', 'row a 3'],
    steps: ['a: row 3'],
  },
  { title: 'so does a removal', changes: ['patch a 2', 'delete a 3'], steps: ['a: delete 3'] },
  {
    title: 'a patch as old as the row before it is added to it',
    changes: ['row a 1', 'patch a 1'],
    steps: ['a: row 1, patch 1'],
  },
  {
    title: 'a move waits for the changes of both keys, and stands before what comes',
    changes: ['row a 1', 'row b 1', 'move a b 2', 'row a 3', 'patch b 3', 'row c 3'],
    steps: ['a: row 1; b: row 1; c: row 3 | a>b 2', 'a: row 3; b: patch 3'],
  },
  { title: 'a move alone', changes: ['move a b 2'], steps: ['| a>b 2'] },
  { title: 'moves of other keys go together', changes: ['move a b 2', 'move c d 2'], steps: ['| a>b 2, c>d 2'] },
  {
    title: 'a chain of moves is a chain of steps',
    changes: ['move a b 1', 'move b c 2', 'move c d 3', 'patch d 4', 'row a 4'],
    steps: ['| a>b 1', 'a: row 4 | b>c 2', '| c>d 3', 'd: patch 4'],
  },
  {
    title: 'keys that change places through a third one',
    changes: ['move a x 1', 'move b a 2', 'move x b 3', 'patch a 4'],
    steps: ['| a>x 1', '| b>a 2', 'a: patch 4 | x>b 3'],
  },
  {
    title: 'a key that is moved away and used again, and moved away again',
    changes: ['row a 1', 'move a b 2', 'row a 3', 'patch a 4', 'move a c 5', 'row a 6', 'patch b 6'],
    steps: ['a: row 1 | a>b 2', 'a: row 3, patch 4; b: patch 6 | a>c 5', 'a: row 6'],
  },
  {
    title: 'a move waits for the later of its keys',
    changes: ['move a b 1', 'move b c 2', 'row d 1', 'move d b 3'],
    steps: ['d: row 1 | a>b 1', '| b>c 2', '| d>b 3'],
  },
  {
    title: 'a row after a move does not reach back over it',
    changes: ['row b 5', 'move a b 2', 'row b 3'],
    steps: ['b: row 5 | a>b 2', 'b: row 3'],
  },
  {
    title: 'a closed key begins again',
    changes: ['patch a 1', 'close a', 'patch a 2'],
    steps: ['a: patch 1', 'a: patch 2'],
  },
  {
    title: 'to close what nothing stands for changes nothing',
    changes: ['close a', 'patch a 1', 'close a', 'close a', 'row a 2', 'row b 2'],
    steps: ['a: patch 1; b: row 2', 'a: row 2'],
  },
  {
    title: 'a closed key after a move',
    changes: ['move a b 1', 'close b', 'patch b 2', 'close b', 'patch b 3'],
    steps: ['| a>b 1', 'b: patch 2', 'b: patch 3'],
  },
  {
    title: 'a name is only a name',
    changes: ['row __proto__ 1', 'move __proto__ constructor 2', 'patch constructor 3'],
    steps: ['__proto__: row 1 | __proto__>constructor 2', 'constructor: patch 3'],
  },
]
for (const { title, changes, steps } of cases) {
  test(title, () => assert.deepEqual(shown(folded(changes)), steps))
}

/** Its label is kind and version; that of a move its keys and version. */
interface Entry extends KeyChange {
  readonly label: string
}

function folded(changes: readonly Change[]): Fold<Entry> {
  const fold = new Fold<Entry>()
  for (const change of changes) {
    const [what, key, second, third] = change.split(' ') as [string, string, string, string]
    if (what === 'close') fold.close(key)
    else if (what === 'move')
      fold.move(key, second, { kind: 'patch', version: third, label: `${key}>${second} ${third}` })
    else fold.add(key, { kind: what as KeyChange['kind'], version: second, label: `${what} ${second}` })
  }
  return fold
}

function shown({ steps }: Fold<Entry>): string[] {
  return steps.map(({ keys, moves }) => {
    const inOrder = [...keys].sort(([a], [b]) => (a < b ? -1 : 1))
    const left = inOrder.map(([key, folded]) => {
      const { base, patches } = folded instanceof Patched ? folded : { base: folded, patches: [] }
      for (const { kind } of patches) assert.equal(kind, 'patch')
      const changes = [...(base === null ? [] : [base]), ...patches]
      return `${key}: ${changes.map(({ label }) => label).join(', ')}`
    })
    return [left.join('; '), ...(moves.length > 0 ? [`| ${moves.map(({ label }) => label).join(', ')}`] : [])]
      .join(' ')
      .trim()
  })
}
