import { greenplumDatabase, withoutStandIn } from '../../../support/greenplum/greenplum.ts'
import { describeStatements } from '../dialect-batches.ts'

describeStatements('greenplum 7', listened, { skip: withoutStandIn('7') })

async function listened() {
  const { url, statements, drop } = await greenplumDatabase(undefined, '7')
  return { url, statements, close: drop }
}
