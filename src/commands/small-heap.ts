import { PerformanceObserver } from 'node:perf_hooks'
import v8 from 'node:v8'
import type { Env } from '../env.ts'

/** Of both halves of the space for young objects. */
const MOST_YOUNG_BYTES = 16 * 1024 * 1024
/** V8 counts what its pages hold, a little less. */
const NEARLY = 0.9
/** By so much old objects may become more than what was alive, until V8 looks which of them are; by itself it takes up to four times as much. */
const GROWING_PERCENT = 150

/**
 * Keeps the heap of this process small, as `--max-semi-space-size=8 --heap-growing-percent=150` on the command line of Node.js would, which a program
 * that is started by its name cannot give itself: by a fifth less memory for the same CPU (bench/RESULTS.md).
 *
 * The size of the space for young objects V8 reads once, before it runs anything. By which factor that space grows it reads whenever the
 * space is to grow, and nowhere else: 1 is no growth. So it is looked at after each collection of garbage, for V8 makes it smaller, too.
 *
 * Does nothing where the operator gave such a size.
 *
 * @returns how to stop that
 */
export function keepHeapSmall(env: Env): () => void {
  const given = [...process.execArgv, env.NODE_OPTIONS ?? ''].join(' ')
  if (/semi[-_]space|heap[-_]growing/.test(given)) return () => {}
  let factor = 2
  function growBy(wanted: 1 | 2): void {
    if (wanted !== factor) v8.setFlagsFromString(`--semi-space-growth-factor=${wanted}`)
    factor = wanted
  }
  const observer = new PerformanceObserver(() => growBy(youngBytes() < MOST_YOUNG_BYTES * NEARLY ? 2 : 1))
  observer.observe({ entryTypes: ['gc'] })
  v8.setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`)
  return () => {
    observer.disconnect()
    growBy(2)
    v8.setFlagsFromString('--heap-growing-percent=0')
  }
}

const youngBytes = (): number =>
  v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
