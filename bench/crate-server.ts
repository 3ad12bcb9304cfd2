/**
 * The stand-in for CrateDB as a process of its own, so that what a client costs can be measured without it. Prints its URL
 * on one line when it is ready, and ends when its standard input does.
 */
import { once } from 'node:events'
import { startCrate } from '../test/support/crate/crate.ts'

const crate = await startCrate()
console.log(crate.url)
process.stdin.resume()
await once(process.stdin, 'end')
await crate.stop()
