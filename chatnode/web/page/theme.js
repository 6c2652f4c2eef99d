// Runs before the first paint, so that a chosen theme doesn't flash.
import { applyTheme } from './view/theme-choice.js';

applyTheme();
