import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCrate } from '../../../support/crate/crate.ts'
import { parse } from '../../../support/crate/grammar.ts'
import { describeStatements, type ListenedTarget } from '../dialect-batches.ts'

describeStatements('cratedb', listened, { able: ['soft'] })

/** What CrateDB's grammar lets pass, and CrateDB, or a relay that is to be fast, does not. */
const FORBIDDEN: readonly (readonly [what: string, words: RegExp])[] = [
  ['a refresh', /\bREFRESH\b/],
  ['a transaction', /^\s*(BEGIN|START|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE)\b/i],
  ['a guard behind SET', /\bDO UPDATE\b.*\bWHERE\b/s],
  ['a name with its table in SET', /\bDO UPDATE SET\b.*"\."/s],
  ['a look-up by an array', /\bANY\s*\(/],
]

async function listened(): Promise<ListenedTarget> {
  const crate = await startCrate()
  // How long the others live is told by the clock.
  const statements = () => crate.sent.filter((text) => !/"heartbeat"/.test(text) || /CREATE TABLE/.test(text))
  return {
    url: crate.url,
    statements,
    async close() {
      await crate.stop()
      for (const text of crate.sent) check(text)
    },
  }
}

function check(text: string): void {
  parse(text)
  for (const [what, words] of FORBIDDEN) assert.doesNotMatch(text, words, what)
  assert.ok(text.length < 262_144)
}

test('what is forbidden is found', () => {
  assert.throws(() => check('REFRESH TABLE "a"'), /a refresh/)
  assert.throws(() => check('INSERT INTO "a" ("b") VALUES (1) ON CONFLICT ("b") DO UPDATE SET "c" = 1 WHERE "c" < 2'))
  assert.throws(() => check('ALTER TABLE "a" ADD COLUMN IF NOT EXISTS "b" TEXT'))
})
