import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '../../src/check/finding.ts'
import { type Report, reportAsJson, reportAsLines, reportAsTable } from '../../src/check/report.ts'

const FINDINGS: readonly Finding[] = [
  {
    id: 'C-02',
    what: 'ROLLBACK',
    expected: 'syntax error',
    found: 'syntax error (42601)',
    decides: 'the relay never sends ROLLBACK',
    verdict: 'as expected',
    consequence: null,
  },
  {
    id: 'C-20',
    what: 'insert RETURNING _seq_no, _primary_term; DELETE with both, twice',
    expected: 'DELETE 1, DELETE 0',
    found: 'DELETE 1, DELETE 1',
    decides: 'compare-and-set by the tokens of a row',
    verdict: 'differs',
    consequence: 'It must not be written to.',
  },
  {
    id: 'C-31',
    what: 'a long text',
    expected: 'kept?',
    found: 'kept',
    decides: 'documents with long texts',
    verdict: 'open',
    consequence: null,
  },
]

const REPORT: Report = {
  url: 'crate://crate@db:5432/doc',
  server: { kind: 'CrateDB', version: '6.1.2' },
  findings: FINDINGS,
  leftBehind: null,
}

test('the table for people', () => {
  assert.equal(reportAsTable(REPORT, 100), GOLDEN)
})

test('lines where nobody watches: one for each check, then what differs', () => {
  assert.equal(
    reportAsLines({ ...REPORT, url: 'greenplum://app@db/w', leftBehind: 'Remove the schema x by hand.' }),
    `CrateDB 6.1.2 at greenplum://app@db/w (the URL says greenplum:)
C-02 · as expected · ROLLBACK · expected: syntax error · found: syntax error (42601) · decides: the relay never sends ROLLBACK
C-20 · differs · insert RETURNING _seq_no, _primary_term; DELETE with both, twice · expected: DELETE 1, DELETE 0 · found: DELETE 1, DELETE 1 · decides: compare-and-set by the tokens of a row
C-31 · open · a long text · expected: kept? · found: kept · decides: documents with long texts
C-20 differs: DELETE 1, DELETE 1. It must not be written to.
1 as expected · 1 differs · 1 open · 0 not permitted
Remove the schema x by hand.
`,
  )
})

test('JSON for machines holds all of it', () => {
  assert.deepEqual(JSON.parse(reportAsJson(REPORT)), {
    url: 'crate://crate@db:5432/doc',
    server: 'CrateDB',
    version: '6.1.2',
    summary: { 'as expected': 1, differs: 1, open: 1, 'not permitted': 0 },
    leftBehind: null,
    checks: FINDINGS,
  })
})

const GOLDEN = `CrateDB 6.1.2 at crate://crate@db:5432/doc
┌────────┬─────────────────────┬─────────────────┬───────────────────────┬────────────────────────┐
│ id     │ what is done        │ expected        │ found                 │ what it decides        │
├────────┼─────────────────────┼─────────────────┼───────────────────────┼────────────────────────┤
│ C-02   │ ROLLBACK            │ syntax error    │ syntax error (42601)  │ the relay never sends  │
│        │                     │                 │                       │ ROLLBACK               │
├────────┼─────────────────────┼─────────────────┼───────────────────────┼────────────────────────┤
│ C-20   │ insert RETURNING    │ DELETE 1,       │ DIFFERS: DELETE 1,    │ compare-and-set by the │
│        │ _seq_no,            │ DELETE 0        │ DELETE 1              │ tokens of a row        │
│        │ _primary_term;      │                 │                       │                        │
│        │ DELETE with both,   │                 │                       │                        │
│        │ twice               │                 │                       │                        │
├────────┼─────────────────────┼─────────────────┼───────────────────────┼────────────────────────┤
│ C-31   │ a long text         │ kept?           │ open: found kept      │ documents with long    │
│        │                     │                 │                       │ texts                  │
└────────┴─────────────────────┴─────────────────┴───────────────────────┴────────────────────────┘
C-20 differs: DELETE 1, DELETE 1. It must not be written to.
1 as expected · 1 differs · 1 open · 0 not permitted
`
