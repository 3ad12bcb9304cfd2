/**
 * Plays two lives through an embedded Kinesis: of an orders table in DynamoDB, and of the tables of a shop that an AWS
 * DMS task reads. The real program mirrors both into embedded PostgreSQL, and is killed once on the way; then the
 * mirrors are compared with the truth, value by value.
 *
 *   npm run demo [-- --changes 200000 --seed 42]
 *   npm run demo -- --sink gpss    the orders only, through a GPSS test server
 *
 * Exit code 1 if a single value differs, or if a mirror without any care would have been right, too.
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startKinesalite } from '../../test/support/kinesis/kinesalite.ts'
import { anySeed } from '../../test/support/life/random.ts'
import { playOrders } from './orders-part.ts'
import { ORDERS_TARGETS } from './orders-target.ts'
import { playShop } from './shop-part.ts'
import { seconds, tell, title } from './telling.ts'

/** The rest is DynamoDB's. GPSS has the orders only. */
const DMS_SHARE = 0.15

/** How many changes are played unless more or fewer are asked for: under a minute each. */
const USUAL_CHANGES = { pglite: 200_000, gpss: 40_000 } as const

const { sink, changes, seed } = readArguments()
const startedMs = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-demo-'))
const removeFolder = () => rmSync(folder, { recursive: true, force: true })
// After a failure. At the end it is removed in any case.
process.on('exit', removeFolder)
process.on('SIGINT', () => process.exit(130))

title(sink === 'gpss' ? 'A change feed, through cdc-relay and GPSS' : 'Two change feeds, through cdc-relay')
tell(`To see the same again: npm run demo -- --sink ${sink} --changes ${changes} --seed ${seed}`)

const kinesis = await startKinesalite()
const ofDms = sink === 'gpss' ? 0 : Math.round(changes * DMS_SHARE)
const orders = await ORDERS_TARGETS[sink](folder)
const isOrdersRight = await playOrders(kinesis, orders, { changes: changes - ofDms, seed })
await orders.close()
const isShopRight = ofDms === 0 || (await playShop(kinesis, folder, { changes: ofDms, seed }))
await kinesis.close()

tell('', `${seconds(performance.now() - startedMs)} in all`, '')
removeFolder()
process.exitCode = isOrdersRight && isShopRight ? 0 : 1

function readArguments(): { sink: keyof typeof ORDERS_TARGETS; changes: number; seed: number } {
  const { values } = parseArgs({
    options: { sink: { type: 'string' }, changes: { type: 'string' }, seed: { type: 'string' } },
  })
  const sink = values.sink ?? 'pglite'
  if (sink !== 'pglite' && sink !== 'gpss') fail('--sink is pglite or gpss')
  const [changes, seed] = [Number(values.changes ?? USUAL_CHANGES[sink]), Number(values.seed ?? anySeed())]
  if (!Number.isInteger(changes) || changes < 2_000 || !Number.isInteger(seed)) {
    fail('--changes is a whole number from 2000 on, --seed any whole number')
  }
  return { sink, changes, seed }
}

function fail(complaint: string): never {
  console.error(complaint)
  process.exit(2)
}
