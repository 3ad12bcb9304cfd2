/**
 * The GPSS test server as a process of its own, so that what a client costs can be measured without it. Prints
 * `{"host":…,"port":…}` on one line when it is ready, and ends when its standard input does.
 */
import { once } from 'node:events'
import { startGpss } from '../test/support/gpss/server.ts'

const gpss = await startGpss()
console.log(JSON.stringify({ host: gpss.host, port: gpss.port }))
process.stdin.resume()
await once(process.stdin, 'end')
await gpss.stop()
