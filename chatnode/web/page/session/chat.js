// Everything of one signed-in user: the connection, the rooms on the list and
// the one that is open. Fires "change"; a room's own changes are its own,
// except that the list shows them too.

import { LOBBY } from '../model/channel.js';
import { Link } from './link.js';
import { Room } from './room.js';
import { lasting } from './storage.js';
import { Turns } from './turns.js';

const READS_AT_ONCE = 4;

export class Chat extends EventTarget {
  rooms = new Map();
  current = null;
  announcement = ''; // the last message that came while somebody looked

  constructor(identity) {
    super();
    this.me = identity.user;
    this.development = !identity.token; // the node itself named this user, so it runs with --dev
    this.link = new Link(identity);
    this.turns = new Turns(READS_AT_ONCE);
    this.marks = lasting.get(this.#drawer('read'), {});
    for (const channel of lasting.get(this.#drawer('rooms'), [LOBBY])) this.#add(channel);
    this.link.addEventListener('change', () => this.#changed());
    addEventListener('storage', this.#stored);
    addEventListener('hashchange', this.#followHash);
    this.#followHash();
    this.link.connect();
  }

  end() {
    removeEventListener('storage', this.#stored);
    removeEventListener('hashchange', this.#followHash);
    this.current?.close();
    this.link.close();
  }

  /** Opens a room, joining it first if it isn't on the list. */
  open(channel) {
    if (this.current?.channel === channel) return;
    const room = this.rooms.get(channel) ?? this.#join(channel);
    this.current?.close();
    this.current = room;
    room.open();
    history.replaceState(null, '', `#${encodeURIComponent(channel)}`);
    this.#changed();
  }

  /** Takes a room off the list; its messages stay in the log. */
  leave(channel) {
    const room = this.rooms.get(channel);
    if (!room) return;
    const wasOpen = this.current === room;
    this.rooms.delete(channel);
    room.leave();
    this.#saveRooms();
    if (wasOpen) {
      this.current = null;
      this.open(this.ordered()[0]?.channel ?? LOBBY);
    }
    this.#changed();
  }

  /** The rooms, those with the newest message first. */
  ordered() {
    const newest = (room) => room.last?.time ?? 0;
    return [...this.rooms.values()].sort((a, b) => newest(b) - newest(a) || a.title.localeCompare(b.title));
  }

  get unread() {
    return [...this.rooms.values()].reduce((sum, room) => sum + room.unread, 0);
  }

  #join(channel) {
    const room = this.#add(channel);
    this.#saveRooms();
    return room;
  }

  #add(channel) {
    const room = new Room(channel, {
      me: this.me,
      link: this.link,
      turns: this.turns,
      mark: this.marks[channel] ?? null,
      saveMark: (mark) => this.#saveMark(channel, mark),
    });
    this.rooms.set(channel, room);
    room.addEventListener('change', () => this.#changed());
    room.addEventListener('arrival', ({ detail }) => this.#arrived(room, detail));
    return room;
  }

  #arrived(room, { sender, text }) {
    this.announcement = room === this.current ? `${sender}: ${text}` : `${sender} in ${room.title}: ${text}`;
    this.#changed();
  }

  #saveMark(channel, mark) {
    this.marks = { ...lasting.get(this.#drawer('read'), {}), [channel]: mark };
    lasting.set(this.#drawer('read'), this.marks);
  }

  #saveRooms() {
    lasting.set(this.#drawer('rooms'), [...this.rooms.keys()]);
  }

  #drawer(what) {
    return `${what}.${this.me}`;
  }

  // The same user reads and joins in another window too.
  #stored = ({ key }) => {
    if (key === `chatfleet.${this.#drawer('read')}`) {
      this.marks = lasting.get(this.#drawer('read'), {});
      for (const [channel, mark] of Object.entries(this.marks)) this.rooms.get(channel)?.setMark(mark);
    }
    if (key === `chatfleet.${this.#drawer('rooms')}`) {
      for (const channel of lasting.get(this.#drawer('rooms'), [])) if (!this.rooms.has(channel)) this.#add(channel);
      this.#changed();
    }
  };

  #followHash = () => {
    const channel = decodeHash(location.hash) || this.current?.channel || this.rooms.keys().next().value || LOBBY;
    this.open(channel);
  };

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

function decodeHash(hash) {
  try {
    const channel = decodeURIComponent(hash.slice(1));
    return /^(room|dm):./.test(channel) ? channel : '';
  } catch {
    return '';
  }
}
