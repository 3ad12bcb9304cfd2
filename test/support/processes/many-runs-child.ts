import { main } from '../../../src/cli.ts'

/** What the process is asked to run; see `many-runs.ts`. */
export interface RunRequest {
  /** As on the command line. */
  readonly args: readonly string[]
  readonly cwd: string
  /** Beside what was there when the process began. */
  readonly env: Readonly<Record<string, string>>
}

/** What it answers. */
export interface RunAnswer {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const ownEnvironment = { ...process.env }
// Each run listens to them for as long as a process lives, which is that run alone in the field.
for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0)

process.on('message', async ({ args, cwd, env }: RunRequest) => {
  process.chdir(cwd)
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, ownEnvironment, env)
  process.exitCode = 0
  const written = { stdout: '', stderr: '' }
  const give = (name: 'stdout' | 'stderr') => {
    process[name].write = ((text: string | Uint8Array, ...rest: unknown[]) => {
      written[name] += typeof text === 'string' ? text : Buffer.from(text).toString('utf8')
      const done = rest.find((one) => typeof one === 'function')
      if (done !== undefined) process.nextTick(done as () => void)
      return true
    }) as typeof process.stdout.write
  }
  give('stdout')
  give('stderr')
  await main(args)
  const answer: RunAnswer = { exitCode: Number(process.exitCode), ...written }
  process.send!(answer)
})
