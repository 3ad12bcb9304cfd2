/**
 * A relay for a test that kills it: `URL FOLDER MODE BATCHES`. It writes the batches that follow the stored position and
 * ends. Batch n has the changes of `crashBatch(n)`.
 */
import { at, batchOf, claimOf } from '../../support/changes.ts'
import { gpssSinkOf } from '../../support/gpss-sink.ts'
import { crashBatch } from './crash-batch.ts'

const [url, folder, mode, batches] = process.argv.slice(2) as [string, string, 'mirror' | 'append', string]
const sink = gpssSinkOf(url, folder, { mode })
const never = new AbortController().signal
const { positions } = await sink.open(claimOf(), never)
for (let n = Number(positions.get('shard-0')?.sequence ?? 0) + 1; n <= Number(batches); n++) {
  await sink.prepare(batchOf({ changes: crashBatch(n), moves: at({ 'shard-0': `${n}` }) }))(never)
}
await sink.close()
