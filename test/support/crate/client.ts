import pg from 'pg'
import type { Crate } from './crate.ts'

/** A client of the fake, with whatever in its configuration the test wants to be different. */
export async function connectTo(crate: Crate, config: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port: crate.port, user: 'crate', database: 'doc', ...config })
  // A cut connection is what some tests are about: what it breaks off rejects by itself.
  client.on('error', () => {})
  await client.connect()
  return client
}
