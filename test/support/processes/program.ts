import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { PROGRAM, QUICK_PGLITE } from './program-path.ts'

export interface ProgramEnd {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** The log, line by line; a line that is no JSON object stands as `{ raw }`. */
  readonly log: readonly LogLine[]
}

export type LogLine = Readonly<Record<string, unknown>>

export interface ProgramOptions {
  readonly cwd: string
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** Its source, or what is published; by default as `program-path.ts` says. */
  readonly program?: string
  /** A file that takes standard output. */
  readonly stdoutTo?: string
  /** Sees the process and its standard error as that grows. */
  readonly watch?: (child: ReturnType<typeof spawn>, stderr: string) => void
}

/** Runs the real program to its end, with nothing in its environment that would configure it behind our back. */
export async function runProgram(args: readonly string[], options: ProgramOptions): Promise<ProgramEnd> {
  const { cwd, input = '', env = {}, program = PROGRAM, stdoutTo, watch = () => {} } = options
  const file = stdoutTo === undefined ? null : openSync(stdoutTo, 'w')
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS|CDC_RELAY|PG)/.test(name))
  const child = spawn(process.execPath, [...QUICK_PGLITE, program, ...args], {
    cwd,
    env: { ...Object.fromEntries(kept), ...env },
    stdio: ['pipe', file ?? 'pipe', 'pipe'],
  })
  if (file !== null) closeSync(file)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr!.on('data', (chunk) => {
    stderr += chunk
    watch(child, stderr)
  })
  child.stdin!.on('error', () => {}) // it may end before it has read its input
  child.stdin!.end(input)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return { code, stdout, stderr, log: logLines(stderr) }
}

/** What a program said on standard error, as it stands in `ProgramEnd.log`. */
export const logLines = (stderr: string): readonly LogLine[] => stderr.trimEnd().split('\n').map(parsed)

function parsed(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return { raw: line }
  }
}
