import { anySeed } from '../../../support/life/random.ts'
import { crateTarget } from '../../../support/targets/crate-target.ts'
import { isDealt } from '../../../support/volume.ts'
import { describeSink } from '../../conformance.ts'
import { columns, document, withoutSlowRefusal } from './abilities.ts'

const seed = anySeed()
if (isDealt(1)) {
  describeSink(
    `cratedb, document, in trouble (seed ${seed})`,
    () => crateTarget('document', seed),
    withoutSlowRefusal(document),
  )
}
if (isDealt(0)) {
  describeSink(
    `cratedb, columns, in trouble (seed ${seed})`,
    () => crateTarget('columns', seed),
    withoutSlowRefusal(columns),
  )
}
