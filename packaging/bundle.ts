/**
 * Makes the program that is published: src/cli.ts and its dependencies in a few files in program/, one for each part that is
 * loaded by a dynamic import. The library in dist/ is what tsc makes of src/index.ts.
 *
 *   node packaging/bundle.ts
 */
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type Metafile } from 'esbuild'
import { licencesOf } from './licences.ts'

const top = join(import.meta.dirname, '..')
const folder = join(top, 'program')

/** Not in the bundle: a native module, what its user installs, and what packages only look for. */
const EXTERNAL = [
  'fs-native-extensions',
  '@electric-sql/pglite',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-node',
  'pg-native',
  'pino-pretty',
]

await rm(folder, { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: top,
  entryPoints: ['src/cli.ts'],
  outdir: folder,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  // That of Node.js 20 shows the help.
  target: 'node20',
  // As `new RegExp` it would be compiled when it is loaded: 20 ms for all emojis.
  supported: { 'regexp-set-notation': true },
  // As ES modules, of which only what is used gets into the bundle.
  mainFields: ['module', 'main'],
  external: EXTERNAL,
  // For packages in CommonJS that require modules of Node.js.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  // Neither minified, which gains nothing, nor with names of its own: a stack trace is to be read.
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
})
requireNames(metafile)
// Files that a relay with --http serves as they are.
await cp(join(top, 'src/http/page'), join(folder, 'page'), { recursive: true })
await writeFile(join(folder, 'THIRD-PARTY-LICENCES'), await licencesOf(packagesIn(metafile), top))

/** A package in CommonJS that is imported when it is needed has a default export alone in the bundle, and names in a checkout. */
function requireNames({ inputs, outputs }: Metafile): void {
  for (const { entryPoint } of Object.values(outputs)) {
    if (entryPoint === undefined || inputs[entryPoint]?.format !== 'cjs') continue
    throw new Error(`${entryPoint} is in CommonJS: import it by a module of src/ that exports what is needed of it`)
  }
}

/** Folders of the packages that are in the bundle: `node_modules/pg`, `node_modules/cliui/node_modules/string-width`. */
function packagesIn({ inputs }: Metafile): ReadonlySet<string> {
  const folders = Object.keys(inputs).map((path) => /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
  return new Set(folders.filter((path) => path !== undefined))
}
