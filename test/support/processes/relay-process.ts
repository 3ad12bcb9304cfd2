import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { PROGRAM, QUICK_PGLITE } from './program-path.ts'

/** The real program, as a process of its own. */
export interface RelayProcess {
  readonly child: ChildProcess
  readonly ended: Promise<RelayEnd>
}

export interface RelayEnd {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  /** Empty where standard error was handed through. */
  readonly stderr: string
}

/**
 * @param args as on the command line, `run` included
 * @param stderr `inherit` shows what the program says as it says it, its live line included
 */
export function startRelay(args: readonly string[], stderr: 'pipe' | 'inherit' = 'pipe'): RelayProcess {
  const child = spawn(process.execPath, [...QUICK_PGLITE, PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', stderr],
    env: environment(),
  })
  return { child, ended: endOf(child) }
}

async function endOf(child: ChildProcess): Promise<RelayEnd> {
  const [[exitCode, signal], stdout, stderr] = await Promise.all([
    once(child, 'close'),
    text(child.stdout!),
    child.stderr === null ? '' : text(child.stderr),
  ])
  return { exitCode, signal, stdout, stderr }
}

/** Ours, without what would configure the program or its AWS client behind our back. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS|CDC_RELAY)_/.test(name))
  return Object.fromEntries(kept)
}
