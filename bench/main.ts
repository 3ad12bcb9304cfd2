/**
 * Runs all benchmarks, each in a process of its own, one after the other. Their goals and last results: bench/RESULTS.md.
 * With `--against COMMIT` it compares that commit with this checkout, end to end:
 *
 *   npm run bench -- --against COMMIT [--rounds 3] [--changes 200000] [dynamodb|dms|gpss …]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus, platform, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { compareAgainst } from './against.ts'

const PARTS = [
  { title: 'Decoding', args: ['decode.ts'] },
  { title: 'Decoding DMS', args: ['decode-dms.ts'] },
  { title: 'Applying to PostgreSQL', args: ['apply.ts'] },
  { title: 'Applying DMS to PostgreSQL, into columns', args: ['apply-dms.ts'] },
  { title: 'Applying to PostgreSQL what columns refuse', args: ['refused-values.ts'] },
  { title: 'Applying to stand-ins for Greenplum', args: ['apply-greenplum.ts'] },
  { title: 'Applying to a stand-in for CrateDB', args: ['apply-crate.ts'] },
  { title: 'Applying through GPSS', args: ['gpss.ts'] },
  { title: 'Starting: the published program up to its first read', args: ['start.ts'] },
  { title: 'End to end: endpoint, relay, PostgreSQL', args: ['end-to-end.ts', 'dynamodb'] },
  { title: 'End to end, DMS: endpoint, relay, PostgreSQL', args: ['end-to-end.ts', 'dms'] },
  { title: 'End to end, GPSS: endpoint, relay, GPSS test server', args: ['end-to-end.ts', 'gpss'] },
  { title: 'End to end, with --http and a scrape a second against without', args: ['http.ts'] },
  { title: 'From PutRecord to the row, 20 changes a second', args: ['latency.ts', 'latency'] },
  { title: 'A relay with nothing to do, four shards', args: ['latency.ts', 'idle'] },
]

const { values, positionals } = parseArgs({
  options: {
    against: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    changes: { type: 'string', default: '200000' },
  },
  allowPositionals: true,
})

console.log(`Node.js ${process.version} on ${platform()} ${release()}`)
console.log(`${cpus().length} × ${cpus()[0]?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`)

if (values.against === undefined) await runAll()
else {
  await compareAgainst({
    commit: values.against,
    parts: positionals.length > 0 ? positionals : ['dynamodb', 'dms'],
    rounds: Number(values.rounds),
    changes: Number(values.changes),
  })
}

async function runAll(): Promise<void> {
  for (const { title, args } of PARTS) {
    console.log(`\n${title}`)
    const part = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: 'inherit' })
    const [exitCode] = await once(part, 'exit')
    if (exitCode !== 0) process.exitCode = 1
  }
}
