import { greenplumDatabase, withoutStandIn } from '../../../support/greenplum/greenplum.ts'
import { describeStatements } from '../dialect-batches.ts'

describeStatements('greenplum 6', listened, { skip: withoutStandIn('6') })

async function listened() {
  const { url, statements, drop } = await greenplumDatabase(undefined, '6')
  return { url, statements, close: drop }
}
