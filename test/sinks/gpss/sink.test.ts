import { keyColumnName, valueColumnName } from '../../../src/sinks/tables/names.ts'
import { gpssTarget } from '../../support/targets/gpss-target.ts'
import { describeMirror, describeSink } from '../conformance.ts'

const lacks = {
  takesOver: 'the lock of a process that lives cannot be taken from it',
  canBeRestored: 'state and rows lie in two places',
  tellsSuperseded: 'what the SQL behind a load did, GPSS does not say',
  keepsRecordsOnce: 'a load is added to the log as it is, and dead letters to a file',
  sharesFacts: 'a state file is of one process; without a store nothing is remembered',
}

describeSink('gpss, document', () => gpssTarget('document'), { lacks, columnOf: keyColumnName })
describeMirror('gpss, columns', () => gpssTarget('columns'), {
  lacks: { ...lacks, keepsNulls: 'to a column null and absent are one' },
  columnOf: valueColumnName,
})
