import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'

/** The GPSS test server as a process of its own. */
export interface GpssProcess {
  /** The sink's URL for a PostgreSQL database, in which is made what an operator makes by hand. */
  sinkUrl(databaseUrl: string): Promise<string>
  stop(): void
}

export async function startGpssProcess(): Promise<GpssProcess> {
  const server = spawn(process.execPath, [join(import.meta.dirname, 'gpss-server.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  for await (const line of createInterface(server.stdout)) {
    const { host, port } = JSON.parse(line) as { host: string; port: number }
    return {
      async sinkUrl(databaseUrl) {
        await makeStage(databaseUrl)
        const database = new URL(databaseUrl)
        const login = `${database.username}:${database.password}`
        return `gpss://${login}@${host}:${port}${database.pathname}?greenplum-port=${database.port}`
      },
      stop: () => server.stdin.end(),
    }
  }
  throw new Error('The GPSS test server did not start')
}

async function makeStage(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('CREATE SCHEMA cdc_relay')
  await client.query('CREATE TABLE cdc_relay.stage (cdc_spread integer, cdc_part text, cdc_row text)')
  await client.end()
}
