/** What the server tells a page, in the attributes of its root element. */
export const told = document.documentElement.dataset

/** The path that the API hangs under, without a slash at its end. */
export const root = told.root ?? ''

/** The title of the site. */
export const siteTitle = told.title ?? 'Datastore'

/** Puts the site's color into the styles, in a lightness that can be read in each of both modes. */
export function applyColor(color = told.color ?? ''): void {
  const rgb = /^#(..)(..)(..)$/
    .exec(color)
    ?.slice(1)
    .map((part) => Number.parseInt(part, 16))
  if (!rgb) return
  const { style } = document.documentElement
  style.setProperty('--brand-light', withContrast(rgb, 238, -1))
  style.setProperty('--brand-dark', withContrast(rgb, 36, 1))
}

const READABLE = 4.6

/** The color, darkened or lightened until text of it can be read on a gray (0 to 255): the styles' hardest ground. */
function withContrast(rgb: readonly number[], background: number, direction: 1 | -1): string {
  for (let step = 0; step <= 20; step++) {
    const mixed = rgb.map((part) => Math.round(part + ((direction === 1 ? 255 : 0) - part) * (step / 20)))
    if (contrast(mixed, [background, background, background]) >= READABLE) return `rgb(${mixed.join(' ')})`
  }
  return direction === 1 ? '#fff' : '#000'
}

/** Of two colors, by WCAG 2: from 1 to 21. */
function contrast(a: readonly number[], b: readonly number[]): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (high + 0.05) / (low + 0.05)
}

function luminance(rgb: readonly number[]): number {
  const [r = 0, g = 0, b = 0] = rgb.map((part) => {
    const share = part / 255
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
