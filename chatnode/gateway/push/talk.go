package push

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

const (
	// mostSaved is how many messages one savedmessages gives, and mostSavedBytes about how many bytes of them; the next one gives others.
	mostSaved, mostSavedBytes = 500, 2 << 20
)

// send stores a message in the direct conversation of two users. It is accepted when it is on disk, whoever may receive it.
func (g *Gateway) send(ctx context.Context, q request) (a answer, err error) {
	user, dest := q.params[userParam], q.params[destParam]
	sender, err := g.account(ctx, user)
	if err != nil {
		return a, err
	}
	switch _, ok, err := g.enter(ctx, user, q.params[channelParam]); {
	case err != nil:
		return a, err
	case user == dest:
		return answer{verdict: toOneself}, nil
	case sender == nil:
		return answer{verdict: noUser}, nil
	case !ok:
		return answer{verdict: notSender}, nil
	}
	if known, err := g.knows(ctx, user, dest); err != nil || !known {
		return answer{verdict: noUser}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return a, err
	}
	m := &chatv1.SendRequest{Id: id.String(), Room: chat.Direct(user, dest)}
	if text := strings.ToValidUTF8(g.options.Shape.message(q), "\uFFFD"); text != "" {
		m.Text = &text
	} else {
		m.Data = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			dataKey: structpb.NewStructValue(&structpb.Struct{}),
		}})
	}
	_, err = g.options.Chat.Send(ctx, chat.Actor{App: g.options.App, User: user}, m)
	return a, err
}

// seenElsewhere is what other protocols know of a user.
type seenElsewhere struct{ known, online bool }

// presence asks how a user is seen on other protocols. Whoever hides there is not online for others.
func (g *Gateway) presence(ctx context.Context, user string) (seen seenElsewhere, err error) {
	server := chat.Actor{App: g.options.App, Server: true}
	reply, err := g.options.Chat.Presence(ctx, server, &chatv1.PresenceRequest{Users: []string{user}})
	if err != nil || len(reply.GetUsers()) == 0 {
		return seen, err
	}
	status := reply.GetUsers()[0].GetStatus()
	seen.online = status == chatv1.Status_STATUS_ONLINE || status == chatv1.Status_STATUS_AWAY
	seen.known = status != chatv1.Status_STATUS_UNSPECIFIED || reply.GetUsers()[0].GetLastSeen() > 0
	return seen, nil
}

// knows says whether one can write to a user: there is an account, or the user is known on another protocol, or has written to the sender.
func (g *Gateway) knows(ctx context.Context, sender, user string) (bool, error) {
	if chat.CheckUser(user) != nil {
		return false, nil
	}
	account, err := g.account(ctx, user)
	if err != nil || account != nil {
		return account != nil, err
	}
	if seen, err := g.presence(ctx, user); err != nil || seen.known {
		return seen.known, err
	}
	room := chat.Direct(sender, user)
	reply, err := g.options.Chat.Messages(ctx, chat.Actor{App: g.options.App, User: sender}, &chatv1.MessagesRequest{Room: room, Limit: 1})
	return len(reply.GetMessages()) > 0, err
}

// isOnline says whether a user has a session here, or is connected by another protocol. Anybody may ask.
func (g *Gateway) isOnline(ctx context.Context, q request) (answer, error) {
	a := answer{extra: "online", value: false}
	user := q.params[userParam]
	account, err := g.account(ctx, user)
	switch {
	case err != nil:
		return a, err
	case g.sessionsOf(user, account) > 0:
		a.value = true
		return a, nil
	case chat.CheckUser(user) != nil:
		a.verdict = noUser
		return a, nil
	}
	seen, err := g.presence(ctx, user)
	if a.value = seen.online; account == nil && !seen.known {
		a.verdict = noUser
	}
	return a, err
}

// savedMessages gives what was written to the user while nobody was logged in, the newest first, and takes it that it has been received: the
// protocol has no way to say so. In the log of the conversations it stays.
func (g *Gateway) savedMessages(ctx context.Context, q request) (answer, error) {
	a := answer{extra: "messages", value: []any{}}
	user := q.params[userParam]
	if _, ok, err := g.enter(ctx, user, q.params[channelParam]); !ok || err != nil {
		a.verdict = notSaved
		return a, err
	}
	var letters []letter
	_, err := g.accounts.change(ctx, g.accountKey(user), func(now *account) (*account, error) {
		if letters = nil; now == nil || len(now.Saved) == 0 {
			return nil, errKeep
		}
		for bytes := 0; len(now.Saved) > 0; {
			first := &now.Saved[0]
			b, err := g.after(ctx, user, first.After, &first.UpTo, mostSaved-len(letters))
			if err != nil {
				return nil, err
			}
			letters = append(letters, b.letters...)
			for _, l := range b.letters {
				bytes += len(l.body)
			}
			if first.After = b.then; !b.more {
				now.Saved = now.Saved[1:]
			}
			if len(letters) >= mostSaved || bytes >= mostSavedBytes {
				break
			}
		}
		return now, nil
	})
	if err != nil {
		return a, err
	}
	newestFirst(letters)
	a.value = g.options.Shape.saved(letters)
	return a, nil
}

func newestFirst(letters []letter) {
	for i, j := 0, len(letters)-1; i < j; i, j = i+1, j-1 {
		letters[i], letters[j] = letters[j], letters[i]
	}
}
