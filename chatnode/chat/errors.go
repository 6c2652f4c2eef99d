package chat

import (
	"context"
	"errors"
	"fmt"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// Kind is what sort of failure an Error is, for gateways to translate.
type Kind uint8

// The kinds of failure.
const (
	// Internal is a fault of ours.
	Internal Kind = iota
	// Invalid: the request can't be right.
	Invalid
	// Denied: the actor may not do that.
	Denied
	// NotFound: there is no such channel or message.
	NotFound
	// NoMethod: there is no such method.
	NoMethod
	// TooMany: the actor does this too often; later it may do it again.
	TooMany
	// Limit: there is as much of it as may be.
	Limit
	// Conflict: it is there already and says something else, or others are changing it.
	Conflict
	// Unavailable: the outcome is not known yet. The same request, with the same id, may be made again.
	Unavailable
)

// String is the kind's name in metrics.
func (k Kind) String() string {
	return [...]string{"internal", "invalid", "denied", "not_found", "no_method", "too_many", "limit", "conflict", "unavailable"}[k]
}

// Error is a failure with words for the actor.
type Error struct {
	Kind    Kind
	Message string
	cause   error
}

// Error gives the words.
func (e *Error) Error() string { return e.Message }

// Unwrap gives the cause, if there was one.
func (e *Error) Unwrap() error { return e.cause }

func failf(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// fromLog says in the domain's words what the log answered.
func fromLog(err error) error {
	e := &Error{Kind: Internal, Message: "internal error", cause: err}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, backbone.ErrBusy):
		e.Kind, e.Message = TooMany, "too many messages are waiting; slow down"
	case errors.Is(err, backbone.ErrStaleID):
		e.Kind, e.Message = Invalid, "the id is more than 24 hours old; make a new one"
	case errors.Is(err, backbone.ErrUnavailable), errors.Is(err, backbone.ErrClosed), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, context.Canceled):
		e.Kind, e.Message = Unavailable, "not acknowledged yet; retry with the same id"
	}
	return e
}
