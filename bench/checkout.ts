import { execFile } from 'node:child_process'
import { chmod, lstat, mkdir, mkdtemp, readFile, rm, symlink, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Another commit of this repository, in a folder of its own outside of it. */
export interface Checkout {
  /** As git abbreviates it. */
  readonly commit: string
  readonly folder: string
  /** Removed with it: what a benchmark leaves behind that is stopped in its middle. */
  readonly temporary: string
  remove(): Promise<void>
}

const run = promisify(execFile)
const OWN_FOLDER = join(import.meta.dirname, '..')

/** Its packages are those of this checkout where both lock the same, else they are installed. @throws what git or npm say */
export async function checkOut(commit: string, signal: AbortSignal): Promise<Checkout> {
  const { stdout } = await run('git', ['rev-parse', '--short', '--verify', `${commit}^{commit}`], { cwd: OWN_FOLDER })
  const home = await mkdtemp(join(tmpdir(), 'cdc-relay-against-'))
  const folder = join(home, 'checkout')
  const temporary = join(home, 'tmp')
  const packages = join(folder, 'node_modules')
  const remove = async () => {
    // Not to be followed: it may be the folder of this checkout.
    if ((await lstat(packages).catch(() => null))?.isSymbolicLink()) await unlink(packages)
    await rm(home, { recursive: true, force: true, maxRetries: 10 })
    await run('git', ['worktree', 'prune'], { cwd: OWN_FOLDER })
  }
  try {
    // PostgreSQL of the benchmarks may run as another user.
    await chmod(home, 0o755)
    await mkdir(temporary, { mode: 0o1777 })
    await run('git', ['worktree', 'add', '--quiet', '--detach', folder, stdout.trim()], { cwd: OWN_FOLDER, signal })
    if (await locksTheSame(folder)) await symlink(join(OWN_FOLDER, 'node_modules'), packages)
    else await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, signal })
    return { commit: stdout.trim(), folder, temporary, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function locksTheSame(folder: string): Promise<boolean> {
  const [own, other] = await Promise.all(
    [OWN_FOLDER, folder].map((place) => readFile(join(place, 'package-lock.json'), 'utf8')),
  )
  return own === other
}
