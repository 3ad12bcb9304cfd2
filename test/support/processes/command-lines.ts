import { main } from '../../../src/cli.ts'

/**
 * Plays command lines (JSON, a list of lists) one after another in one process, for those that are refused before anything begins:
 * a process for each costs most of what it does. Each ends with its exit code between NULs, on both outputs.
 */
for (const args of JSON.parse(process.argv[2]!) as readonly (readonly string[])[]) {
  process.exitCode = 0
  await main(args)
  for (const output of [process.stdout, process.stderr]) output.write(`\0${process.exitCode}\0`)
}
process.exitCode = 0
