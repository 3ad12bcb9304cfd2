/** Runs all benchmarks, each in a process of its own, one after the other. Their goals and last results: bench/RESULTS.md. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus, platform, release, totalmem } from 'node:os'

const PARTS = [
  { title: 'Decoding', args: ['decode.ts'] },
  { title: 'Decoding DMS', args: ['decode-dms.ts'] },
  { title: 'Applying to PostgreSQL', args: ['apply.ts'] },
  { title: 'Applying DMS to PostgreSQL, into columns', args: ['apply-dms.ts'] },
  { title: 'Applying to PostgreSQL what columns refuse', args: ['refused-values.ts'] },
  { title: 'Applying to stand-ins for Greenplum', args: ['apply-greenplum.ts'] },
  { title: 'Applying to a stand-in for CrateDB', args: ['apply-crate.ts'] },
  { title: 'Applying through GPSS', args: ['gpss.ts'] },
  { title: 'End to end: endpoint, relay, PostgreSQL', args: ['end-to-end.ts', 'dynamodb'] },
  { title: 'End to end, DMS: endpoint, relay, PostgreSQL', args: ['end-to-end.ts', 'dms'] },
  { title: 'End to end, GPSS: endpoint, relay, GPSS test server', args: ['end-to-end.ts', 'gpss'] },
  { title: 'From PutRecord to the row, 20 changes a second', args: ['latency.ts', 'latency'] },
  { title: 'A relay with nothing to do, four shards', args: ['latency.ts', 'idle'] },
]

console.log(`Node.js ${process.version} on ${platform()} ${release()}`)
console.log(`${cpus().length} × ${cpus()[0]?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`)

for (const { title, args } of PARTS) {
  console.log(`\n${title}`)
  const part = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: 'inherit' })
  const [exitCode] = await once(part, 'exit')
  if (exitCode !== 0) process.exitCode = 1
}
