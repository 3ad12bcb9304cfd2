import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'

/** Asks where somebody can answer; elsewhere the answer is no. */
export async function isConfirmed(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  // Not as a terminal of its own: a Ctrl+C is then a signal as any other.
  const terminal = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
  const ended = once(terminal, 'close').then(() => '')
  try {
    const answer = await Promise.race([terminal.question(`${question} (yes/no) `, { signal }), ended])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}
