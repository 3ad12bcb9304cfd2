import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RunAnswer, RunRequest } from './many-runs-child.ts'
import { QUICK_PGLITE } from './program-path.ts'

/**
 * Runs the real program to its end, one run after another in one process that stays: most of what a short run costs is the
 * start of its process. For runs that end by themselves, and where nothing is asked of the process itself: not when it
 * ends, not its signals, not what it leaves open.
 *
 * @param args as on the command line, `run` included
 * @throws if a run ends the process
 */
export async function runProgramAgain(
  args: readonly string[],
  { cwd = process.cwd(), env = {} }: Partial<Omit<RunRequest, 'args'>> = {},
): Promise<RunAnswer> {
  const run = last.then(() => runNext({ args, cwd, env }))
  last = run.catch(() => {})
  return run
}

let last: Promise<unknown> = Promise.resolve()
let child: ChildProcess | undefined

async function runNext(request: RunRequest): Promise<RunAnswer> {
  child ??= startChild()
  const running = child
  running.ref()
  running.channel?.ref()
  const ended = new AbortController()
  try {
    running.send(request)
    const [answer] = await Promise.race([
      once(running, 'message', { signal: ended.signal }),
      once(running, 'exit', { signal: ended.signal }).then(([code, signal]) => {
        child = undefined
        throw new Error(`The process of the program ended (${code ?? signal}) while it ran: ${request.args.join(' ')}`)
      }),
    ])
    return answer as RunAnswer
  } finally {
    ended.abort()
    // It must not keep the tests from ending; it ends when they do, for then its channel is closed.
    running.unref()
    running.channel?.unref()
  }
}

/** With nothing in its environment that would configure it behind our back. */
function startChild(): ChildProcess {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS|CDC_RELAY|PG)/.test(name))
  return fork(fileURLToPath(new URL('many-runs-child.ts', import.meta.url)), {
    env: Object.fromEntries(kept),
    execArgv: [...QUICK_PGLITE],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}
