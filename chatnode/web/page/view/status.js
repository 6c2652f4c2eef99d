// The ways in which a user may be seen.

export const STATUSES = [
  { value: 'online', name: 'Online', note: 'While you are connected' },
  { value: 'away', name: 'Away', note: 'Connected, and not at hand' },
  { value: 'hidden', name: 'Invisible', note: 'As if you were offline' },
];

/** What the status is called. */
export function statusName(status) {
  return STATUSES.find(({ value }) => value === status)?.name ?? 'Connected';
}
