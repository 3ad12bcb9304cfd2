import { lockFile } from '../../src/state/file-lock.ts'

/** A process of its own that holds the lock file in its first argument until it is killed, and says when it has it. */
await lockFile(process.argv[2]!)
process.stdout.write('locked\n')
setInterval(() => {}, 60_000)
