import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Answer, Route } from './server.ts'

/** Scripts and styles of this page alone, and nothing from elsewhere. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css' } as const

/** Path → file, from here; in the published program the page stands beside it, as it does here. */
const FILES: Readonly<Record<string, () => URL>> = {
  '/': () => new URL('page/index.html', import.meta.url),
  '/page.css': () => new URL('page/page.css', import.meta.url),
  '/page.js': () => new URL('page/page.js', import.meta.url),
  '/charts.js': () => new URL('page/charts.js', import.meta.url),
  '/rows.js': () => new URL('page/rows.js', import.meta.url),
  '/words.js': () => new URL('page/words.js', import.meta.url),
  '/uplot.js': () => new URL(import.meta.resolve('uplot/dist/uPlot.esm.js')),
  '/uplot.css': () => new URL(import.meta.resolve('uplot/dist/uPlot.min.css')),
}

/** The page and its parts; each is read when it is asked for first. */
export const pageFiles = (): readonly (readonly [string, Route])[] =>
  Object.entries(FILES).map(([path, url]) => {
    let answer: Answer | undefined
    return [
      path,
      () => {
        answer ??= fileAnswer(url())
        return answer
      },
    ]
  })

function fileAnswer(url: URL): Answer {
  const ending = url.pathname.slice(url.pathname.lastIndexOf('.') + 1) as keyof typeof TYPES
  return {
    status: 200,
    type: `${TYPES[ending]}; charset=utf-8`,
    body: readFileSync(fileURLToPath(url)),
    headers: { 'Content-Security-Policy': POLICY },
  }
}
