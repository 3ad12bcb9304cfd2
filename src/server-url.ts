import { accessSync, constants } from 'node:fs'
import { RelayError } from './errors.ts'
import { nearest, suggestion } from './nearest.ts'

/** What a URL begins with, in small letters; null if it has no scheme. */
export const schemeOf = (url: string): string | null => /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? null

/**
 * What is wrong with the URL of a server; null if nothing.
 * @param read throws what it has against the URL as a RelayError
 * @param files parameters that name files: those that are not there are named, too
 */
export function addressProblem(url: string, read: () => unknown, files: readonly string[]): string | null {
  try {
    read()
  } catch (error) {
    if (!(error instanceof RelayError)) throw error
    return `is refused. ${error.detail}`
  }
  return fileProblems(url, files).join('; ') || null
}

/**
 * What makes a URL of a server mean something else than was meant; null if nothing. Behind an unescaped / ? # or @ of a
 * password the rest of it would be taken for the host, its port or a path, so nothing of the URL is quoted here.
 */
export function misreading(url: string): string | null {
  const [, authority = '', rest = ''] = /^[^:]*:\/\/([^/?#]*)(.*)$/s.exec(url) ?? []
  const isBroken = rest.includes('@') || authority.split('@').length > 2 || rest.includes('#')
  if (!isBroken) return null
  const where = rest.includes('@')
    ? 'has an @ behind its host'
    : rest.includes('#')
      ? 'has a # in it'
      : 'has two @ in front of its host'
  return `${where}: write / ? # @ in a password as %2F %3F %23 %40, and % as %25, or leave the password out of the URL`
}

/**
 * Parameters that are unknown or given twice. Where a password stands among them, an unescaped & of it makes the rest of it look
 * like a parameter, so no other one is named then.
 *
 * @param known all there are
 */
export function parameterProblems(parameters: URLSearchParams, known: readonly string[]): string[] {
  const names = [...new Set(parameters.keys())]
  const unknown = names.filter((name) => !known.includes(name))
  const twice = names.filter((name) => known.includes(name) && parameters.getAll(name).length > 1)
  return [...unknownProblems(unknown, names.some(isPassword), known), ...twice.map((name) => `${name} is given twice`)]
}

function unknownProblems(unknown: readonly string[], hasPassword: boolean, known: readonly string[]): string[] {
  const shown = unknown.filter((name) => !hasPassword || isPassword(name))
  const hidden = 'a parameter beside the password is not known (write & in a password as %26)'
  const problems = [
    ...shown.map((name) => `the parameter ${JSON.stringify(name)} is not known${suggestion(name, known)}`),
    ...(shown.length < unknown.length ? [hidden] : []),
  ]
  return problems.map((problem, at) => (at === 0 ? `${problem}; there are ${known.join(', ')}` : problem))
}

/** Misspelt, too. */
const isPassword = (name: string): boolean => nearest(name, ['password']) !== null

/** What is wrong with the path of a `file:`, `jsonl:` or `pglite:`, which take no parameters; null if nothing. */
export function pathProblem(path: string): string | null {
  const [, name] = /\?([\w-]+)=/.exec(path) ?? []
  return name === undefined ? null : `takes a path and no parameters, so ?${name}=… would become a part of the name`
}

/** Files that a URL names and that cannot be read now. */
function fileProblems(url: string, names: readonly string[]): string[] {
  const parameters = URL.parse(url)?.searchParams
  return names.flatMap((name) => {
    const path = parameters?.get(name)
    if (!path) return []
    try {
      accessSync(path, constants.R_OK)
      return []
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      return [`names a file that cannot be read: ${name}=${path} (${code === 'ENOENT' ? 'there is none' : code})`]
    }
  })
}
