import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fold, type KeyChange } from '../../../src/sinks/tables/fold.ts'

/** `row a 1` `gone a 2` `patch a 3` touch a key; `move a b 4` moves its row; `close a`. */
type Step = string

interface Case {
  readonly title: string
  readonly steps: readonly Step[]
  /** Of each round, key by key what stands, and the moves. */
  readonly rounds: readonly string[]
}

const cases: readonly Case[] = [
  { title: 'nothing', steps: [], rounds: [] },
  { title: 'keys do not touch each other', steps: ['row a 1', 'gone b 1'], rounds: ['a: row 1; b: gone 1'] },
  { title: 'the newer row stands', steps: ['row a 1', 'row a 2'], rounds: ['a: row 2'] },
  { title: 'an older row that comes later is superseded', steps: ['row a 2', 'row a 1'], rounds: ['a: row 2'] },
  { title: 'versions are numbers, not texts', steps: ['row a 9', 'row a 10'], rounds: ['a: row 10'] },
  { title: 'of equal versions the later arrival stands', steps: ['row a 1', 'gone a 1'], rounds: ['a: gone 1'] },
  { title: 'a row after a removal', steps: ['gone a 1', 'row a 2'], rounds: ['a: row 2'] },
  { title: 'patches add up', steps: ['patch a 1', 'patch a 2', 'patch a 2'], rounds: ['a: patch 1, patch 2, patch 2'] },
  { title: 'patches are laid over a row', steps: ['row a 1', 'patch a 2'], rounds: ['a: row 1, patch 2'] },
  { title: 'patches are laid over a removal', steps: ['gone a 1', 'patch a 2'], rounds: ['a: gone 1, patch 2'] },
  {
    title: 'an older patch is superseded, by a row and by a patch',
    steps: ['row a 3', 'patch a 2', 'patch b 3', 'patch b 2'],
    rounds: ['a: row 3; b: patch 3'],
  },
  {
    title: 'what is newer than the row and older than its patch is superseded: the patch tells of a later moment',
    steps: ['row a 1', 'patch a 3', 'row a 2'],
    rounds: ['a: row 1, patch 3'],
  },
  {
    title: 'a whole row takes the place of all before it',
    steps: ['row a 1', 'patch a 2', 'patch a 3', 'row a 3'],
    rounds: ['a: row 3'],
  },
  { title: 'so does a removal', steps: ['patch a 2', 'gone a 3'], rounds: ['a: gone 3'] },
  {
    title: 'a patch as old as the row before it is laid over it',
    steps: ['row a 1', 'patch a 1'],
    rounds: ['a: row 1, patch 1'],
  },
  {
    title: 'a move waits for what both keys were touched by, and stands before what comes',
    steps: ['row a 1', 'row b 1', 'move a b 2', 'row a 3', 'patch b 3', 'row c 3'],
    rounds: ['a: row 1; b: row 1; c: row 3 | a>b 2', 'a: row 3; b: patch 3'],
  },
  { title: 'a move alone', steps: ['move a b 2'], rounds: ['| a>b 2'] },
  { title: 'moves of other keys go together', steps: ['move a b 2', 'move c d 2'], rounds: ['| a>b 2, c>d 2'] },
  {
    title: 'a chain of moves is a chain of rounds',
    steps: ['move a b 1', 'move b c 2', 'move c d 3', 'patch d 4', 'row a 4'],
    rounds: ['| a>b 1', 'a: row 4 | b>c 2', '| c>d 3', 'd: patch 4'],
  },
  {
    title: 'keys that change places through a third one',
    steps: ['move a x 1', 'move b a 2', 'move x b 3', 'patch a 4'],
    rounds: ['| a>x 1', '| b>a 2', 'a: patch 4 | x>b 3'],
  },
  {
    title: 'a key that is moved away and used again, and moved away again',
    steps: ['row a 1', 'move a b 2', 'row a 3', 'patch a 4', 'move a c 5', 'row a 6', 'patch b 6'],
    rounds: ['a: row 1 | a>b 2', 'a: row 3, patch 4; b: patch 6 | a>c 5', 'a: row 6'],
  },
  {
    title: 'a move waits for the later of its keys',
    steps: ['move a b 1', 'move b c 2', 'row d 1', 'move d b 3'],
    rounds: ['d: row 1 | a>b 1', '| b>c 2', '| d>b 3'],
  },
  {
    title: 'a row after a move does not reach back over it',
    steps: ['row b 5', 'move a b 2', 'row b 3'],
    rounds: ['b: row 5 | a>b 2', 'b: row 3'],
  },
  {
    title: 'a closed key begins anew',
    steps: ['patch a 1', 'close a', 'patch a 2'],
    rounds: ['a: patch 1', 'a: patch 2'],
  },
  {
    title: 'to close what nothing stands for changes nothing',
    steps: ['close a', 'patch a 1', 'close a', 'close a', 'row a 2', 'row b 2'],
    rounds: ['a: patch 1; b: row 2', 'a: row 2'],
  },
  {
    title: 'a closed key after a move',
    steps: ['move a b 1', 'close b', 'patch b 2', 'close b', 'patch b 3'],
    rounds: ['| a>b 1', 'b: patch 2', 'b: patch 3'],
  },
  {
    title: 'a name is only a name',
    steps: ['row __proto__ 1', 'move __proto__ constructor 2', 'patch constructor 3'],
    rounds: ['__proto__: row 1 | __proto__>constructor 2', 'constructor: patch 3'],
  },
]
for (const { title, steps, rounds } of cases) {
  test(title, () => assert.deepEqual(shown(played(steps)), rounds))
}

/** The detail of a touch is its kind and version; that of a move its keys and version. */
function played(steps: readonly Step[]): Fold<string> {
  const rounds = new Fold<string>()
  for (const step of steps) {
    const [what, key, second, third] = step.split(' ') as [string, string, string, string]
    if (what === 'close') rounds.close(key)
    else if (what === 'move') rounds.move(key, second, `${key}>${second} ${third}`)
    else rounds.add(key, { kind: what as KeyChange<string>['kind'], version: second, detail: `${what} ${second}` })
  }
  return rounds
}

function shown({ steps: rounds }: Fold<string>): string[] {
  return rounds.map(({ keys: standing, moves }) => {
    const keys = [...standing].sort(([a], [b]) => (a < b ? -1 : 1))
    const stands = keys.map(([key, { base, patches }]) => {
      const touches = [...(base === null ? [] : [base]), ...patches]
      for (const { kind, version, detail } of touches) assert.equal(detail, `${kind} ${version}`)
      return `${key}: ${touches.map(({ detail }) => detail).join(', ')}`
    })
    return [stands.join('; '), ...(moves.length > 0 ? [`| ${moves.join(', ')}`] : [])].join(' ').trim()
  })
}
