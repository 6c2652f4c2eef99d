package mqtt

import (
	"errors"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// loginResult names a failed login in the metric.
func loginResult(err error) string {
	switch {
	case err == nil:
		return "accepted"
	case errors.Is(err, auth.ErrExpired):
		return "expired"
	case errors.Is(err, chat.ErrBanned), errors.Is(err, chat.ErrRevoked):
		return "revoked"
	case errors.Is(err, chat21.ErrClaims), errors.Is(err, auth.ErrClaims):
		return "claims"
	default:
		return "invalid"
	}
}

// refusalOf is the return code of CONNACK for a failed login.
func refusalOf(err error) byte {
	var failed *chat.Error
	switch {
	case errors.Is(err, auth.ErrUnavailable), errors.As(err, &failed) && failed.Kind == chat.Unavailable:
		return packet.RefusedUnavailable
	case errors.Is(err, chat.ErrBanned), errors.Is(err, chat.ErrRevoked):
		return packet.RefusedUnauthorized
	default:
		return packet.RefusedCredentials
	}
}
