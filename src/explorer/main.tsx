import './base.css'
import { applyColor } from './branding.ts'

applyColor()
