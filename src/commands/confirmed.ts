import { createInterface } from 'node:readline/promises'

/** Asks where somebody can answer; elsewhere the answer is no. */
export async function isConfirmed(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} (yes/no) `, { signal })).trim())
  } finally {
    terminal.close()
  }
}
