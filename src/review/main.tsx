import { render } from 'preact';
import { startLive } from './api/live.js';
import { returnFromProvider } from './api/provider.js';
import { App } from './app.js';
import { language } from './base/language.js';
import { startReviewUpdates } from './state/review.js';
import { startRouting } from './state/route.js';
import { startWorklistUpdates } from './state/worklist-updates.js';
import { startShortcuts } from './ui/shortcuts.js';

/*
 * Imports go down this list only; nothing outside src/review/ is imported but src/contract/.
 *   main → app → worklist, instance, grid, dashboard, quality (pages: none imports another) → ui → state → api → texts → base
 */

const root = document.getElementById('plainview');
if (root === null) throw new Error('index.html lacks #plainview');
document.documentElement.lang = language;
await returnFromProvider();
// Everything runs for as long as the page is open. Listeners of events are there before the events.
startRouting();
startShortcuts();
startWorklistUpdates();
startReviewUpdates();
startLive();
render(<App />, root);
