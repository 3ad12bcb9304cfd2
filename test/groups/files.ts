/** Prints what `npm test` gives to `node --test`: one file for each process. Those that take longest come first. */
import { relative } from 'node:path'
import { entryOf, grouped } from './groups.ts'

const LONG =
  /e2e\/(?:crash|dms|gpss|http|operate|values)|check\.test|dms-histories|dynamodb|hostile|permutation|postgres\.test|pglite\.test|sink\.test|state\.test|greenplum\.test/

/** Of `test:compat`, which installs what they need: `.ci/compat` names them. */
const NEEDS_MORE_THAN_NPM = /e2e\/http\/page\.test/

const { groups, alone: all } = grouped()
const alone = all.filter((file) => !NEEDS_MORE_THAN_NPM.test(file))
const [long, short] = [true, false].map((isLong) => alone.filter((file) => LONG.test(file) === isLong))
const entries = Array.from(groups.keys(), entryOf)
console.log([...entries, ...long!, ...short!].map((file) => relative(process.cwd(), file)).join('\n'))
