import { language, languages, languageTags, switchLanguage } from '../base/language.js';

/** A button for each other language, named in that language: whoever cannot read the page finds the way out. */
export function LanguageChoice() {
  return languageTags
    .filter((tag) => tag !== language)
    .map((tag) => (
      <button
        key={tag}
        type="button"
        class="plain language"
        lang={tag}
        aria-label={`${tag.toUpperCase()} – ${languages[tag]}`}
        title={languages[tag]}
        onClick={() => switchLanguage(tag)}
      >
        {tag.toUpperCase()}
      </button>
    ));
}
