package centrifuge

import (
	"context"
	"errors"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// errorOf is what a client is told of an error. known is false if it is a fault that only an operator understands.
func errorOf(err error) (answer *protocol.Error, known bool) {
	var told *protocol.Error
	var failed *chat.Error
	switch {
	case errors.As(err, &told):
		return told, true
	case errors.As(err, &failed):
		return errorOfChat(failed)
	case errors.Is(err, backbone.ErrBusy):
		return protocol.ErrorTooManyRequests, true
	case errors.Is(err, backbone.ErrUnavailable), errors.Is(err, backbone.ErrClosed), errors.Is(err, fanout.ErrClosed),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, auth.ErrUnavailable):
		return protocol.ErrorInternal.WithMessage("not available at the moment; try again"), true
	default:
		return protocol.ErrorInternal, false
	}
}

func errorOfChat(failed *chat.Error) (*protocol.Error, bool) {
	switch failed.Kind {
	case chat.Invalid:
		return protocol.ErrorBadRequest.WithMessage(failed.Message), true
	case chat.Denied:
		return protocol.ErrorPermissionDenied.WithMessage(failed.Message), true
	case chat.NotFound:
		return protocol.ErrorUnknownChannel.WithMessage(failed.Message), true
	case chat.NoMethod:
		return protocol.ErrorMethodNotFound.WithMessage(failed.Message), true
	case chat.TooMany:
		return protocol.ErrorTooManyRequests.WithMessage(failed.Message), true
	case chat.Limit:
		return protocol.ErrorLimitExceeded.WithMessage(failed.Message), true
	case chat.Conflict:
		return protocol.ErrorBadRequest.WithMessage(failed.Message), true
	case chat.Unavailable:
		return protocol.ErrorInternal.WithMessage(failed.Message), true
	default:
		return protocol.ErrorInternal, false
	}
}
