import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

const MEBIBYTE = 1024 * 1024

test('the heap stays small; without that, or with a size of the operator, it grows beyond', async () => {
  const [small, free, given] = await Promise.all([
    heapOf({ isSmall: true }),
    heapOf({ isSmall: false }),
    heapOf({ isSmall: true, nodeOptions: '--max-semi-space-size=32' }),
  ])
  // A page or two more than it counts for, which V8 allows itself.
  assert.ok(small.young > 12 * MEBIBYTE && small.young < 28 * MEBIBYTE, `small: ${small.young}`)
  assert.ok(free.young > 60 * MEBIBYTE, `free: ${free.young}`)
  assert.ok(given.young > 56 * MEBIBYTE, `given: ${given.young}`)
  assert.ok(small.old < free.old * 0.85, `old objects: ${small.old} and ${free.old}`)
})

/** How large the spaces for young and old objects become in a process that has a good part of what it makes survive, and waits now and then. */
async function heapOf({
  isSmall,
  nodeOptions = '',
}: {
  isSmall: boolean
  nodeOptions?: string
}): Promise<{ readonly young: number; readonly old: number }> {
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
