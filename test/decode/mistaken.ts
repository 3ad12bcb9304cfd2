import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * Writes sources into a folder, in one of them `wrong` in the place of `right`; resolves to what the first of them exports.
 * @param paths in `src/`
 */
export async function mistaken<Module>(
  paths: readonly string[],
  folder: string,
  right: string,
  wrong: string,
): Promise<Module> {
  const sources = paths.map((path) => new URL(`../../src/${path}`, import.meta.url))
  const texts = sources.map((source) => readFileSync(source, 'utf8'))
  assert.equal(texts.filter((text) => text.includes(right)).length, 1, 'just one source has what is to be mistaken')
  const nameOf = (url: URL): string => basename(fileURLToPath(url))
  for (const [i, source] of sources.entries()) {
    const text = texts[i]!.replace(right, wrong).replaceAll(/from '(\.[^']+)'/g, (_, path: string) => {
      const url = new URL(path, source)
      return sources.some(({ href }) => href === url.href) ? `from './${nameOf(url)}'` : `from '${url}'`
    })
    writeFileSync(join(folder, nameOf(source)), text)
  }
  return (await import(pathToFileURL(join(folder, nameOf(sources[0]!))).href)) as Module
}
