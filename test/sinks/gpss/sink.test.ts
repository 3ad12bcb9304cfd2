import { keyColumnName, valueColumnName } from '../../../src/sinks/tables/names.ts'
import { gpssTarget } from '../../support/targets/gpss-target.ts'
import { describeSink } from '../conformance.ts'

const noTakeOver = 'the lock of a process that lives cannot be taken from it'
const noBackup = 'state and rows lie in two places'
const cannotTellSuperseded = 'what the SQL behind a load did, GPSS does not say'
const abilities = { columnOf: keyColumnName, noTakeOver, noBackup, cannotTellSuperseded }

describeSink('gpss, document', () => gpssTarget('document'), abilities)
describeSink('gpss, columns', () => gpssTarget('columns'), {
  ...abilities,
  columnOf: valueColumnName,
  noNulls: 'to a column null and absent are one',
})
