/** Tables and lists. All that comes from a relay is set as text, never as HTML. */

/** What an element was filled with last: it is filled again only with something else, so that a reader keeps its place. */
const filled = new WeakMap()

/** True if `element` shows something else than this. */
export function isNews(element, value) {
  const text = JSON.stringify(value)
  if (filled.get(element) === text) return false
  filled.set(element, text)
  return true
}

/** @param {string} name of an element @param {string} text @param {Record<string, string>} attributes */
export function made(name, text = '', attributes = {}) {
  const element = document.createElement(name)
  element.textContent = text
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value)
  return element
}

/**
 * Fills a table.
 * @param {HTMLTableElement} table
 * @param {readonly { title: string, kind?: 'number' | 'code' | 'words' }[]} columns the first one names the row
 * @param {readonly (readonly (string | { text: string, is: string })[])[]} rows
 * @param {string} empty what stands there without rows
 */
export function fillTable(table, columns, rows, empty) {
  if (!isNews(table, rows)) return
  const head = made('thead')
  const headRow = head.appendChild(made('tr'))
  for (const { title, kind } of columns) headRow.append(made('th', title, { scope: 'col', ...classOf(kind) }))
  const body = made('tbody')
  for (const row of rows) {
    const line = body.appendChild(made('tr'))
    row.forEach((cell, i) => {
      const { text, is } = typeof cell === 'string' ? { text: cell, is: '' } : cell
      const classes = [columns[i].kind, is].filter(Boolean).join(' ')
      line.append(made(i === 0 ? 'th' : 'td', text, { ...(i === 0 && { scope: 'row' }), ...classOf(classes) }))
    })
  }
  if (rows.length === 0) {
    const line = body.appendChild(made('tr'))
    line.append(made('td', empty, { colspan: String(columns.length), class: 'muted' }))
  }
  table.replaceChildren(head, body)
}

/**
 * Fills a list of terms.
 * @param {HTMLDListElement} list
 * @param {readonly { term: string, text: string, is?: string }[]} entries
 * @param {boolean} isGrouped whether each pair stands in an element of its own
 */
export function fillTerms(list, entries, isGrouped) {
  if (!isNews(list, entries)) return
  list.replaceChildren(
    ...entries.flatMap(({ term, text, is = '' }) => {
      const pair = [made('dt', term), made('dd', text)]
      if (!isGrouped) return pair
      const group = made('div', '', { 'data-is': is })
      group.append(...pair)
      return [group]
    }),
  )
}

/** @param {HTMLElement} list @param {readonly { text: string, is?: string }[]} items */
export function fillList(list, items) {
  if (!isNews(list, items)) return
  list.replaceChildren(...items.map(({ text, is = '' }) => made('li', text, { 'data-is': is })))
}

/** @param {HTMLElement} element @param {string} text */
export function fillText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

const classOf = (classes) => (classes ? { class: classes } : {})
