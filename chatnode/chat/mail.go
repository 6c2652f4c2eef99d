package chat

import (
	"context"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Mail is what others have written to a user in one direct conversation.
type Mail struct {
	Channel string
	Feed    backbone.Feed
	// Messages is how many there are behind the place that was asked about, up to backbone.MaxUnread.
	Messages int
	// At is up to where the part of the log that the conversation lives in was looked at: whatever the user has been written in that part
	// up to there is counted, in whichever conversation.
	At backbone.Position
}

// Mail tells of all direct conversations of a user how much others have written behind the place that behind gives for each. So a place in
// each part of the log, which backbone.Backbone.ShardOf names, says exactly what a user has read of all direct conversations: the least At of
// the conversations in a part vouches for all of them. Errors: Invalid, Unavailable.
func (s *Service) Mail(ctx context.Context, a Actor, behind func(feed backbone.Feed) uint64) ([]Mail, error) {
	if a.User == "" {
		return nil, failf(Invalid, "mail is a user's: say for whom you ask")
	}
	feeds, err := s.directs(ctx, a)
	for err == nil {
		questions := make([]backbone.UnreadQuestion, 0, len(feeds))
		for feed := range feeds {
			questions = append(questions, backbone.UnreadQuestion{Feed: feed, After: behind(feed), User: backbone.NameHash(a.User)})
		}
		answers, upTo, failed := s.log.UnreadUpTo(ctx, questions)
		if failed != nil {
			return nil, fromLog(failed)
		}
		// A conversation is on the list before its first message is in the log: one that began before the log was looked at shows now.
		known := feeds
		if feeds, err = s.directs(ctx, a); err == nil && !began(known, feeds) {
			return mailOf(questions, answers, upTo), nil
		}
	}
	return nil, fromLog(err)
}

// began says whether there are feeds that were not known.
func began(known, feeds map[backbone.Feed]bool) bool {
	for feed := range feeds {
		if !known[feed] {
			return true
		}
	}
	return false
}

func mailOf(questions []backbone.UnreadQuestion, answers []backbone.Unread, upTo []backbone.Position) []Mail {
	mail := make([]Mail, len(questions))
	for i, q := range questions {
		mail[i] = Mail{Channel: Channel(q.Feed), Feed: q.Feed, Messages: answers[i].Messages, At: upTo[i]}
	}
	return mail
}

// directs are the feeds of a user's direct conversations, as the table has them and not as this node remembers them.
func (s *Service) directs(ctx context.Context, a Actor) (map[backbone.Feed]bool, error) {
	rows, err := s.tables.All(ctx, layout.Inbox, layout.RowKey(a.App, a.User))
	if err != nil {
		return nil, err
	}
	feeds := map[backbone.Feed]bool{}
	for _, row := range rows {
		if parts, ok := layout.ParseRowKey(row.Key); ok && len(parts) == 3 && strings.HasPrefix(parts[2], directPrefix) {
			feeds[backbone.Feed{Kind: layout.Room, App: a.App, Name: parts[2]}] = true
		}
	}
	return feeds, nil
}
