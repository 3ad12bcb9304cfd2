import { crateTarget } from '../../../support/targets/crate-target.ts'
import { isDealt, volume } from '../../../support/volume.ts'
import { describeSink } from '../../conformance.ts'
import { columns, document, withoutSlowRefusal } from './abilities.ts'

if (isDealt(0)) describeSink('cratedb, document', () => crateTarget('document'), document)
if (isDealt(1)) {
  describeSink('cratedb, columns', () => crateTarget('columns'), volume(columns, withoutSlowRefusal(columns)))
}
