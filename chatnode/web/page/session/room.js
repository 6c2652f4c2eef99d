// One room on the list: its messages, who is there, who is typing, what is
// unread, and saying and doing something in it. Fires "change", "publication"
// for all that comes from it, "arrival" for a live message of somebody else, and
// "members" when something about its members or settings has changed.

import { describe, directUsers } from '../model/channel.js';
import { isAfter } from '../model/mark.js';
import { mentionsIn } from '../model/mentions.js';
import { messageFrom, receiptOf, typingOf } from '../model/message.js';
import { isTemporary } from '../model/outbox.js';
import { reasonOf } from '../model/reason.js';
import { mutedUntil, rightsOf } from '../model/rights.js';
import { Timeline } from '../model/timeline.js';
import { uuid7 } from '../model/uuid7.js';
import { ask } from './ask.js';
import { Delivered } from './delivered.js';
import { Feed } from './feed.js';
import { Peer } from './peer.js';
import { ReadMark } from './read-mark.js';
import { Typists } from './typists.js';
import { Unsent } from './unsent.js';
import { Who } from './who.js';

const KEPT_WHEN_CLOSED = 200;
const KEPT_WHEN_OPEN = 2000;
const TYPING_EVERY_MS = 3000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Room extends EventTarget {
  version = 0; // counts changes, so that views can tell old from new
  unread = 0;
  newSince = null; // the read mark behind which messages are shown as new
  problem = ''; // why the room is closed
  complaint = ''; // why the last thing that the user did wasn't done
  draft = '';
  writing = {}; // what the composer is about: {edit: entry}, {replyTo: entry} or nothing
  jump = null; // the place to show: {offset}, a new object for each jump
  sends = 0; // counts what the user has sent, so that the view follows
  info = null; // the room as the node tells it, with the user's membership in "me"
  #listed = null; // its newest message by the list, until the room's own are here
  #open = false;
  #typingSentAt = 0;
  #putAway = ''; // the complaint that the user has seen
  #muted = 0; // timer until the user may speak again

  /** context: {me, self, link, turns, mark, saveMark(mark)} */
  constructor(channel, { me, self, link, turns, mark, saveMark }) {
    super();
    Object.assign(this, { channel, me, self, link, ...describe(channel, me) });
    const failed = (error) => this.fault(error);
    this.mark = new ReadMark(mark, { keep: saveMark, tell: (offset) => this.ask('read', { offset }), failed });
    this.delivered = new Delivered({ read: () => this.mark.value?.offset ?? 0, tell: (offset) => this.ask('delivered', { offset }), failed });
    this.timeline = new Timeline();
    const changed = () => this.#changed();
    this.typists = new Typists(changed);
    this.sub = link.client.newSubscription(channel, { recoverable: true, positioned: true, joinLeave: true });
    this.who = new Who(this.sub, { changed, failed });
    if (this.direct) this.peer = new Peer(directUsers(channel).find((user) => user !== me) ?? me, this, changed);
    const source = { sub: this.sub, timeline: this.timeline, turns, ask: (method, request) => this.ask(method, request) };
    this.feed = new Feed(source, {
      changed,
      received: (publication, message) => this.#received(publication, message),
      subscribed: () => this.#subscribed(),
      closed: (reason) => this.#closed(reason),
    });
    this.unsent = new Unsent(this, { changed });
    this.sub.subscribe();
  }

  open() {
    this.#open = true;
    if (this.unread === 0) this.newSince = null;
    this.who.watch();
    this.peer?.watch();
    if (this.sub.state === 'subscribed') this.refresh();
    this.#changed();
  }

  close() {
    this.#open = false;
    this.jump = null;
    this.who.unwatch();
    this.peer?.unwatch();
    this.feed.trim(KEPT_WHEN_CLOSED);
    this.#changed();
  }

  /** Asks again to be let in, after the node has closed the room. */
  rejoin() {
    this.problem = '';
    this.sub.subscribe();
    this.#changed();
  }

  leave() {
    clearTimeout(this.#muted);
    this.typists.clear();
    this.who.unwatch();
    this.peer?.unwatch();
    this.unsent.clear();
    this.sub.unsubscribe();
    this.link.client.removeSubscription(this.sub);
  }

  /** One call about this room; rejects with an error whose message is for people. */
  ask(method, request = {}) {
    return ask(this.link, method, { room: this.channel, ...request }, this.reasonOf);
  }

  reasonOf = (error) => reasonOf(error, { [this.channel]: this.name });

  get name() {
    return this.direct ? this.title : `#${this.title}`;
  }

  /** Does something in this room; what the node has against it becomes the complaint. */
  async act(method, request = {}) {
    try {
      const reply = await this.ask(method, { id: uuid7(), ...request });
      this.complain('');
      return reply;
    } catch (error) {
      this.complain(error.message);
      return null;
    }
  }

  complain(complaint) {
    this.complaint = complaint;
    this.#changed();
  }

  putAway() {
    this.#putAway = this.complaint;
    this.complain('');
  }

  /** Something that the page does by itself did not succeed. One reason is told once; of a closed room the problem tells. */
  fault({ message }) {
    if (!this.problem && message !== this.#putAway) this.complain(message);
  }

  /** Takes over the room as the node tells it: {room, last?, marks?} of the list, or {room}. */
  tell({ room, last, marks }) {
    this.info = room;
    this.title = room.title || describe(this.channel, this.me).title;
    if (last) this.#listed = messageFrom(last, last.offset);
    if (this.member && marks) {
      const since = this.direct ? 0 : (room.me.since ?? 0);
      this.mark.follow({ offset: marks.read ?? 0, unread: marks.unread ?? 0, since });
    } else if (!this.member) this.mark.follow(null);
    if (this.direct && marks) this.delivered.follow(marks.delivered ?? 0);
    if (this.direct && last && last.sender !== this.me) this.delivered.reach(last.offset);
    if (this.member && this.problem) this.rejoin();
    this.#awaitSpeech();
    this.#changed();
  }

  /** Asks the node about the room itself. */
  async refresh() {
    try {
      this.tell({ room: await this.ask('get_room') });
    } catch (error) {
      this.fault(error);
    }
  }

  get membership() {
    return this.info?.me?.membership ?? '';
  }

  get member() {
    return this.membership === 'joined';
  }

  get rights() {
    return rightsOf(this.info, this.direct);
  }

  get mutedUntil() {
    return mutedUntil(this.info);
  }

  /** Whether the user has blocked the other one of a direct conversation. */
  get blocked() {
    return this.direct && this.self.hasBlocked(this.peer.user);
  }

  /** Blocks the other one, or lets the other write again. */
  async block(remove) {
    try {
      await this.self.block(this.peer.user, remove);
      this.complain('');
    } catch (error) {
      this.complain(error.message);
    }
  }

  /** said: {text, thread?}; the composer's edit or reply goes with it. */
  send({ text, thread }) {
    const { edit, replyTo } = this.writing;
    this.writing = {};
    this.#typingSentAt = 0;
    const mentions = mentionsIn(text, this.people);
    if (edit) {
      this.#edit(edit, text, mentions);
    } else {
      this.newSince = null;
      if (!thread) this.sends++;
      this.unsent.send({ text, mentions, thread, replyTo: replyTo?.id });
    }
    this.#changed();
  }

  // What the node refuses stands in the composer again.
  async #edit(edit, text, mentions) {
    const done = await this.act('edit', { offset: edit.offset, text, mentions });
    if (!done && !this.writing.edit && !this.draft) this.write({ edit: { ...edit, text } });
  }

  /** Makes the composer edit a message or answer one. */
  write(writing) {
    this.writing = writing;
    if (writing.edit) this.draft = writing.edit.text;
    this.#changed();
  }

  react({ offset, reactions }, reaction) {
    const mine = reactions.find((each) => each.reaction === reaction)?.users.includes(this.me) ?? false;
    return this.act('react', { offset, reaction, remove: mine });
  }

  /** Loads and shows a place. */
  async goTo(offset) {
    if (await this.feed.loadUpTo(offset)) this.jump = { offset };
    else this.complaint = this.feed.problem || 'That message is no longer there.';
    this.#changed();
  }

  retry({ id }) {
    this.unsent.retry(id);
    this.#changed();
  }

  discard({ id }) {
    this.unsent.discard(id);
    this.#changed();
  }

  /** Tells the others at most every three seconds; a lost signal is no loss. */
  typing() {
    if (this.link.state !== 'connected' || Date.now() - this.#typingSentAt < TYPING_EVERY_MS) return;
    this.#typingSentAt = Date.now();
    this.link.client.rpc('chat.typing', { room: this.channel, typing: true }).catch((error) => isTemporary(error) || this.fault({ message: this.reasonOf(error) }));
  }

  /** The reader is at the newest message and has seen everything. */
  markRead() {
    this.feed.trim(KEPT_WHEN_OPEN);
    if (this.mark.advance(this.timeline.newest, this.feed.epoch)) this.#changed();
  }

  /** The same user has read so far in another window of this browser, or on another device. */
  readElsewhere({ local, offset }) {
    if (local) this.mark.setLocal(local);
    else this.mark.moved(offset);
    this.#changed();
  }

  isNew(entry) {
    return this.newSince !== null && entry.sender !== this.me && entry.state === 'sent' && isAfter(entry, this.newSince, this.feed.epoch);
  }

  get last() {
    return this.timeline.last ?? this.#listed;
  }

  /** Users who may be meant by "@name". */
  get people() {
    return [...this.who.users, ...this.timeline.sent.map(({ sender }) => sender)].filter(Boolean);
  }

  #subscribed() {
    this.problem = '';
    this.who.refresh();
    this.peer?.refresh();
    if (this.#open) this.refresh();
    this.#changed();
  }

  #closed(reason) {
    this.problem = reason ? this.reasonOf({ message: reason }) : 'The node closed this room.';
    this.#changed();
  }

  #received(publication, message) {
    this.dispatchEvent(new CustomEvent('publication', { detail: publication }));
    const signal = typingOf(publication);
    if (signal && signal.sender !== this.me) this.typists.hear(signal);
    const said = publication.offset !== undefined && ['message', 'edit'].includes(publication.data?.type);
    if (said) this.typists.hear({ sender: publication.data.sender, typing: false });
    const receipt = receiptOf(publication);
    if (receipt) this.peer?.hear(receipt);
    this.#heed(publication.data ?? {});
    if (message) {
      if (message.sender !== this.me) this.mark.arrived();
      if (message.sender !== this.me && this.direct) this.delivered.reach(message.offset);
      if (!this.#open) this.feed.trim(KEPT_WHEN_CLOSED);
    }
    this.#changed();
    if (message && message.sender !== this.me) this.dispatchEvent(new CustomEvent('arrival', { detail: message }));
  }

  // Until then the composer is away.
  #awaitSpeech() {
    clearTimeout(this.#muted);
    const left = this.mutedUntil - Date.now();
    if (left > 0) this.#muted = setTimeout(() => this.#changed(), Math.min(left + 100, LONGEST_TIMER_MS));
  }

  // Of what happens to others only their list tells, to whoever looks at it.
  #heed({ type, user }) {
    if (!this.#open || (type !== 'member' && type !== 'room')) return;
    if (type === 'room' || user === this.me) this.refresh();
    this.dispatchEvent(new Event('members'));
  }

  #changed() {
    const before = this.unread;
    this.unread = this.#countUnread();
    if (before === 0 && this.unread > 0) this.newSince = this.mark.value;
    this.version++;
    this.dispatchEvent(new Event('change'));
  }

  // Of a member's messages that aren't loaded the node has told how many they are.
  #countUnread() {
    const mark = this.mark.value;
    const isUnread = (entry) => entry.sender !== this.me && !entry.deleted && isAfter(entry, mark, this.feed.epoch);
    const counted = this.timeline.sent.filter(isUnread).length;
    return this.feed.covers(mark?.offset ?? 0) ? counted : Math.max(counted, this.mark.unread);
  }
}
