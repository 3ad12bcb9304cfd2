import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface NodeProcess {
  readonly child: ChildProcess
  /** What it writes to its standard output, line by line. */
  readonly lines: AsyncIterable<string>
  /** SIGKILL; resolves when it is gone. Twice is fine. */
  kill(): Promise<void>
}

export interface NodeProcessOptions {
  /** Ours by default. */
  readonly stderr?: 'inherit' | 'pipe'
  /** How large a file it may write, in blocks of 512 bytes: beyond, a write fails as on a full disk. */
  readonly maxFileBlocks?: number
}

/** Starts a module, given by its URL, in a Node.js process of its own. */
export function startNode(moduleUrl: string, args: readonly string[], options: NodeProcessOptions = {}): NodeProcess {
  const { stderr = 'inherit', maxFileBlocks } = options
  const command = [process.execPath, fileURLToPath(moduleUrl), ...args]
  const limited = ['sh', '-c', `ulimit -S -f ${maxFileBlocks} && exec "$@"`, 'sh', ...command]
  const [program, ...rest] = maxFileBlocks === undefined ? command : limited
  const child = spawn(program!, rest, { stdio: ['pipe', 'pipe', stderr] })
  const gone = once(child, 'exit')
  return {
    child,
    lines: createInterface({ input: child.stdout! }),
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
