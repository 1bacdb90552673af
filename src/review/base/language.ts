/** The one place that selects the language of the page: its texts, numbers and plurals (BCP 47). */
export const language = 'en';
