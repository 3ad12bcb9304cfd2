import { anySeed } from '../../../support/life/random.ts'
import { crateTarget } from '../../../support/targets/crate-target.ts'
import { describeMirror, describeSink } from '../../conformance.ts'
import { columns, document, withoutSlowRefusal } from './abilities.ts'

const seed = anySeed()
describeSink(
  `cratedb, document, in trouble (seed ${seed})`,
  () => crateTarget('document', seed),
  withoutSlowRefusal(document),
)
describeMirror(
  `cratedb, columns, in trouble (seed ${seed})`,
  () => crateTarget('columns', seed),
  withoutSlowRefusal(columns),
)
