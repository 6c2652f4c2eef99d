import { useState } from 'preact/hooks';
import { Icon } from './Icon.jsx';
import { isDark, toggleTheme } from './theme-choice.js';

export function ThemeToggle() {
  const [dark, setDark] = useState(isDark);
  const toggle = () => {
    toggleTheme();
    setDark(isDark());
  };
  const label = dark ? 'Use light colours' : 'Use dark colours';
  return (
    <button class="icon-button" type="button" onClick={toggle} aria-label={label} title={label} data-testid="theme">
      <Icon name={dark ? 'sun' : 'moon'} />
    </button>
  );
}
