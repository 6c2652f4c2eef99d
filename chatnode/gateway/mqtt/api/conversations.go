package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
)

func (r *request) listConversations(ctx context.Context) (answer, error) {
	return r.list(ctx, false, "")
}

func (r *request) listArchived(ctx context.Context) (answer, error) { return r.list(ctx, true, "") }

func (r *request) getConversation(ctx context.Context) (answer, error) {
	return r.list(ctx, false, r.names[1])
}

func (r *request) getArchived(ctx context.Context) (answer, error) {
	return r.list(ctx, true, r.names[1])
}

func (r *request) list(ctx context.Context, archived bool, only string) (answer, error) {
	a, err := r.userOfPath()
	if err != nil {
		return answer{}, err
	}
	found, err := r.api.o.Timelines.Conversations(ctx, a, archived, only)
	if err != nil {
		return answer{}, err
	}
	return result(found)
}

func (r *request) listMessages(ctx context.Context) (answer, error) {
	if r.names[0] != r.id.User {
		return otherApp, nil
	}
	a := r.own()
	p, err := r.api.o.Timelines.Find(ctx, a, r.names[1])
	if err != nil {
		return answer{}, err
	}
	found, err := r.api.o.Timelines.History(ctx, a, p)
	if err != nil {
		return answer{}, err
	}
	return result(found)
}

// archiveConversation archives for the caller, or for the user that an administrator names.
func (r *request) archiveConversation(ctx context.Context) (answer, error) {
	a := r.own()
	if user := textOf(r.body, "user_id"); user != "" && r.id.Admin {
		a.User = user
	}
	if err := r.api.o.Timelines.Archive(ctx, a, r.names[0]); err != nil {
		return answer{}, err
	}
	return answer{http.StatusCreated, object{"success": true}}, nil
}

func (r *request) sendMessage(ctx context.Context) (answer, error) {
	_, err := r.send(ctx)
	return done, err
}

func (r *request) sendMessageSync(ctx context.Context) (answer, error) {
	sent, err := r.send(ctx)
	return answer{http.StatusOK, object{"success": true, "message": sent}}, err
}

// send stores a message, and gives it as its sender sees it.
func (r *request) send(ctx context.Context) (chat21.Fields, error) {
	for _, needed := range []struct{ field, missing string }{
		{"sender_fullname", "Sender Fullname is mandatory"},
		{"recipient_id", "Recipient id is mandatory"},
		{"recipient_fullname", "Recipient Fullname is mandatory"},
	} {
		if textOf(r.body, needed.field) == "" {
			return nil, refuse405(needed.missing)
		}
	}
	a := r.own()
	if sender := textOf(r.body, "sender_id"); sender != "" && r.id.Admin {
		a.User, a.Server = sender, true
	}
	to := textOf(r.body, "recipient_id")
	if chat.CheckUser(to) != nil || chat.CheckUser(a.User) != nil {
		return nil, refuse405("The id of the sender or the recipient is none")
	}
	message := chat21.Fields{}
	for name, value := range r.body {
		if name != "recipient_id" && name != "sender_id" {
			message[name] = value
		}
	}
	if message["channel_type"] == nil {
		message["channel_type"] = json.RawMessage(`"direct"`)
	}
	payload, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	return r.api.o.Timelines.SendAs(ctx, a, to, payload)
}

func (r *request) takeInstance(context.Context) (answer, error) { return done, nil }

// notify would push to phones.
func (r *request) notify(context.Context) (answer, error) {
	if !r.id.Admin {
		return answer{}, errDenied
	}
	return answer{http.StatusNotImplemented, object{"success": false, "err": "push is not served here"}}, nil
}

func (r *request) getInfo(context.Context) (answer, error) {
	return answer{http.StatusOK, object{"version": r.api.o.Version}}, nil
}

// verify shows what the token says.
func (r *request) verify(context.Context) (answer, error) {
	claims := object{}
	if err := r.api.o.Tokens.Foreign(r.token, &claims); err != nil {
		return unauthorized, nil
	}
	return answer{http.StatusOK, claims}, nil
}
