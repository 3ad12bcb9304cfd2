import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { COMMANDS } from '../../src/commands/commands.ts'
import { RUN_OPTIONS } from '../../src/commands/run-options.ts'
import { runProgram } from '../support/processes/program.ts'

const missing = (shell: string): string | false =>
  spawnSync(shell, ['-c', 'exit 0']).error === undefined ? false : `there is no ${shell} on this machine`

async function script(t: TestContext, shell: string): Promise<string> {
  const { code, stdout, stderr } = await runProgram(['completion', shell], { cwd: tmpdir() })
  assert.equal(code, 0, stderr)
  const folder = mkdtempSync(join(tmpdir(), 'cdc-relay-completion-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, `completion.${shell}`)
  writeFileSync(path, stdout)
  return path
}

/** What is typed, and what must be offered, first of all; null: nothing but that. */
const CASES: readonly (readonly [words: string[], offered: string[], notOffered: string[]])[] = [
  [['cdc-relay', ''], COMMANDS.map(({ name }) => name), ['mirror']],
  [
    ['cdc-relay', 'run', '--mode', ''],
    ['mirror', 'append'],
    ['run', 'columns'],
  ],
  [['cdc-relay', 'run', '--layout', 'c'], ['columns'], ['document']],
  [['cdc-relay', 'run', '--'], Object.keys(RUN_OPTIONS).map((name) => `--${name}`), ['--of-table']],
  [
    ['cdc-relay', 'positions', ''],
    ['list', 'rewind'],
    ['replay', 'mirror'],
  ],
  [['cdc-relay', 'dead-letters', 'rep'], ['replay'], ['list']],
  [['cdc-relay', 'dead-letters', 'list', '--of'], ['--of-table'], ['--mode']],
]

function checked(offered: readonly string[], [words, expected, others]: (typeof CASES)[number]): void {
  for (const word of expected)
    assert.ok(offered.includes(word), `${word} behind "${words.join(' ')}": ${offered.join(' ')}`)
  for (const word of others) assert.ok(!offered.includes(word), `${word} behind "${words.join(' ')}"`)
}

test('bash completes commands, words, options and values', { skip: missing('bash') }, async (t) => {
  const path = await script(t, 'bash')
  for (const one of CASES) {
    const words = one[0].map((word) => `'${word}'`).join(' ')
    const asks = `source '${path}'; COMP_WORDS=(${words}); COMP_CWORD=${one[0].length - 1}; _cdc_relay; printf '%s\\n' "\${COMPREPLY[@]}"`
    checked(execFileSync('bash', ['--norc', '-c', asks], { encoding: 'utf8' }).split('\n'), one)
  }
})

test('fish completes the same, and says what each is', { skip: missing('fish') }, async (t) => {
  const path = await script(t, 'fish')
  for (const one of CASES) {
    const asks = `source ${path}; complete -C '${one[0].join(' ')}'`
    const lines = execFileSync('fish', ['--no-config', '-c', asks], { encoding: 'utf8' }).split('\n')
    checked(
      lines.map((line) => line.split('\t')[0]!),
      one,
    )
  }
  const asks = `source ${path}; complete -C 'cdc-relay run --drain'`
  assert.match(
    execFileSync('fish', ['--no-config', '-c', asks], { encoding: 'utf8' }),
    /--drain-timeout\thow long a stop/,
  )
})

test('zsh can read what it is given, and is told the same', { skip: missing('zsh') }, async (t) => {
  const path = await script(t, 'zsh')
  execFileSync('zsh', ['-n', path])
  const asked = (words: readonly string[]): string => {
    const stubs = 'compdef() {}; _arguments() { print -rl -- "$@" }; _describe() { print -rl -- $commands };'
    const quoted = words.map((word) => `'${word}'`).join(' ')
    const asks = `${stubs} source '${path}'; words=(${quoted}); CURRENT=${words.length}; _cdc-relay`
    return execFileSync('zsh', ['-f', '-c', asks], { encoding: 'utf8' })
  }
  assert.match(asked(['cdc-relay', '']), /^run:Read a stream/m)
  assert.match(asked(['cdc-relay', 'run', '--mode', '']), /^--mode\[.*\]:mode:\(mirror append\)$/m)
  assert.match(asked(['cdc-relay', 'run', '--config', '']), /^--config\[.*\]:config:_files$/m)
  assert.match(asked(['cdc-relay', 'run', '']), /^\*--include\[/m)
  assert.match(asked(['cdc-relay', 'positions', '']), /^1:what:\(list set rewind forget export import\)$/m)
})

test('another shell is refused', async () => {
  const { code, stderr } = await runProgram(['completion', 'csh'], { cwd: tmpdir() })
  assert.equal(code, 2)
  assert.match(stderr, /completion bash\|zsh\|fish`: name the shell/)
})
