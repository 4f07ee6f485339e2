import { useState } from 'preact/hooks'
import { isOpen } from '../api/token.ts'
import { root, told } from '../branding.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { SNIPPETS } from './snippets.ts'

/** What is being looked at, as a call in several languages. */
export function ProgramPanel({ action, params }: { action: string; params: object }) {
  const [language, setLanguage] = useState('curl')
  const call = {
    site: `${location.origin}${root}`,
    action,
    params,
    ...(!isOpen && { tokenHeader: told.tokenHeader ?? 'Authorization' }),
  }
  const code = SNIPPETS[language]?.(call) ?? ''
  return (
    <div class="narrow">
      <fieldset class="choices">
        <legend class="sr-only">Language</legend>
        {Object.keys(SNIPPETS).map((name) => (
          <label key={name}>
            <input type="radio" name="language" checked={name === language} onChange={() => setLanguage(name)} />
            {name}
          </label>
        ))}
      </fieldset>
      <div class="code">
        <pre>
          <code>{code}</code>
        </pre>
        <CopyButton text={code} />
      </div>
      <p class="soft">
        {!isOpen && 'The token is read from DATASTORE_TOKEN; public tables need none. '}
        All that can be asked for is in <a href={`${root}/docs`}>the description of the API</a>.
      </p>
    </div>
  )
}
