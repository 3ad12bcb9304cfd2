/** Makes docs/errors.md of the tables in src/errors.ts: `npm run docs:errors`. */
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { EXIT_CODES, FAILURES } from '../../src/errors.ts'

const PAGE = new URL('../../docs/errors.md', import.meta.url)

const RETRIES = {
  always: 'yes, for as long as it takes',
  'once it worked': 'once it has worked in this run',
  'a few times': 'six times',
  never: 'no',
} as const

/** Exit code 3 is of what becomes a dead letter unless the operator wants to stop. */
const exitText = (exit: number): string => (exit === 3 ? '3, or a dead letter' : String(exit))

const rowOf = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

export function errorsPage(): string {
  const failures = Object.entries(FAILURES).map(([code, { means, help, exit, retry }]) =>
    rowOf([`\`${code}\``, means, help, exitText(exit), RETRIES[retry]]),
  )
  const exits = Object.entries(EXIT_CODES).map(([exit, meaning]) => rowOf([exit, meaning]))
  return `${[
    '# Error codes',
    '',
    'Made from `src/errors.ts` by `npm run docs:errors`.',
    '',
    'Each message of the log that ends a run, and each dead letter, begins with a code and says where it happened: stream, shard, sequence',
    'number, table, batch. What is tried again is waited for with growing pauses and said at a falling rate. Whatever the code, nothing is',
    'lost: positions stand in front of what is not written. A code with exit code 3 ends the relay with `--on-error stop` only; else the record',
    'or row is kept as a dead letter of this code, and the stream goes on.',
    '',
    rowOf(['code', 'what happened', 'what to do', 'exit code', 'tried again']),
    rowOf(['---', '---', '---', '---', '---']),
    ...failures,
    '',
    '## Exit codes',
    '',
    rowOf(['exit code', 'meaning']),
    rowOf(['---', '---']),
    ...exits,
    '',
    '129, 130 and 143: left at once by a second SIGHUP, SIGINT or SIGTERM; nothing is lost then either. `cdc-relay check` has 1 for a server that differs from what',
    'the relay was built for ([checking a target](check.md)).',
  ].join('\n')}\n`
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(PAGE, errorsPage())
}
