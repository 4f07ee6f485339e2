import { render } from 'preact'
import { App } from './app.tsx'
import { applyColor } from './branding.ts'
import './base.css'
import './controls.css'
import './pages.css'
import './grid.css'

applyColor()

// A file that is dropped beside its place must not open instead of the page.
for (const type of ['dragover', 'drop'] as const) {
  addEventListener(type, (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'none'
  })
}

const place = document.getElementById('app')
if (place) render(<App />, place)
