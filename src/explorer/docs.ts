import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'
import 'swagger-ui-dist/swagger-ui.css'
import './base.css'
import './docs.css'
import { applyColor, root, siteTitle, told } from './branding.ts'

applyColor()

const header = document.createElement('header')
header.className = 'site'
const home = document.createElement(told.explorer ? 'a' : 'span')
home.className = 'brand'
if (told.explorer) home.setAttribute('href', `${root}/`)
if (told.logo) {
  const logo = document.createElement('img')
  Object.assign(logo, { src: told.logo, alt: '', height: 32 })
  home.append(logo)
}
home.append(siteTitle)
const file = document.createElement('a')
Object.assign(file, { href: `${root}/openapi.json`, textContent: 'openapi.json' })
header.append(home, file)

const viewer = document.createElement('main')
document.getElementById('app')?.append(header, viewer)

SwaggerUI({
  domNode: viewer,
  url: `${root}/openapi.json`,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: 'list',
  displayRequestDuration: true,
  tryItOutEnabled: false,
  // Nothing of this page goes elsewhere.
  validatorUrl: null,
  syntaxHighlight: { theme: 'idea' },
})
