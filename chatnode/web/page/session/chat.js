// Everything of one signed-in user: the connection, the rooms on the list and
// the one that is open. The list has the rooms of which the user is a member,
// as the node tells, and those that this browser was asked to show. Fires
// "change"; a room's own changes are its own, except that the list shows them.

import { describe, LOBBY } from '../model/channel.js';
import { ask } from './ask.js';
import { Directory } from './directory.js';
import { Link } from './link.js';
import { Room } from './room.js';
import { Self } from './self.js';
import { lasting } from './storage.js';
import { Turns } from './turns.js';

const READS_AT_ONCE = 4;
const NO_METHOD = 104; // as the node answers where searching is switched off
const FOUND_AT_ONCE = 30;
const MOST_NOTICES = 20; // older ones go
const EXPELLED = {
  kicked: (title) => `You were taken out of ${title}.`,
  banned: (title) => `You are banned from ${title}.`,
  deleted: (title) => `${title} was deleted.`,
};

export class Chat extends EventTarget {
  rooms = new Map();
  current = null;
  heard = ''; // the last message that came while somebody looked
  notices = []; // what the user should know, until it is put away: {key, kind, text}
  searchable = false;
  #before = []; // the rooms of a member when the list was asked for
  #expelled = new Map(); // channel → what happened, until the list lacks it

  constructor(identity) {
    super();
    this.me = identity.user;
    this.development = !identity.token; // the node itself named this user, so it runs with --dev
    this.link = new Link(identity);
    this.turns = new Turns(READS_AT_ONCE);
    this.self = new Self(this.me, this.link, (error) => this.say(`Your status and your blocks could not be read. ${error.message}`));
    this.self.addEventListener('change', () => this.#changed());
    this.marks = lasting.get(this.#drawer('read'), {});
    this.directory = new Directory(this.link, {
      began: () => (this.#before = [...this.rooms.values()].filter(({ membership }) => membership !== '')),
      took: (conversations, complete) => this.#listed(conversations, complete),
      failed: (error) => this.say(`The list of rooms could not be read. ${error.message}`),
    });
    for (const channel of lasting.get(this.#drawer('rooms'), [LOBBY])) this.#add(channel);
    this.link.addEventListener('change', () => this.#changed());
    this.link.addEventListener('personal', ({ detail }) => this.#told(detail));
    this.link.client.on('connected', () => {
      this.directory.refresh();
      this.#askSearch();
    });
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

  /** Opens a room, putting it on the list first if it isn't there; at is the offset to show. */
  open(channel, at = 0) {
    if (this.current?.channel !== channel) {
      const room = this.rooms.get(channel) ?? this.#show(channel);
      this.current?.close();
      this.current = room;
      room.open();
      history.replaceState(null, '', `#${encodeURIComponent(channel)}`);
      this.#changed();
    }
    if (at > 0) this.current.goTo(at);
  }

  /** Ends the user's membership, and takes the room off the list. */
  async leave(channel) {
    const room = this.rooms.get(channel);
    if (!room) return;
    try {
      if (room.rights.leave) await room.ask('leave');
      this.#drop(room);
    } catch (error) {
      this.say(error.message);
    }
  }

  /** Makes a room and opens it; rejects with the node's error. */
  async create(request) {
    const info = await ask(this.link, 'create_room', request);
    const room = this.rooms.get(info.room) ?? this.#add(info.room);
    room.tell({ room: info, marks: {} });
    this.open(info.room);
  }

  /** Messages that have the words, in one room or in all of which the user is a member; rejects with the node's error. */
  async search(query, room) {
    const { messages = [] } = await ask(this.link, 'search', { query, room, limit: FOUND_AT_ONCE });
    return messages;
  }

  titleOf(channel) {
    return this.rooms.get(channel)?.title ?? describe(channel, this.me).title;
  }

  /** Shows the user a text until it is put away: of the kind "word", from the page, or "announcement". */
  say(text, kind = 'word', key = `${kind} ${text}`) {
    if (this.notices.some((notice) => notice.key === key)) return;
    this.notices = [...this.notices, { key, kind, text }].slice(-MOST_NOTICES);
    this.#changed();
  }

  putAway({ key }) {
    this.notices = this.notices.filter((notice) => notice.key !== key);
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

  #show(channel) {
    const room = this.#add(channel);
    this.#saveRooms();
    return room;
  }

  #add(channel) {
    const room = new Room(channel, {
      me: this.me,
      self: this.self,
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

  #drop(room) {
    if (!this.rooms.delete(room.channel)) return;
    room.leave();
    this.#saveRooms();
    if (this.current === room) {
      this.current = null;
      this.open(this.ordered()[0]?.channel ?? LOBBY);
    }
    this.#changed();
  }

  // Rooms that went from the list while it was read come with the next reading.
  #listed(conversations, complete) {
    const listed = new Set(conversations.map(({ room }) => room.room));
    for (const conversation of conversations) {
      const { room: channel } = conversation.room;
      (this.rooms.get(channel) ?? this.#add(channel)).tell(conversation);
    }
    const gone = complete ? this.#before.filter(({ channel }) => !listed.has(channel)) : [];
    for (const room of gone) {
      if (this.rooms.get(room.channel) !== room) continue;
      const happened = EXPELLED[this.#expelled.get(room.channel)];
      if (happened) this.say(happened(room.title));
      else if (room === this.current) this.say(`${room.title} is no longer on your list.`);
      this.#expelled.delete(room.channel);
      this.#drop(room);
    }
    this.#saveRooms();
    this.#changed();
  }

  // An event on the personal feed.
  #told(event) {
    if (event?.type === 'conversation') {
      if (Object.hasOwn(EXPELLED, event.change)) this.#expelled.set(event.room, event.change);
      else this.#expelled.delete(event.room);
      this.directory.refresh();
    } else if (event?.type === 'mark') this.rooms.get(event.room)?.readElsewhere({ offset: event.read });
    else if (event?.type === 'status' || event?.type === 'block') this.self.hear(event);
    else if (event?.type === 'notice' && typeof event.text === 'string') this.say(event.text, 'announcement', event.id);
  }

  // Without words the node finds fault with the question, if it searches at all.
  async #askSearch() {
    try {
      await ask(this.link, 'search', { query: '' });
    } catch (error) {
      this.searchable = error.code !== NO_METHOD;
      this.#changed();
    }
  }

  #arrived(room, { sender, text }) {
    this.heard = room === this.current ? `${sender}: ${text}` : `${sender} in ${room.title}: ${text}`;
    this.#changed();
  }

  #saveMark(channel, mark) {
    this.marks = { ...lasting.get(this.#drawer('read'), {}), [channel]: mark };
    lasting.set(this.#drawer('read'), this.marks);
  }

  // A member's rooms are on the node's list, and gone when they go from it.
  #saveRooms() {
    const own = [...this.rooms.values()].filter(({ membership }) => membership === '');
    lasting.set(
      this.#drawer('rooms'),
      own.map(({ channel }) => channel),
    );
  }

  #drawer(what) {
    return `${what}.${this.me}`;
  }

  // The same user reads and adds rooms in another window too.
  #stored = ({ key }) => {
    if (key === `chatfleet.${this.#drawer('read')}`) {
      this.marks = lasting.get(this.#drawer('read'), {});
      for (const [channel, local] of Object.entries(this.marks)) this.rooms.get(channel)?.readElsewhere({ local });
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
