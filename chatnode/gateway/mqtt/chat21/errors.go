package chat21

import (
	"context"
	"errors"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// Why names a failure in metrics.
func Why(err error) string {
	var failed *chat.Error
	switch {
	case errors.As(err, &failed):
		return failed.Kind.String()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "unavailable"
	default:
		return "invalid"
	}
}

// Temporary says whether the same may succeed later.
func Temporary(err error) bool {
	why := Why(err)
	return err != nil && (why == "unavailable" || why == "too_many" || why == "conflict")
}

// IsForbidden says whether an error means that the user may not.
func IsForbidden(err error) bool {
	var failed *chat.Error
	return errors.As(err, &failed) && (failed.Kind == chat.Denied || failed.Kind == chat.NotFound || failed.Kind == chat.Invalid)
}

// IsNotFound says whether an error means that there is no such thing.
func IsNotFound(err error) bool { return isOf(err, chat.NotFound) }

// IsDenied says whether an error means that the user lacks the right.
func IsDenied(err error) bool { return isOf(err, chat.Denied) }

func isOf(err error, kind chat.Kind) bool {
	var failed *chat.Error
	return errors.As(err, &failed) && failed.Kind == kind
}

func unavailable(err error) error {
	if errors.Is(err, backbone.ErrUnavailable) || errors.Is(err, backbone.ErrBusy) || errors.Is(err, backbone.ErrClosed) {
		return &chat.Error{Kind: chat.Unavailable, Message: "the log can't be reached; try again"}
	}
	return err
}
