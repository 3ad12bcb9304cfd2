import { crateTarget } from '../../../support/targets/crate-target.ts'
import { describeMirror, describeSink } from '../../conformance.ts'
import { columns, document, withoutSlowRefusal } from './abilities.ts'

describeSink('cratedb, document', () => crateTarget('document'), document)
describeMirror('cratedb, columns', () => crateTarget('columns'), withoutSlowRefusal(columns))
