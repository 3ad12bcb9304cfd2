import { keyColumnName } from '../../../src/sinks/sql/names.ts'
import { postgresTarget } from '../../support/sql-target.ts'
import { describeSink } from '../conformance.ts'

describeSink('postgresql, deletes hard', () => postgresTarget('hard'), { columnOf: keyColumnName })
describeSink('postgresql, deletes soft', () => postgresTarget('soft'), { columnOf: keyColumnName })
