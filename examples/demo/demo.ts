/**
 * Plays two lives through an embedded Kinesis: of an orders table in DynamoDB, and of the tables of a shop that an AWS
 * DMS task reads. The real program mirrors both into embedded PostgreSQL, and is killed once on the way; then the
 * mirrors are compared with the truth, value by value.
 *
 *   npm run demo [-- --changes 200000 --seed 42]
 *
 * Exit code 1 if a single value differs, or if a mirror without any care would have been right, too.
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startKinesalite } from '../../test/support/kinesalite.ts'
import { anySeed } from '../../test/support/life-random.ts'
import { playOrders } from './orders-part.ts'
import { playShop } from './shop-part.ts'
import { seconds, tell, title } from './telling.ts'

/** The rest is DynamoDB's. */
const DMS_SHARE = 0.15

const { changes, seed } = readArguments()
const startedMs = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-demo-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.on('SIGINT', () => process.exit(130))

title('Two change feeds, through cdc-relay')
tell(`To see the same again: npm run demo -- --changes ${changes} --seed ${seed}`)

const kinesis = await startKinesalite()
const ofDms = Math.round(changes * DMS_SHARE)
const isOrdersRight = await playOrders(kinesis, folder, { changes: changes - ofDms, seed })
const isShopRight = await playShop(kinesis, folder, { changes: ofDms, seed })
await kinesis.close()

tell('', `${seconds(performance.now() - startedMs)} in all`, '')
process.exitCode = isOrdersRight && isShopRight ? 0 : 1

function readArguments(): { changes: number; seed: number } {
  const { values } = parseArgs({ options: { changes: { type: 'string' }, seed: { type: 'string' } } })
  const [changes, seed] = [Number(values.changes ?? 200_000), Number(values.seed ?? anySeed())]
  if (!Number.isInteger(changes) || changes < 2_000 || !Number.isInteger(seed)) {
    console.error('--changes is a whole number from 2000 on, --seed any whole number')
    process.exit(2)
  }
  return { changes, seed }
}
