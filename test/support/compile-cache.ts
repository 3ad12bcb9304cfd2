import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * For `node --test --import`: keeps the compiled code of sources and dependencies for all processes of the tests. Some
 * hundred of them are the program itself, started for a second or so; about a third of the time of each goes into this.
 */
const folder = fileURLToPath(new URL('../../node_modules/.cache/compiled/', import.meta.url))
process.env.NODE_COMPILE_CACHE ??= folder
enableCompileCache(process.env.NODE_COMPILE_CACHE)
