import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

interface Timed {
  readonly name: string
  readonly ms: number
}

const SHOWN = 15

/** A reporter for `node --test`, beside another one: at the end, how many tests ran, and which took longest. */
export default async function* slowest(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files: Timed[] = []
  const tests: Timed[] = []
  for await (const { type, data } of events) {
    if ((type === 'test:pass' || type === 'test:fail') && data.details.type !== 'suite') {
      tests.push({ name: `${data.name} (${fileName(data.file)})`, ms: data.details.duration_ms })
    }
    if (type !== 'test:summary') continue
    if (data.file !== undefined) files.push({ name: fileName(data.file), ms: data.duration_ms })
    else {
      const { passed, skipped } = data.counts
      yield `\n${data.counts.tests} tests in ${files.length} files: ${passed} passed, ${skipped} skipped, in ${seconds(data.duration_ms)} s\n`
    }
  }
  yield listed('Slowest files', files)
  yield listed('Slowest tests', tests)
}

const fileName = (file: string | undefined): string => (file === undefined ? '' : relative(process.cwd(), file))

const seconds = (ms: number): string => (ms / 1000).toFixed(1)

function listed(title: string, timed: readonly Timed[]): string {
  const longest = timed.toSorted((one, other) => other.ms - one.ms).slice(0, SHOWN)
  return `${title}, in seconds:\n${longest.map(({ name, ms }) => `${seconds(ms).padStart(7)}  ${name}\n`).join('')}`
}
