import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDatabase } from '../test/support/postgres/postgres-server.ts'

export const LOOK_EVERY_MS = 5

/** When each row was first seen by a reader of the table `orders`, whose keys are numbers. */
export class SeenRows {
  readonly atMs = new Map<number, number>()
  readonly #database: TestDatabase
  #last = 0
  #isStopped = false

  constructor(database: TestDatabase) {
    this.#database = database
  }

  async isTableThere(): Promise<boolean> {
    const [row] = await this.#database.query<{ isThere: boolean }>(
      `SELECT to_regclass('orders') IS NOT NULL AS "isThere"`,
    )
    return row!.isThere
  }

  /** Looks again and again, until it is stopped. Changes of one shard appear in their order. */
  async look(): Promise<void> {
    while (!this.#isStopped) {
      const found = 'SELECT id::int AS id FROM orders WHERE id > $1 ORDER BY id'
      for (const { id } of await this.#database.query<{ id: number }>(found, [this.#last])) {
        this.atMs.set(id, performance.now())
        this.#last = id
      }
      await sleep(LOOK_EVERY_MS)
    }
  }

  async reach(id: number): Promise<void> {
    while (this.#last < id) await sleep(LOOK_EVERY_MS)
  }

  stop(): void {
    this.#isStopped = true
  }
}
