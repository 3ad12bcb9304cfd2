import { type Connection, connect } from '../../../src/sinks/sql/connection.ts'
import { sqlStateStore } from '../../../src/sinks/sql/state.ts'
import { describeStateStore, type StateMemory } from '../../state/conformance.ts'
import { pgliteFolder } from '../../support/pglite.ts'
import { testDatabase } from '../../support/postgres.ts'
import { backup } from '../../support/sql-target.ts'

describeStateStore('postgresql', async () => {
  const database = await testDatabase()
  return {
    store: async () => sqlStateStore(await connect(database.url)),
    backup: () => backup((text) => database.query(text)),
    close: database.drop,
  }
})

describeStateStore('pglite', openPGlite, {
  noTakeOver: 'the lock of a process that lives cannot be taken from it',
})

/** Only one may have the folder open: while a store has, its connection is used for the backup, too. */
async function openPGlite(): Promise<StateMemory> {
  const folder = await pgliteFolder()
  let open: Connection | undefined

  async function openedOnce(): Promise<Connection> {
    await folder.release()
    const connection = await connect(folder.url)
    open = connection
    return {
      ...connection,
      close() {
        if (open === connection) open = undefined
        return connection.close()
      },
    }
  }
  return {
    store: async () => sqlStateStore(await openedOnce()),
    backup: () => backup((text) => folder.query(text, open)),
    close: folder.empty,
  }
}
