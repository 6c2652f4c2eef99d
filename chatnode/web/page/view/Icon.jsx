// Line icons on a 24 by 24 grid, in the colour of the text around them.

const PATHS = {
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  send: 'M5 12h13M12 5.5l6.5 6.5-6.5 6.5',
  down: 'M12 5v13M5.5 12l6.5 6.5 6.5-6.5',
  people: 'M9 11a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 9 11zM3 19.5c0-3.2 2.6-5.3 6-5.3s6 2.1 6 5.3M16 4.9a3.2 3.2 0 0 1 0 5.9M17.5 14.6c2.1.7 3.5 2.5 3.5 4.9',
  sun: 'M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  moon: 'M20 14.2A8.2 8.2 0 0 1 9.8 4a8.2 8.2 0 1 0 10.2 10.2z',
  leave: 'M14 4.5H6.5A1.5 1.5 0 0 0 5 6v12a1.5 1.5 0 0 0 1.5 1.5H14M10.5 12H20M16.5 8.5L20 12l-3.5 3.5',
  search: 'M11 17.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM16 16l4 4',
  jump: 'M9 4L7 20M17 4l-2 16M4.5 9h16M3.5 15h16',
  fleet: 'M4 19V9M10 19V5M16 19v-7M21 19H3',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  checks: 'M2.5 12.5l4.5 4.5L16.5 7.5M12 16l1 1L22 7.5',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  reply: 'M9.5 6.5L4 12l5.5 5.5M4 12h9.5c3.6 0 6 2 6.5 6',
  edit: 'M4.5 19.5l1-4L16 5l3 3L8.5 18.5z',
  remove: 'M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7',
  thread: 'M5 5.5h14v9.5h-8l-4 3.5V15H5z',
  info: 'M12 11v5.5M12 7.8v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
  announcement: 'M4 10v4h3.5L15 18.5v-13L7.5 10zM18.5 9.5a4 4 0 0 1 0 5M8 14l1 5h2.5',
  clock: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v4.5l2.8 1.8',
  alert: 'M12 8v5M12 16.2v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
};

export function Icon({ name }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
