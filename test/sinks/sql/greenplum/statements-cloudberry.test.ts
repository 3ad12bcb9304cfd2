import { greenplumDatabase, withoutStandIn } from '../../../support/greenplum/greenplum.ts'
import { describeStatements } from '../dialect-batches.ts'

describeStatements('cloudberry', listened, { skip: withoutStandIn('cloudberry') })

async function listened() {
  const { url, statements, drop } = await greenplumDatabase(undefined, 'cloudberry')
  return { url, statements, close: drop }
}
