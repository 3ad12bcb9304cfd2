import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The licences of packages, as they ask to travel with copies of them: packages with the same text stand above it together.
 *
 * @param folders of the packages, from `top`
 * @throws Error for a package that names no licence
 */
export async function licencesOf(folders: Iterable<string>, top: string): Promise<string> {
  const byText = new Map<string, string[]>()
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(top, folder, 'package.json'), 'utf8'))
    if (typeof license !== 'string') throw new Error(`The package ${name} names no licence`)
    const text = await ownText(join(top, folder))
    const key = `${license}\n\n${text}`
    byText.set(key, [...(byText.get(key) ?? []), `${name} ${version}`])
  }
  const parts = Array.from(byText, ([text, names]) => `${names.join('\n')}\n\n${text.trimEnd()}\n`)
  return `The program holds copies of these packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`
}

/** What stands in LICENSE, LICENCE.md, license.txt, NOTICE and their like, else in the README under that heading; empty if nothing does. */
async function ownText(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort()
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')
  const texts = await Promise.all(names.filter((name) => /^(licen[cs]e|copying|notice)/i.test(name)).map(read))
  if (texts.length > 0) return texts.join('\n')
  const readme = names.find((name) => /^readme/i.test(name))
  return readme === undefined ? '' : (/^#+ *licen[cs]e.*$/ims.exec(await read(readme))?.[0] ?? '')
}
