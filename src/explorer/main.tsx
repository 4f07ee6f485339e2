import { render } from 'preact'
import { App } from './app.tsx'
import { applyColor } from './branding.ts'
import './base.css'
import './controls.css'
import './pages.css'
import './grid.css'

applyColor()

const place = document.getElementById('app')
if (place) render(<App />, place)
