import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

const TOP = join(import.meta.dirname, '../..')

/** What `npm pack` would put into the package; what is built comes on top. */
function shipped(): Set<string> {
  // npm leaves what it compiled in the folder for temporary files.
  const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' }
  const answer = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: TOP,
    encoding: 'utf8',
    env,
  })
  const [pack] = Object.values(JSON.parse(answer) as Record<string, { files: { path: string }[] }>)
  return new Set(pack!.files.map(({ path }) => path))
}

/** Targets of `[text](target)` and `[text]: target`, outside of code. */
function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^()\s]+)\)|^\[[^\]]+\]: +(\S+)/gm)].map(([, inline, below]) => (inline ?? below)!)
}

/** As GitHub and npm make them of headings. */
function anchorsOf(markdown: string): Set<string> {
  const headings = markdown.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ +(.*)$/gm)
  const anchors = new Set<string>()
  for (const [, heading] of headings) {
    const plain = heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-')
    let anchor = plain
    for (let again = 1; anchors.has(anchor); again++) anchor = `${plain}-${again}`
    anchors.add(anchor)
  }
  return anchors
}

test('every link of every page in the package leads to something in the package', () => {
  const files = shipped()
  const pages = [...files].filter((path) => path.endsWith('.md'))
  assert.ok(pages.includes('README.md') && pages.includes('docs/errors.md'), pages.join(' '))
  const broken: string[] = []
  let looked = 0
  for (const page of pages) {
    for (const link of linksOf(readFileSync(join(TOP, page), 'utf8'))) {
      if (/^[a-z]+:/.test(link)) continue
      looked++
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : normalize(join(dirname(page), path))
      if (!files.has(target)) broken.push(`${page}: ${link} is not in the package`)
      else if (anchor !== undefined && !anchorsOf(readFileSync(join(TOP, target), 'utf8')).has(anchor)) {
        broken.push(`${page}: ${link}: ${target} has no such heading`)
      }
    }
  }
  assert.deepEqual(broken, [])
  assert.ok(looked > 30, `only ${looked} links were looked at`)
})
