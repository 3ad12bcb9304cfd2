import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const TOP = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, TOP), 'utf8')

/** Of the program alone: its parts, the check of a server, what it serves, and what is done around a relay. */
const PROGRAM = /^src\/(commands|check|http|operate|otel)\/|^src\/(cli|observe\/log-codes)\.ts$/
const COMMENTS = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm
/** Of the command line of others. */
const FOREIGN = /`aws [^\n]*|--help/g

test('docs/library.md says what each option is called there that a message of the library names', () => {
  const sources = globSync('src/**/*.ts', { cwd: TOP }).filter((path) => !PROGRAM.test(path))
  const named = sources.flatMap((path) =>
    [
      ...read(path)
        .replaceAll(COMMENTS, '')
        .replaceAll(FOREIGN, '')
        .matchAll(/(?<=[\s`'(])--[a-z]+(?:-[a-z]+)*/g),
    ].map(([option]) => option),
  )
  const rows = read('docs/library.md').matchAll(/^\| (`--[^|]*)\|/gm)
  const listed = [...rows].flatMap(([, options]) => [...options!.matchAll(/--[a-z-]+/g)].map(([option]) => option))
  assert.deepEqual([...new Set(listed)].sort(), [...new Set(named)].sort())
})
