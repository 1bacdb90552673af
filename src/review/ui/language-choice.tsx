import { language, languages, languageTags, switchLanguage } from '../base/language.js';
import { texts } from '../texts/index.js';

/** Each language is named in itself, so that who cannot read the page finds the way out. */
export function LanguageChoice() {
  return (
    <select
      class="language"
      aria-label={texts.headerLanguage}
      value={language}
      onChange={({ currentTarget: { value } }) => {
        const chosen = languageTags.find((tag) => tag === value);
        if (chosen !== undefined) switchLanguage(chosen);
      }}
    >
      {languageTags.map((tag) => (
        <option key={tag} value={tag} lang={tag}>
          {languages[tag]}
        </option>
      ))}
    </select>
  );
}
