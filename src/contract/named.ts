import { z } from 'zod';
import { label } from '../orthanc/ids.js';

/** Types that the API's description has by name, so that generated clients have them too. */

export const category = label.meta({
  id: 'Category',
  description:
    'The name of a category: one of those that the operation `categories` lists, or one of a network that was in use earlier.',
});

export const cursor = z.string().max(2000).meta({
  id: 'Cursor',
  description: 'Where a page of a list begins: `next` of the page before it. Callers do not interpret it.',
});
