import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from '@tanstack/virtual-core'
import { useLayoutEffect, useReducer, useState } from 'preact/hooks'

type Options = Pick<VirtualizerOptions<HTMLElement, HTMLElement>, 'count' | 'getScrollElement' | 'estimateSize'> &
  Partial<VirtualizerOptions<HTMLElement, HTMLElement>>

/** Which rows or columns of a scrolled element are in sight. */
export function useVirtual(given: Options): Virtualizer<HTMLElement, HTMLElement> {
  const [, render] = useReducer((number: number) => number + 1, 0)
  const options = {
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    ...given,
    onChange: () => render(undefined as never),
  }
  const [virtualizer] = useState(() => new Virtualizer<HTMLElement, HTMLElement>(options))
  virtualizer.setOptions(options)
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer])
  useLayoutEffect(() => virtualizer._willUpdate())
  return virtualizer
}

/** A length for a style. */
export function px(length: number): string {
  return `${length}px`
}
