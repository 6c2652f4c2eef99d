// Times as people of the reader's place write them.

import { sameDay } from '../model/rows.js';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const seconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });
const short = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

const DAY_MS = 24 * 60 * 60_000;

export const timeOfDay = (time) => clock.format(time);
export const timeOfDaySeconds = (time) => seconds.format(time);
export const exactTime = (time) => full.format(time);

export function dayName(time, now = Date.now()) {
  if (sameDay(time, now)) return 'Today';
  if (sameDay(time, now - DAY_MS)) return 'Yesterday';
  return new Date(time).getFullYear() === new Date(now).getFullYear() ? weekday.format(time) : date.format(time);
}

/** The clock for today, day and clock for every other day. */
export function momentName(time, now = Date.now()) {
  return sameDay(time, now) ? clock.format(time) : full.format(time);
}

/** The clock for today, the day for everything older. */
export function briefTime(time, now = Date.now()) {
  return sameDay(time, now) ? clock.format(time) : short.format(time);
}
