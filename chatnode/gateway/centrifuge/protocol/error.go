package protocol

import "fmt"

// Error is the answer to a command that failed; the connection goes on.
type Error struct {
	Code      uint32 `json:"code" pb:"1"`
	Message   string `json:"message" pb:"2"`
	Temporary bool   `json:"temporary,omitempty" pb:"3"` // the client may try the same again
}

// Error makes an answer usable as a Go error.
func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

// WithMessage returns a copy of e with another message.
func (e *Error) WithMessage(message string) *Error {
	return &Error{Code: e.Code, Message: message, Temporary: e.Temporary}
}

// Is makes errors.Is compare by code, so that a copy with another message is still the same error.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// The errors of the protocol. They are shared: use WithMessage instead of changing one.
var (
	ErrorInternal              = &Error{Code: 100, Message: "internal server error", Temporary: true}
	ErrorUnauthorized          = &Error{Code: 101, Message: "unauthorized"}
	ErrorUnknownChannel        = &Error{Code: 102, Message: "unknown channel"}
	ErrorPermissionDenied      = &Error{Code: 103, Message: "permission denied"}
	ErrorMethodNotFound        = &Error{Code: 104, Message: "method not found"}
	ErrorAlreadySubscribed     = &Error{Code: 105, Message: "already subscribed"}
	ErrorLimitExceeded         = &Error{Code: 106, Message: "limit exceeded"}
	ErrorBadRequest            = &Error{Code: 107, Message: "bad request"}
	ErrorNotAvailable          = &Error{Code: 108, Message: "not available"}
	ErrorTokenExpired          = &Error{Code: 109, Message: "token expired"}
	ErrorExpired               = &Error{Code: 110, Message: "expired"}
	ErrorTooManyRequests       = &Error{Code: 111, Message: "too many requests", Temporary: true}
	ErrorUnrecoverablePosition = &Error{Code: 112, Message: "unrecoverable position"}
)
