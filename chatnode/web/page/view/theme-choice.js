// Light or dark: as the system says, until somebody chooses.

import { lasting } from '../session/storage.js';

export function applyTheme() {
  const chosen = lasting.get('theme', '');
  if (chosen) document.documentElement.dataset.theme = chosen;
}

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

export function toggleTheme() {
  lasting.set('theme', isDark() ? 'light' : 'dark');
  applyTheme();
}
