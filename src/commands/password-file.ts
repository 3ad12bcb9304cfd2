import { accessSync, constants } from 'node:fs'
import { fileTrouble } from '../file-trouble.ts'
import { holdsPassword } from '../mask.ts'

/** What is wrong with `--sink-password-file`; null if nothing. */
export function passwordFileProblem(path: string, sink: unknown): string | null {
  if (typeof sink === 'string' && holdsPassword(sink)) return 'and a password in --sink exclude each other'
  try {
    accessSync(path, constants.R_OK)
    return null
  } catch (error) {
    return `${path} cannot be read: ${fileTrouble(error)}`
  }
}
