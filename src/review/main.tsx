import { render } from 'preact';
import { follow } from './api/live.js';
import { App } from './app.js';

const place = document.getElementById('plainview');
if (place === null) throw new Error('index.html lacks #plainview');
render(<App />, place);
void follow();
