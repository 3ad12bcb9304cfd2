import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

const MEBIBYTE = 1024 * 1024

test('the heap stays small; without that, or with a size of the operator, it grows beyond', async () => {
  const given = await heapOf({ isSmall: true, nodeOptions: '--max-semi-space-size=32' })
  const small: Heap[] = []
  const free: Heap[] = []
  // When V8 collects old objects depends on what else the machine does: of several runs each side has its best.
  for (let run = 0; run < 3; run++) {
    small.push(await heapOf({ isSmall: true }))
    free.push(await heapOf({ isSmall: false }))
  }
  // A page or two more than it counts for, which V8 allows itself.
  for (const { young } of small) assert.ok(young > 12 * MEBIBYTE && young < 28 * MEBIBYTE, `small: ${young}`)
  for (const { young } of free) assert.ok(young > 60 * MEBIBYTE, `free: ${young}`)
  assert.ok(given.young > 56 * MEBIBYTE, `given: ${given.young}`)
  const [least, most] = [Math.min(...small.map(({ old }) => old)), Math.max(...free.map(({ old }) => old))]
  assert.ok(least < most * 0.85, `old objects: ${least} and ${most}`)
})

interface Heap {
  readonly young: number
  readonly old: number
}

/** How large the spaces for young and old objects become in a process that has a good part of what it makes survive, and waits now and then. */
async function heapOf({ isSmall, nodeOptions = '' }: { isSmall: boolean; nodeOptions?: string }): Promise<Heap> {
  const program = `
    import { setImmediate } from 'node:timers/promises'
    import v8 from 'node:v8'
    import { keepHeapSmall } from ${JSON.stringify(new URL('../../src/commands/small-heap.ts', import.meta.url).href)}

    if (${isSmall}) keepHeapSmall(process.env)
    const sizeOf = (space) => v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === space).space_size
    const kept = []
    let young = 0
    let old = 0
    for (let turn = 0; turn < 200; turn++) {
      // Each lives for ten turns, and becomes old.
      for (let one = 0; one < 20_000; one++) kept[((turn % 10) * 20_000) + one] = { turn, name: 'x' + one }
      young = Math.max(young, sizeOf('new_space'))
      old = Math.max(old, sizeOf('old_space'))
      await setImmediate()
    }
    console.log(JSON.stringify({ young, old }))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, NODE_OPTIONS: nodeOptions },
  })
  return JSON.parse(stdout)
}
