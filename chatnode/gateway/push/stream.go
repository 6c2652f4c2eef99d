package push

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

const (
	// roomsAtOnce is how many conversations are read at a time for one request.
	roomsAtOnce = 8
	// mostPerPage is how many messages are asked of a conversation at a time.
	mostPerPage = 200
	// allowance is how far, in milliseconds, messages are taken up again before the last one whose position is void: clocks differ.
	allowance = 5000
	// maxLookBack is how many messages of one conversation are looked at for that.
	maxLookBack = 2000
)

// batch is a part of what others have written to a user directly.
type batch struct {
	letters []letter
	// then is the position behind them, and more says that there are others before the end.
	then position
	more bool
	// feeds are all the user's direct conversations.
	feeds []backbone.Feed
}

// part is what a batch is made of: the conversations that live in one part of the log.
type part struct {
	number int
	mail   []chat.Mail
	// bound is up to where the part is known, or wanted, and epoch its incarnation.
	bound uint64
	epoch string
	// letters are sorted by their offsets, and all there are up to a horizon that they don't pass.
	letters []letter
	more    bool
}

// after reads at most so many letters behind a position, up to another one unless that is nil: those of each conversation, and of each part of
// the log, in their order; of different parts the older first. Parts whose incarnation changed are taken up again by time.
func (g *Gateway) after(ctx context.Context, user string, from position, upTo *position, most int) (b batch, err error) {
	a := chat.Actor{App: g.options.App, User: user}
	parts, from, err := g.parts(ctx, a, from)
	if err != nil {
		return b, err
	}
	with := 0
	for _, p := range parts {
		for _, m := range p.mail {
			b.feeds = append(b.feeds, m.Feed)
			if m.Messages > 0 {
				with++
			}
		}
		if upTo != nil {
			if end := upTo.marks[p.number]; end.epoch == hashed(p.epoch) {
				p.bound = min(p.bound, end.offset)
			} else if end.offset == 0 {
				p.bound = 0 // there was no conversation in that part
			}
		}
	}
	if with == 0 {
		b.then = from
		return b, nil
	}
	each := max(1, most/with)
	work, reads := errgroup.WithContext(ctx)
	work.SetLimit(roomsAtOnce)
	for _, p := range parts {
		work.Go(func() error { return g.fill(reads, a, p, from.marks[p.number].offset, each) })
	}
	if err := work.Wait(); err != nil {
		return b, err
	}
	b.merge(parts, from, most)
	return b, nil
}

// merge takes letters from the parts, the oldest first.
func (b *batch) merge(parts []*part, from position, most int) {
	b.then = from
	for {
		var next *part
		for _, p := range parts {
			if len(p.letters) > 0 && (next == nil || p.letters[0].time < next.letters[0].time) {
				next = p
			}
			b.more = b.more || p.more
		}
		if next == nil {
			return
		}
		if len(b.letters) == most {
			b.more = true
			return
		}
		l := next.letters[0]
		next.letters = next.letters[1:]
		b.then = b.then.with(next.number, mark{l.offset, hashed(next.epoch)}, l.time)
		l.then = b.then
		b.letters = append(b.letters, l)
	}
}

// parts asks what there is behind a position, and sorts it by parts of the log. The position that it gives has no mark of an earlier incarnation.
func (g *Gateway) parts(ctx context.Context, a chat.Actor, from position) ([]*part, position, error) {
	for {
		mail, err := g.options.Chat.Mail(ctx, a, func(feed backbone.Feed) uint64 {
			return from.marks[g.options.Log.ShardOf(feed).Number].offset
		})
		if err != nil {
			return nil, from, err
		}
		byNumber := map[int]*part{}
		for _, m := range mail {
			n := g.options.Log.ShardOf(m.Feed).Number
			p := byNumber[n]
			if p == nil {
				p = &part{number: n, bound: math.MaxUint64, epoch: m.At.Epoch}
				byNumber[n] = p
			}
			p.mail, p.bound = append(p.mail, m), min(p.bound, m.At.Offset)
		}
		parts, void := make([]*part, 0, len(byNumber)), false
		for _, p := range byNumber {
			parts = append(parts, p)
			if m, ok := from.marks[p.number]; ok && m.epoch != hashed(p.epoch) {
				offset, err := g.rewind(ctx, a, p, from.time*1000-allowance)
				if err != nil {
					return nil, from, err
				}
				from, void = from.with(p.number, mark{offset, hashed(p.epoch)}, 0), true
			}
		}
		if !void {
			slices.SortFunc(parts, func(p, other *part) int { return cmp.Compare(p.number, other.number) })
			return parts, from, nil
		}
	}
}

// rewind finds the offset in a part behind which everything has come since a time in milliseconds: where an offset is void, time is what is
// left to go by.
func (g *Gateway) rewind(ctx context.Context, a chat.Actor, p *part, since int64) (uint64, error) {
	offset := p.bound
	for _, m := range p.mail {
		before := uint64(0)
		for looked := 0; looked < maxLookBack; {
			page, err := g.options.Chat.Messages(ctx, a, &chatv1.MessagesRequest{Room: m.Channel, Before: before, Limit: mostPerPage})
			if err != nil {
				return 0, err
			}
			old := false
			for _, message := range page.GetMessages() {
				if before == 0 || message.GetOffset() < before {
					before = message.GetOffset()
				}
				if message.GetTime() < since {
					old = true
				} else {
					offset = min(offset, message.GetOffset()-1)
				}
			}
			looked += len(page.GetMessages())
			if old || !page.GetMore() || len(page.GetMessages()) == 0 {
				break
			}
		}
	}
	return offset, nil
}

// fill reads, of each conversation of a part, so many letters behind an offset.
func (g *Gateway) fill(ctx context.Context, a chat.Actor, p *part, behind uint64, each int) error {
	horizon := p.bound
	var mu sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(roomsAtOnce)
	for _, m := range p.mail {
		if m.Messages == 0 || behind >= p.bound {
			continue
		}
		work.Go(func() error {
			letters, end, err := g.written(ctx, a, m.Channel, behind, p.bound, each)
			mu.Lock()
			defer mu.Unlock()
			p.letters, horizon = append(p.letters, letters...), min(horizon, end)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	p.more = horizon < p.bound
	p.letters = slices.DeleteFunc(p.letters, func(l letter) bool { return l.offset > horizon })
	slices.SortFunc(p.letters, func(l, other letter) int { return cmp.Compare(l.offset, other.offset) })
	return nil
}

// written reads at most so many letters of one conversation between two offsets, and up to where there are no others.
func (g *Gateway) written(ctx context.Context, a chat.Actor, channel string, behind, bound uint64, most int) (letters []letter, end uint64, err error) {
	// The user's own messages, of which there may be many, are passed over in pages that become larger.
	for limit := min(most+8, mostPerPage); ; limit = min(2*limit, mostPerPage) {
		q := &chatv1.MessagesRequest{Room: channel, After: behind, Limit: uint32(limit)}
		if behind == 0 {
			q.Before, q.Limit = 2, 1 // a page after 0 would be the newest; offsets begin at 1
		}
		page, err := g.options.Chat.Messages(ctx, a, q)
		if err != nil {
			return nil, 0, err
		}
		for _, m := range page.GetMessages() {
			switch behind = m.GetOffset(); {
			case behind > bound:
				return letters, bound, nil
			case m.GetDeleted() || m.GetSender() == a.User:
				continue
			}
			letters = append(letters, letter{
				from: m.GetSender(), to: a.User, body: bodyOf(m), time: m.GetTime(), offset: m.GetOffset(),
			})
			if len(letters) == most {
				return letters, behind, nil
			}
		}
		switch {
		case q.After == 0:
			behind = max(behind, 1)
		case !page.GetMore() || len(page.GetMessages()) == 0:
			return letters, bound, nil
		}
	}
}

// bodyOf is a message in the one text that the protocol has.
func bodyOf(m *chatv1.Message) string {
	if m.Text != nil {
		return m.GetText()
	}
	if ours := m.GetData().GetStructValue().GetFields()[dataKey]; ours != nil {
		return "" // sent here, and empty
	}
	if m.GetData() != nil {
		return string(quoted(m.GetData().AsInterface()))
	}
	var urls []string
	for _, attachment := range m.GetAttachments() {
		urls = append(urls, attachment.GetUrl())
	}
	return strings.Join(urls, " ")
}
