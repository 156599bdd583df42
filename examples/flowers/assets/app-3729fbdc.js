// Every page's entry: the basket in the header, and the notices.

import { basket } from './basket-34aa3cc6.js';
import { notices } from './notice-2fd7b037.js';

basket();
notices();
