import { keyColumnName, valueColumnName } from '../../../src/sinks/tables/names.ts'
import { gpssTarget } from '../../support/targets/gpss-target.ts'
import { isDealt } from '../../support/volume.ts'
import { describeSink } from '../conformance.ts'

const lacks = {
  takesOver: 'the lock of a process that lives cannot be taken from it',
  canBeRestored: 'state and rows lie in two places',
  tellsSuperseded: 'what the SQL behind a load did, GPSS does not say',
  keepsRecordsOnce: 'a load is added to the log as it is, and dead letters to a file',
  sharesFacts: 'a state file is of one process; without a store nothing is remembered',
}

if (isDealt(0)) describeSink('gpss, document', () => gpssTarget('document'), { lacks, columnOf: keyColumnName })
if (isDealt(1)) {
  describeSink('gpss, columns', () => gpssTarget('columns'), {
    lacks: { ...lacks, keepsNulls: 'to a column null and absent are one' },
    columnOf: valueColumnName,
  })
}
