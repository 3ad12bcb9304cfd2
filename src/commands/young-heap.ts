import { PerformanceObserver } from 'node:perf_hooks'
import v8 from 'node:v8'
import type { Env } from '../env.ts'

/** Of both halves of the space for young objects. */
const MOST_BYTES = 32 * 1024 * 1024
/** V8 counts what its pages hold, a little less. */
const NEARLY = 0.9

/**
 * Keeps the space for young objects of this process at 2 × 16 MB, as `--max-semi-space-size=16` on the command line of Node.js would,
 * which a program that is started by its name cannot give itself. Node.js 24 lets it grow to 2 × 64 MB, for a quarter more memory and no less
 * CPU; 2 × 8 MB saves less than it costs (bench/RESULTS.md). Node.js 22 stops at 2 × 16 MB by itself.
 *
 * The size itself V8 reads once, before it runs anything. By which factor the space grows it reads whenever the space is to grow,
 * and nowhere else: 1 is no growth. So it is looked at after each collection of garbage, for V8 makes it smaller, too.
 *
 * Does nothing where the operator gave a size.
 *
 * @returns how to stop that; the space grows again then
 */
export function limitYoungHeap(env: Env): () => void {
  const given = [...process.execArgv, env.NODE_OPTIONS ?? ''].join(' ')
  if (/semi[-_]space/.test(given)) return () => {}
  let factor = 2
  function growBy(wanted: 1 | 2): void {
    if (wanted !== factor) v8.setFlagsFromString(`--semi-space-growth-factor=${wanted}`)
    factor = wanted
  }
  const observer = new PerformanceObserver(() => growBy(youngBytes() < MOST_BYTES * NEARLY ? 2 : 1))
  observer.observe({ entryTypes: ['gc'] })
  return () => {
    observer.disconnect()
    growBy(2)
  }
}

const youngBytes = (): number =>
  v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
