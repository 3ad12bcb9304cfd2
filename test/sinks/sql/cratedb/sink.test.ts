import { crateTarget } from '../../../support/targets/crate-target.ts'
import { describeSink } from '../../conformance.ts'
import { columns, document, slowRefusal } from './abilities.ts'

describeSink('cratedb, document', () => crateTarget('document'), document)
describeSink('cratedb, columns', () => crateTarget('columns'), { ...columns, slowRefusal })
