import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { manPage } from '../../packaging/man-page.ts'
import { COMMANDS } from '../../src/commands/commands.ts'

const page = manPage(COMMANDS, '1.2.3')

test('the man page has each command with each of its options', () => {
  const plain = page.replaceAll('\\-', '-')
  for (const { name, options } of COMMANDS) {
    assert.ok(plain.includes(`.SH \\&${name.toUpperCase()}\n`), name)
    for (const option of Object.keys(options)) assert.ok(plain.includes(`.B \\&--${option}`), `${name} --${option}`)
  }
})

test('no word of an option is a request of roff', () => {
  const odd = { ...COMMANDS[0]!, epilogue: ".so /etc/passwd\n'pl 1\nC:\\new", examples: [] }
  const lines = manPage([odd], '1').split('\n')
  const requests = lines.filter((line) => /^[.']/.test(line)).map((line) => line.split(' ')[0])
  assert.deepEqual([...new Set(requests)].sort(), ['.B', '.PP', '.SH', '.SS', '.TH', '.TP', '.br'])
  assert.ok(lines.includes('\\&C:\\enew'), lines.slice(-8).join('\n'))
})

const withoutMan = spawnSync('man', ['--version']).error === undefined ? false : 'there is no man on this machine'

test('man shows it, and warns of nothing', { skip: withoutMan }, () => {
  const { stdout, stderr } = spawnSync('man', ['--warnings', '-l', '-'], {
    input: page,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '100', MAN_KEEP_FORMATTING: '' },
  })
  assert.equal(stderr, '')
  assert.match(stdout, /--until-latest/)
  assert.match(execFileSync('col', ['-b'], { input: stdout, encoding: 'utf8' }), /dead-letters replay/)
})
