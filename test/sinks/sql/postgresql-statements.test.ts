import { testDatabase } from '../../support/postgres/postgres.ts'
import { startWireProxy } from '../../support/wire/wire-proxy.ts'
import { describeStatements, type ListenedTarget } from './dialect-batches.ts'

describeStatements('postgresql', listened)

async function listened(): Promise<ListenedTarget> {
  const database = await testDatabase()
  const url = new URL(database.url)
  const statements: string[] = []
  const proxy = await startWireProxy({ host: url.hostname, port: Number(url.port) }, ({ kind, statement }) => {
    if (kind === 'sent') statements.push(statement.text)
    return 'pass'
  })
  url.port = `${proxy.port}`
  return {
    url: url.href,
    statements: () => statements,
    async close() {
      await proxy.close()
      await database.drop()
    },
  }
}
