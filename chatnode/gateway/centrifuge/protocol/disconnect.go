package protocol

import "fmt"

// Disconnect is why the server closes a connection: the code and reason of the WebSocket close frame,
// or of a DisconnectPush on the other transports.
type Disconnect struct {
	Code   uint32
	Reason string // at most 123 bytes fit in a close frame
}

// Error makes a disconnect usable as a Go error.
func (d Disconnect) Error() string { return fmt.Sprintf("disconnect %d: %s", d.Code, d.Reason) }

// Reconnect tells whether a client comes back after this code: 3000–3499 and 4000–4499.
func (d Disconnect) Reconnect() bool {
	return d.Code >= 3000 && d.Code < 3500 || d.Code >= 4000 && d.Code < 4500
}

// Reply returns the push that tells a client on a transport without close codes.
func (d Disconnect) Reply() *Reply {
	return &Reply{Push: &Push{Disconnect: &DisconnectPush{Code: d.Code, Reason: d.Reason, Reconnect: d.Reconnect()}}}
}

// Disconnects after which the client reconnects.
var (
	DisconnectConnectionClosed    = Disconnect{3000, "connection closed"}
	DisconnectShutdown            = Disconnect{3001, "shutdown"}
	DisconnectInternal            = Disconnect{3004, "internal server error"}
	DisconnectExpired             = Disconnect{3005, "connection expired"}
	DisconnectSubscriptionExpired = Disconnect{3006, "subscription expired"}
	DisconnectSlow                = Disconnect{3008, "slow"}
	DisconnectWriteError          = Disconnect{3009, "write error"}
	DisconnectInsufficientState   = Disconnect{3010, "insufficient state"}
	DisconnectForceReconnect      = Disconnect{3011, "force reconnect"}
	DisconnectNoPong              = Disconnect{3012, "no pong"}
	DisconnectTooManyRequests     = Disconnect{3013, "too many requests"}
)

// Disconnects after which the client stays away.
var (
	DisconnectInvalidToken     = Disconnect{3500, "invalid token"}
	DisconnectBadRequest       = Disconnect{3501, "bad request"}
	DisconnectStale            = Disconnect{3502, "stale"}
	DisconnectForceNoReconnect = Disconnect{3503, "force disconnect"}
	DisconnectConnectionLimit  = Disconnect{3504, "connection limit"}
	DisconnectChannelLimit     = Disconnect{3505, "channel limit"}
	DisconnectPermissionDenied = Disconnect{3507, "permission denied"}
	DisconnectNotAvailable     = Disconnect{3508, "not available"}
	DisconnectTooManyErrors    = Disconnect{3509, "too many errors"}
)

// Unsubscribe is why the server ends a subscription.
type Unsubscribe struct {
	Code   uint32
	Reason string
}

// Reply returns the push that tells the client.
func (u Unsubscribe) Reply(channel string) *Reply {
	return &Reply{Push: &Push{Channel: channel, Unsubscribe: &UnsubscribePush{Code: u.Code, Reason: u.Reason}}}
}

var (
	// UnsubscribeServer ends a subscription for good.
	UnsubscribeServer = Unsubscribe{2000, "server unsubscribe"}
	// UnsubscribePermission ends a subscription that its user may not have any more.
	UnsubscribePermission = Unsubscribe{2000, "permission denied"}
	// UnsubscribeInsufficient makes the client subscribe again from its position.
	UnsubscribeInsufficient = Unsubscribe{2500, "insufficient state"}
	// UnsubscribeExpired says that the subscription token was not refreshed in time.
	UnsubscribeExpired = Unsubscribe{2501, "expired"}
)
