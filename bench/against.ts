import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Checkout, checkOut } from './checkout.ts'
import { type EndToEndResult, readResult } from './end-to-end-result.ts'
import { median } from './median.ts'

export interface AgainstOptions {
  readonly commit: string
  /** Of end-to-end.ts. */
  readonly parts: readonly string[]
  readonly rounds: number
  readonly changes: number
}

/**
 * Runs end-to-end.ts of another commit and of this checkout in turns, each in processes of its own. What else a machine does
 * falls on both: their ratio can be trusted where the figures cannot. Ctrl-C ends it, and leaves nothing behind.
 */
export async function compareAgainst({ commit, parts, rounds, changes }: AgainstOptions): Promise<void> {
  const stopping = new AbortController()
  // Stays: npm sends on what the terminal has sent already.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort())
  try {
    const other = await checkOut(commit, stopping.signal)
    try {
      for (const part of parts) {
        console.log(`\n${part}, ${changes.toLocaleString('en-US')} changes: ${other.commit} → this checkout`)
        await comparePart(other, [part, String(changes)], rounds, stopping.signal)
      }
    } finally {
      await other.remove()
    }
  } catch (error) {
    if (!stopping.signal.aborted) throw error
    process.exitCode = 130
  }
}

async function comparePart(
  other: Checkout,
  args: readonly string[],
  rounds: number,
  signal: AbortSignal,
): Promise<void> {
  const own = join(import.meta.dirname, '..')
  const endToEnd = (folder: string) => runEndToEnd(folder, args, other.temporary, signal)
  const pairs: (readonly [before: EndToEndResult, after: EndToEndResult])[] = []
  for (let round = 1; round <= rounds; round++) {
    // Whoever is second may find a warmer machine.
    const isOtherFirst = round % 2 === 1
    const folders = isOtherFirst ? [other.folder, own] : [own, other.folder]
    const [first, second] = [await endToEnd(folders[0]!), await endToEnd(folders[1]!)]
    const pair = isOtherFirst ? ([first, second] as const) : ([second, first] as const)
    pairs.push(pair)
    console.log(`  round ${round}   ${words(...pair)}`)
  }
  const cpuRatio = median(pairs.map(([before, after]) => after.cpuMicrosPerChange / before.cpuMicrosPerChange))
  const memoryRatio = median(pairs.map(([before, after]) => after.peakRssBytes / before.peakRssBytes))
  console.log(`  median    CPU per change × ${cpuRatio.toFixed(2)}   peak memory × ${memoryRatio.toFixed(2)}`)
}

async function runEndToEnd(
  folder: string,
  args: readonly string[],
  temporary: string,
  signal: AbortSignal,
): Promise<EndToEndResult> {
  signal.throwIfAborted()
  const program = spawn(process.execPath, [join(folder, 'bench/end-to-end.ts'), ...args], {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group: what the program has started ends with it.
    detached: true,
  })
  const stop = () => process.kill(-program.pid!, 'SIGTERM')
  signal.addEventListener('abort', stop)
  const [output, said, [exitCode]] = await Promise.all([
    text(program.stdout),
    text(program.stderr),
    once(program, 'close'),
  ])
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (exitCode !== 0) throw new Error(`bench/end-to-end.ts in ${folder} ended with exit code ${exitCode}:\n${said}`)
  return readResult(output)
}

const words = (before: EndToEndResult, after: EndToEndResult): string =>
  `CPU per change ${micros(before)} → ${micros(after)}, × ${(after.cpuMicrosPerChange / before.cpuMicrosPerChange).toFixed(2)}   ` +
  `peak memory ${megabytes(before)} → ${megabytes(after)}, × ${(after.peakRssBytes / before.peakRssBytes).toFixed(2)}`

const micros = ({ cpuMicrosPerChange }: EndToEndResult): string => `${cpuMicrosPerChange.toFixed(1)} µs`

const megabytes = ({ peakRssBytes }: EndToEndResult): string => `${(peakRssBytes / 1e6).toFixed(0)} MB`
