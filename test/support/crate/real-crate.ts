import { randomBytes } from 'node:crypto'
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { type Crate, type CrateOptions, DEFAULT_SETTINGS, startCrate } from './crate.ts'
import { newFaults } from './faults.ts'
import { renamingProxy } from './renaming-proxy.ts'

/** A real CrateDB that the suites are run against, where `CDC_TEST_CRATE` names one: `crate://crate@127.0.0.1:5432`. */
export const REAL_CRATE = process.env.CDC_TEST_CRATE

/** Why a test does not run where a real CrateDB is set. */
export const onStandInOnly = (why: string): string | false => REAL_CRATE !== undefined && why

/** The stand-in; or the CrateDB that `CDC_TEST_CRATE` names, unless the test asks for something of the stand-in's. */
export async function testCrate(options: CrateOptions = {}): Promise<Crate> {
  return REAL_CRATE === undefined || Object.keys(options).length > 0
    ? await startCrate(options)
    : await realCrate(new URL(REAL_CRATE))
}

/** Those that tests, and relays in them, write to. */
const SCHEMAS = ['doc', 'cdc_relay', 'shop', 's']

export interface QueryRequest {
  readonly text: string
  readonly schemas: readonly string[]
}

export type QueryAnswer =
  | { readonly rows: readonly Record<string, unknown>[] }
  | { readonly failed: string; readonly code: string | undefined }

/**
 * A real CrateDB in which nobody else's tables are touched: whatever goes to it passes a proxy that gives each of the schemas
 * a name of its own, and what was made there is dropped at the end. Nothing goes wrong in it on purpose: its faults are none.
 * A test that changes a setting of the stand-in fails at once: it asks for the stand-in by an option.
 */
async function realCrate(server: URL): Promise<Crate> {
  const suffix = `_cdc_test_${randomBytes(4).toString('hex')}`
  const address = { host: server.hostname, port: Number(server.port || 5432) }
  const user = decodeURIComponent(server.username || 'crate')
  const login = { ...address, user, password: decodeURIComponent(server.password), database: `doc${suffix}` }
  const proxy = await renamingProxy(address, SCHEMAS, suffix)
  const url = new URL(server)
  url.host = `127.0.0.1:${proxy.port}`
  url.pathname = '/doc'

  const { port1: port, port2 } = new MessageChannel()
  const answered = new Int32Array(new SharedArrayBuffer(4))
  const schemas = SCHEMAS.map((schema) => schema + suffix)
  const worker = new Worker(new URL('./real-crate-worker.ts', import.meta.url), {
    workerData: { port: port2, answered, login },
    transferList: [port2],
  })

  /** In no order but that of ORDER BY. The thread waits meanwhile, as it does for the stand-in. */
  function ask(text: string): readonly Record<string, unknown>[] {
    Atomics.store(answered, 0, 0)
    port.postMessage({ text, schemas } satisfies QueryRequest)
    if (Atomics.wait(answered, 0, 0, 60_000) === 'timed-out') throw new Error(`No answer to ${text}`)
    const answer = receiveMessageOnPort(port)!.message as QueryAnswer
    if ('rows' in answer) return answer.rows
    throw Object.assign(new Error(answer.failed), { code: answer.code })
  }

  return {
    url: url.href,
    port: proxy.port,
    settings: Object.freeze({ ...DEFAULT_SETTINGS }),
    faults: newFaults(),
    sent: proxy.sent,
    executed: proxy.executed,
    query: (text) => ask(proxy.renamed(text)),
    refresh: () => void ask(''),
    movePrimaries() {},
    disconnect: proxy.disconnect,
    async stop() {
      await proxy.stop()
      ask('DROP ALL')
      port.close()
      await worker.terminate()
    },
  }
}
