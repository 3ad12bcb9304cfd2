/** Runs all benchmarks, each in a process of its own, one after the other. Their goals and last results: bench/RESULTS.md. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'

const PARTS = [
  { file: 'decode.ts', title: 'Decoding' },
  { file: 'apply.ts', title: 'Applying to PostgreSQL' },
  { file: 'end-to-end.ts', title: 'End to end: endpoint, relay, PostgreSQL' },
]

console.log(`Node.js ${process.version} on ${platform()} ${release()}`)
console.log(`${cpus().length} × ${cpus()[0]?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`)

for (const { file, title } of PARTS) {
  console.log(`\n${title}`)
  const part = spawn(process.execPath, [join(import.meta.dirname, file)], { stdio: 'inherit' })
  const [exitCode] = await once(part, 'exit')
  if (exitCode !== 0) process.exitCode = 1
}
