import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/databases/', import.meta.url))

/**
 * Fills a folder with a database as it is when it was just made. Making one takes a second or more, and each test file
 * has its own: so the first one is kept beside the packages, and copied.
 *
 * @param name of the kept one: the program that makes it, with its version
 * @param make makes the database in the folder, and closes it
 */
export async function fillFolder(folder: string, name: string, make: () => Promise<void>): Promise<void> {
  const template = `${CACHE}${name.replaceAll(/[^\w.-]+/g, '-')}`
  if (existsSync(template)) {
    cpSync(template, folder, { recursive: true })
    return
  }
  await make()
  mkdirSync(CACHE, { recursive: true })
  const copy = mkdtempSync(`${template}-`)
  cpSync(folder, copy, { recursive: true })
  try {
    renameSync(copy, template)
  } catch (error) {
    // Another test file was faster.
    if (!existsSync(template)) throw error
    rmSync(copy, { recursive: true })
  }
}
