package mqtt

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/chatfleet/chatfleet/chatnode/chat"
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
	found, err := r.g.conversations(ctx, a, archived, only)
	if err != nil {
		return answer{}, err
	}
	return result(found)
}

func (r *request) listMessages(ctx context.Context) (answer, error) {
	if r.names[0] != r.id.user {
		return otherApp, nil
	}
	a := r.own()
	p, err := r.g.find(ctx, a, r.names[1])
	if err != nil {
		return answer{}, err
	}
	found, err := r.g.history(ctx, a, p)
	if err != nil {
		return answer{}, err
	}
	return result(found)
}

// archiveConversation archives for the caller, or for the user that an administrator names.
func (r *request) archiveConversation(ctx context.Context) (answer, error) {
	a := r.own()
	if user := r.body.text("user_id"); user != "" && r.id.admin {
		a.User = user
	}
	if err := r.g.archive(ctx, a, r.names[0]); err != nil {
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
func (r *request) send(ctx context.Context) (fields, error) {
	for _, needed := range []struct{ field, missing string }{
		{"sender_fullname", "Sender Fullname is mandatory"},
		{"recipient_id", "Recipient id is mandatory"},
		{"recipient_fullname", "Recipient Fullname is mandatory"},
	} {
		if r.body.text(needed.field) == "" {
			return nil, refuse405(needed.missing)
		}
	}
	a := r.own()
	if sender := r.body.text("sender_id"); sender != "" && r.id.admin {
		a.User, a.Server = sender, true
	}
	to := r.body.text("recipient_id")
	if chat.CheckUser(to) != nil || chat.CheckUser(a.User) != nil {
		return nil, refuse405("The id of the sender or the recipient is none")
	}
	message := fields{}
	for name, value := range r.body {
		if name != "recipient_id" && name != "sender_id" {
			message[name] = value
		}
	}
	message.byDefault("channel_type", quoted(channelDirect))
	payload, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	return r.g.sendAs(ctx, a, to, payload)
}

func (r *request) takeInstance(context.Context) (answer, error) { return done, nil }

// notify would push to phones.
func (r *request) notify(context.Context) (answer, error) {
	if !r.id.admin {
		return answer{}, errDenied
	}
	return answer{http.StatusNotImplemented, object{"success": false, "err": "push is not served here"}}, nil
}

func (r *request) getInfo(context.Context) (answer, error) {
	return answer{http.StatusOK, object{"version": r.g.options.Version}}, nil
}

// verify shows what the token says.
func (r *request) verify(context.Context) (answer, error) {
	claims := object{}
	if err := r.g.options.Tokens.Foreign(r.token, &claims); err != nil {
		return unauthorized, nil
	}
	return answer{http.StatusOK, claims}, nil
}
