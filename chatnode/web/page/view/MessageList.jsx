import { Component, createRef } from 'preact';
import { rows } from '../model/rows.js';
import { Icon } from './Icon.jsx';
import { Message } from './Message.jsx';
import { hold, isAtEnd, restore } from './scroll.js';
import { dayName } from './times.js';

const LOAD_AHEAD_PX = 900;

/**
 * The messages of a room. It stays at the newest one as long as the reader is
 * there; else nothing that is added above or below moves what is being read.
 */
export class MessageList extends Component {
  scroller = createRef();
  state = { away: false };
  atEnd = true;
  shownNew = false;

  componentDidMount() {
    this.resized = new ResizeObserver(() => this.atEnd && this.toEnd());
    this.resized.observe(this.scroller.current);
    document.addEventListener('visibilitychange', this.onScroll);
    addEventListener('focus', this.onScroll);
    this.settle(null);
  }

  componentWillUnmount() {
    this.resized.disconnect();
    document.removeEventListener('visibilitychange', this.onScroll);
    removeEventListener('focus', this.onScroll);
  }

  getSnapshotBeforeUpdate() {
    return this.atEnd ? null : hold(this.scroller.current);
  }

  componentDidUpdate(before, _state, held) {
    // Whoever sends wants to see it, wherever they were reading.
    if (before.sends !== this.props.sends) this.atEnd = true;
    this.settle(held);
  }

  settle(held) {
    const { room } = this.props;
    if (room.jump && room.jump !== this.shownJump && this.showPlace(room.jump)) this.shownNew = true;
    else if (!this.shownNew && room.feed.loaded) {
      this.shownNew = true;
      this.showFirstNew();
    } else if (this.atEnd) this.toEnd();
    else restore(this.scroller.current, held);
    this.onScroll();
  }

  // Whoever opens a room with more unread messages than fit begins at the first.
  showFirstNew() {
    const scroller = this.scroller.current;
    this.toEnd();
    const mark = scroller.querySelector('.new-mark');
    if (mark && mark.offsetTop < scroller.scrollTop) scroller.scrollTop = mark.offsetTop - 16;
  }

  // Somebody followed a quotation or found something.
  showPlace(jump) {
    const message = this.scroller.current.querySelector(`[data-offset="${jump.offset}"]`);
    if (!message) return false;
    this.shownJump = jump;
    message.scrollIntoView({ block: 'center' });
    return true;
  }

  toEnd = () => {
    const scroller = this.scroller.current;
    scroller.scrollTop = scroller.scrollHeight;
  };

  onScroll = () => {
    const scroller = this.scroller.current;
    this.atEnd = isAtEnd(scroller);
    if (this.state.away === this.atEnd) this.setState({ away: !this.atEnd });
    if (scroller.scrollTop < LOAD_AHEAD_PX) this.props.room.feed.loadOlder();
    if (this.atEnd && document.visibilityState === 'visible') this.props.room.markRead();
  };

  render({ room, version }, { away }) {
    return (
      <div class="messages-frame">
        <div class="messages" ref={this.scroller} onScroll={this.onScroll} role="log" aria-live="off" aria-label={`Messages in ${room.title}`} tabIndex={0} data-testid="message-list">
          <Beginning room={room} />
          {this.lines(room, version)}
        </div>
        {away && (
          <button class="to-newest" type="button" onClick={this.toEnd} data-testid="to-newest">
            <Icon name="down" />
            {room.unread > 0 ? `${room.unread} new` : 'Newest'}
          </button>
        )}
      </div>
    );
  }

  // The same list again lets preact skip all of it, so scrolling costs nothing.
  lines(room, version) {
    const { onThread } = this.props;
    if (this.linesOf !== version) {
      this.linesOf = version;
      this.drawn = rows(room.timeline.list(), (entry) => room.isNew(entry)).map((row) => line(row, room, onThread));
    }
    return this.drawn;
  }
}

function line(row, room, onThread) {
  if (row.kind === 'day') {
    return (
      <div class="day" key={row.key}>
        <span>{dayName(row.time)}</span>
      </div>
    );
  }
  if (row.kind === 'new') {
    return (
      <div class="new-mark" key={row.key}>
        <span>New</span>
      </div>
    );
  }
  return <Message key={row.key} row={row} room={room} onThread={onThread} />;
}

function Beginning({ room: { feed, timeline, title, direct, problem, rights } }) {
  if (feed.problem) {
    return (
      <p class="beginning" role="alert" data-testid="unreadable">
        Messages could not be read. {feed.problem}{' '}
        <button type="button" class="link" onClick={() => feed.again()}>
          Try again
        </button>
      </p>
    );
  }
  if (!feed.loaded && problem) return null; // the banner tells
  if (!feed.loaded) return <p class="beginning">Loading messages…</p>;
  if (!feed.complete) return <p class="beginning">{feed.loading ? 'Loading older messages…' : ''}</p>;
  if (timeline.last) return <p class="beginning">This is where {direct ? `your chat with ${title}` : `#${title}`} begins.</p>;
  return (
    <div class="empty">
      <h3>Nothing here yet</h3>
      <p>{rights.write ? `Say something to ${title}: the first message opens the room.` : `Nobody has said anything in ${title}.`}</p>
    </div>
  );
}
