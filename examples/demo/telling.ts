import { styleText } from 'node:util'
import { createLogUpdate } from 'log-update'

/** What the demo prints: lines of at most 80 columns on standard output, and a live line on a terminal. */
const live = createLogUpdate(process.stderr)

export function title(text: string): void {
  console.log(`\n${styleText('bold', text)}`)
}

export function chapter(number: number, text: string): void {
  console.log(`\n${styleText('bold', `${number}  ${text}`)}`)
}

export function tell(...lines: readonly string[]): void {
  for (const line of lines) console.log(`   ${line}`)
}

/** A command as it could be typed, one option a line. */
export function command(name: string, options: readonly (readonly string[])[]): void {
  tell(styleText('cyan', `$ ${[name, ...options.map((option) => option.join(' '))].join(' \\\n       ')}`))
}

/** What a comparison showed. */
export interface Shown {
  readonly differences: number
  /** How much would differ in a mirror that takes no care. */
  readonly naivelyWrong: number
  /** What else there must be for a mirror that is right to mean something: what went wrong with it, if it did. */
  readonly flaw?: string | null
}

/** Says whether all is well, and returns it. */
export function verdict(shown: Shown): boolean {
  const complaint = complaintAbout(shown)
  if (complaint === null) console.log(`\n${styleText('green', '✔  The mirror is right.')}`)
  else console.log(`\n${styleText('red', `✘  ${complaint}`)}`)
  return complaint === null
}

function complaintAbout({ differences, naivelyWrong, flaw = null }: Shown): string | null {
  if (differences > 0) return 'The mirror is wrong. This is a bug: please report it, with the seed.'
  if (naivelyWrong === 0) return 'Nothing was shown: a mirror without any care is right, too.'
  return flaw === null ? null : `Nothing was shown: ${flaw}.`
}

/** Shows a line that changes; nothing without a terminal. */
function showLive(text: string): void {
  if (process.stderr.isTTY) live(`   ${text}`)
}

export function endLive(): void {
  if (!process.stderr.isTTY) return
  live.clear()
  live.done()
}

export const count = (value: number): string => value.toLocaleString('en-US')
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** Hands on, and shows how many it was so far. */
export function* withProgress<T>(records: Iterable<T>): Generator<T> {
  let done = 0
  for (const record of records) {
    if (++done % 5_000 === 0) showLive(`${count(done)} records`)
    yield record
  }
}
