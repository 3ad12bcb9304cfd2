import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { PROGRAM } from '../support/processes/program-path.ts'

const TOP = join(import.meta.dirname, '../..')

/** The blocks of a page that are to be copied, in their order. */
const blocksOf = (page: string): string[] => [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!)

test('the commands of docs/getting-started.md do what the page says', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-start-'))
  t.after(() => rmSync(folder, { recursive: true }))
  // As `npm install` would leave it.
  symlinkSync(join(TOP, 'node_modules'), join(folder, 'node_modules'))
  mkdirSync(join(folder, 'bin'))
  const npx = join(folder, 'bin/npx')
  writeFileSync(npx, `#!/bin/sh\n[ "$1" = cdc-relay ] && shift && exec '${process.execPath}' '${PROGRAM}' "$@"\n`)
  chmodSync(npx, 0o755)
  symlinkSync(process.execPath, join(folder, 'bin/node'))
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` }
  const run = (block: string): string => {
    const { status, stdout, stderr } = spawnSync('sh', ['-e', '-c', block], { cwd: folder, env, encoding: 'utf8' })
    assert.equal(status, 0, `${block}\n${stderr}`)
    return stdout
  }
  const blocks = blocksOf(readFileSync(join(TOP, 'docs/getting-started.md'), 'utf8'))
  const [, dryRun, firstRun, rows, later, status, ...more] = blocks.map(run)
  assert.deepEqual(more, [])
  assert.match(dryRun!, /nothing was written[\s\S]*CREATE TABLE "public"\."orders"/)
  const { read, applied, superseded } = JSON.parse(firstRun!) as Record<string, number>
  assert.deepEqual([read, applied, superseded], [3, 2, 1])
  assert.match(rows!, /id: 'a', total: '24\.90?'[\s\S]*id: 'b', total: '12345678901234567890\.12'/)
  const [summary, ...left] = later!.split('\n')
  const second = JSON.parse(summary!) as Record<string, number>
  assert.deepEqual([second.read, second.applied, second.superseded], [2, 1, 1])
  assert.match(left.join(''), /id: 'a', total: '24\.90?'/)
  assert.doesNotMatch(left.join(''), /id: 'b'/)
  assert.match(status!, /"shard":"file"|"shards"/)
})

test('docs/README.md lists every page', () => {
  const index = readFileSync(join(TOP, 'docs/README.md'), 'utf8')
  const pages = globSync('docs/*.md', { cwd: TOP }).map((path) => basename(path))
  assert.deepEqual(
    pages.filter((page) => page !== 'README.md' && !index.includes(`](${page})`)),
    [],
  )
})

test('each command of the help has a line in the README', () => {
  const help = execFileSync(process.execPath, [PROGRAM, '--help'], { encoding: 'utf8' })
  const names = [...help.matchAll(/^ {2}cdc-relay ([a-z-]+) /gm)].map(([, name]) => name!)
  const readme = readFileSync(join(TOP, 'README.md'), 'utf8')
  assert.ok(names.length > 5, help)
  assert.deepEqual(
    names.filter((name) => name !== 'help' && !readme.includes(`cdc-relay ${name}`)),
    [],
  )
})
