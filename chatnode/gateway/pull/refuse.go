package pull

import (
	"context"
	"errors"
	"net/http"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
)

// statuses are those of the kinds of failure, in dialects that tell them apart.
var statuses = map[chat.Kind]int{
	chat.Invalid: http.StatusBadRequest, chat.Denied: http.StatusForbidden, chat.NotFound: http.StatusNotFound,
	chat.TooMany: http.StatusTooManyRequests, chat.Limit: http.StatusForbidden, chat.Conflict: http.StatusConflict,
	chat.Unavailable: http.StatusServiceUnavailable,
}

// What stands before the words of a failure of a server behind the server, as it refused something, and as it wasn't reached.
const (
	remoteRefused = "remote or network error[remote]: biz error: "
	remoteFailed  = "remote or network error: "
)

// refusal puts an error into the dialect's words. Faults of ours are logged, and not told.
func (g *Gateway) refusal(name string, err error) reply {
	kind, words := classify(err)
	g.metrics.refused.WithLabelValues(kind.String()).Inc()
	if kind == chat.Internal {
		g.options.Logger.Error("a request failed", "call", name, "error", err)
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return reply{http.StatusRequestEntityTooLarge, plain, []byte("Request Entity Too Large")}
	case isUnread(err):
		return reply{http.StatusBadRequest, plain, []byte("Failed to parse request body: " + err.Error())}
	case !g.manner.remote:
		status, ok := statuses[kind]
		if !ok {
			status = http.StatusInternalServerError
		}
		return reply{status, plain, []byte(words)}
	case kind == chat.Invalid || kind == chat.Denied || kind == chat.NotFound || kind == chat.Limit:
		return reply{http.StatusInternalServerError, plain, []byte(remoteRefused + words)}
	}
	return reply{http.StatusInternalServerError, plain, []byte(remoteFailed + words)}
}

// notYet: a request has no id by which a second attempt would be recognised.
const notYet = "not acknowledged in time; the message may be stored nevertheless, and would be there twice if it is sent again"

// classify gives the kind of an error and words for the client.
func classify(err error) (chat.Kind, string) {
	var failed *chat.Error
	var wrong wrongChat
	var stranger wrongSender
	switch {
	case errors.As(err, &wrong), errors.As(err, &stranger), isUnread(err):
		return chat.Invalid, err.Error()
	case errors.Is(err, conn.ErrBusy):
		return chat.TooMany, err.Error()
	case errors.As(err, &failed) && failed.Kind == chat.Unavailable:
		return chat.Unavailable, notYet
	case errors.As(err, &failed):
		return failed.Kind, failed.Message
	case errors.Is(err, backbone.ErrUnavailable), errors.Is(err, backbone.ErrClosed),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return chat.Unavailable, "the messages can't be read at the moment; try again"
	}
	return chat.Internal, "internal error"
}

// isUnread says whether a request couldn't be read.
func isUnread(err error) bool {
	var broken unread
	return errors.As(err, &broken) || errors.Is(err, conn.ErrBody)
}
