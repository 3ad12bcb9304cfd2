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

/** A command as it could be typed, one line each. */
export function command(...lines: readonly string[]): void {
  tell(styleText('cyan', `$ ${lines.join(' \\\n       ')}`))
}

export function verdict(isGood: boolean, text: string): void {
  console.log(`\n${styleText(isGood ? 'green' : 'red', `${isGood ? '✔' : '✘'}  ${text}`)}\n`)
}

/** Shows a line that changes; nothing without a terminal. */
export function showLive(text: string): void {
  if (process.stderr.isTTY) live(`   ${text}`)
}

export function endLive(): void {
  if (!process.stderr.isTTY) return
  live.clear()
  live.done()
}

export const count = (value: number): string => value.toLocaleString('en-US')
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
