import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

const MEBIBYTE = 1024 * 1024

test('the space for young objects stays at 2 × 16 MiB; without that, or with a size of the operator, it grows beyond', async () => {
  const [limited, free, given] = await Promise.all([
    youngBytes({ isLimited: true }),
    youngBytes({ isLimited: false }),
    youngBytes({ isLimited: true, nodeOptions: '--max-semi-space-size=32' }),
  ])
  // A page or two more than it counts for, which V8 allows itself.
  assert.ok(limited > 28 * MEBIBYTE && limited < 40 * MEBIBYTE, `limited: ${limited}`)
  assert.ok(free > 60 * MEBIBYTE, `free: ${free}`)
  assert.ok(given > 56 * MEBIBYTE, `given: ${given}`)
})

/** How large the space becomes in a process that has a good part of what it makes survive, and waits now and then. */
async function youngBytes({
  isLimited,
  nodeOptions = '',
}: {
  isLimited: boolean
  nodeOptions?: string
}): Promise<number> {
  const program = `
    import { setImmediate } from 'node:timers/promises'
    import v8 from 'node:v8'
    import { limitYoungHeap } from ${JSON.stringify(new URL('../../src/commands/young-heap.ts', import.meta.url).href)}

    if (${isLimited}) limitYoungHeap(process.env)
    let kept = []
    let most = 0
    for (let turn = 0; turn < 100; turn++) {
      for (let one = 0; one < 20_000; one++) kept.push({ turn, name: 'x' + one })
      if (turn % 10 === 0) kept = []
      const { space_size } = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
      most = Math.max(most, space_size)
      await setImmediate()
    }
    console.log(most)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, NODE_OPTIONS: nodeOptions },
  })
  return Number(stdout)
}
