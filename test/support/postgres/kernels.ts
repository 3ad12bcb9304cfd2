import { spawnSync } from 'node:child_process'
import { closeSync, copyFileSync, openSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { tryLock } from 'fs-native-extensions'

/**
 * The module that names the programs of an older PostgreSQL. These servers take 200 MB, and only some tests need them:
 * they are a package of their own, `../kernels`, which is installed here when a test first asks for one.
 *
 * @throws if they cannot be installed: tests that need them then fail, they are not skipped
 */
export function kernelEntry(version: string): string {
  install()
  return createRequire(new URL('package.json', FOLDER)).resolve(`postgres-${version}`)
}

const FOLDER = new URL('../kernels/', import.meta.url)
const LOCK_FILE = new URL('package-lock.json', FOLDER)
/** A copy of the lock file, made when all that it names was installed. */
const INSTALLED = new URL('node_modules/installed.json', FOLDER)

const RETRY_MS = 100

/** Test files run side by side: the first one that comes installs, the others wait for it. */
function install(): void {
  if (isInstalled()) return
  const file = openSync(LOCK_FILE, 'r+')
  try {
    while (!tryLock(file)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    if (isInstalled()) return
    console.error('Installing the older PostgreSQL servers of test/support/kernels: 200 MB, once …')
    const folder = fileURLToPath(FOLDER)
    const npm = spawnSync('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'], {
      cwd: folder,
      encoding: 'utf8',
    })
    if (npm.status !== 0) {
      const said = npm.error?.message ?? `${npm.stdout}${npm.stderr}`
      throw new Error(
        `These tests need the older PostgreSQL servers of test/support/kernels, which could not be installed. Try \`npm ci --prefix test/support/kernels\`. npm said: ${said}`,
      )
    }
    copyFileSync(LOCK_FILE, INSTALLED)
  } finally {
    closeSync(file)
  }
}

function isInstalled(): boolean {
  try {
    return readFileSync(INSTALLED, 'utf8') === readFileSync(LOCK_FILE, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
