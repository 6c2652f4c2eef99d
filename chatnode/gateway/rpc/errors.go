package rpc

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// answers are the code and the reason for each kind of failure. Each has a code of its own, for callers that look at nothing else.
var answers = map[chat.Kind]struct {
	code   connect.Code
	reason string
}{
	chat.Internal:    {connect.CodeInternal, "internal"},
	chat.Invalid:     {connect.CodeInvalidArgument, "invalid"},
	chat.Denied:      {connect.CodePermissionDenied, "denied"},
	chat.NotFound:    {connect.CodeNotFound, "not_found"},
	chat.NoMethod:    {connect.CodeUnimplemented, "no_method"},
	chat.TooMany:     {connect.CodeResourceExhausted, "too_many"},
	chat.Limit:       {connect.CodeFailedPrecondition, "limit"},
	chat.Conflict:    {connect.CodeAborted, "conflict"},
	chat.Unavailable: {connect.CodeUnavailable, "unavailable"},
}

// refusal is an error with its reason, and words for whoever made the request.
func refusal(code connect.Code, reason, words string) *connect.Error {
	err := connect.NewError(code, errors.New(words))
	if detail, e := connect.NewErrorDetail(&chatv1.Refusal{Reason: reason}); e == nil {
		err.AddDetail(detail)
	}
	return err
}

// failure is what the caller is told of an error of chat. known is false if only an operator understands it.
func failure(err error) (told *connect.Error, known bool) {
	kind, words := chat.Internal, "internal error"
	var failed *chat.Error
	switch {
	case errors.As(err, &failed):
		kind, words = failed.Kind, failed.Message
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		kind, words = chat.Unavailable, "not done in time; make the same request again"
	}
	answer, ok := answers[kind]
	if !ok {
		answer = answers[chat.Internal]
	}
	told = refusal(answer.code, answer.reason, words)
	if kind == chat.TooMany {
		told.Meta().Set(retryHeader, "1")
	}
	return told, ok && kind != chat.Internal
}

// Refusals of what is no call.
var (
	tooManyAtOnce = tooMany(1, "this node answers as many requests at once as it may")
	notACall      = refusal(connect.CodeInvalidArgument, "invalid",
		"a call is a POST with Content-Type: application/json, application/proto, application/grpc or application/grpc-web")
)

func noMethod(path string) *connect.Error {
	return refusal(connect.CodeUnimplemented, "no_method", fmt.Sprintf("there is no method at %s; /openapi.json lists what there is", path))
}

// unauthenticated says what is wrong with what the caller shows.
func unauthenticated(words string) *connect.Error {
	return refusal(connect.CodeUnauthenticated, "unauthenticated", words)
}

// badToken says what is wrong with a token.
func badToken(err error) *connect.Error {
	switch {
	case errors.Is(err, auth.ErrUnavailable):
		return refusal(connect.CodeUnavailable, "unavailable", "tokens can't be verified at the moment; try again")
	case errors.Is(err, auth.ErrExpired):
		return refusal(connect.CodeUnauthenticated, "expired", "the token is expired; get a new one")
	}
	return unauthenticated(err.Error())
}
