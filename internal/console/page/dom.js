// Elements are made here only, and their content is always text.

export const find = (selector, root = document) => root.querySelector(selector)

// make returns an element. A string among the children becomes a text node.
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag)
  if (className) element.className = className
  element.append(...children)
  return element
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

// A keyed list has one row per item. A row stays the same element as long as its item is
// listed, so that it keeps the focus and stays open.
export function keyedList(list, keyOf, create, update) {
  let rows = new Map()
  return (items) => {
    const next = new Map(items.map((item) => [keyOf(item), rows.get(keyOf(item)) ?? create(item)]))
    for (const [key, row] of rows) {
      if (!next.has(key)) row.remove()
    }
    rows = next
    let place = list.firstChild
    for (const item of items) {
      const row = rows.get(keyOf(item))
      update(row, item)
      if (row === place) place = place.nextSibling
      else list.insertBefore(row, place)
    }
  }
}
