package chat

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/chatfleet/chatfleet/chatnode/chat/chattest"
)

// calling calls the service's methods by their names.
func calling(s *Service) chattest.Caller {
	return func(ctx context.Context, user, method string, request proto.Message) (proto.Message, error) {
		a := someone(user)
		if user == "" {
			a = theServer
		}
		m := reflect.ValueOf(s).MethodByName(method)
		if !m.IsValid() {
			return nil, fmt.Errorf("there is no method %s", method)
		}
		out := m.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(a), reflect.ValueOf(request)})
		if err, failed := out[1].Interface().(error); failed {
			var known *Error
			if errors.As(err, &known) && known.Kind == Denied {
				err = fmt.Errorf("%w: %w", chattest.ErrDenied, err)
			} else if errors.As(err, &known) && known.Kind == Invalid {
				err = fmt.Errorf("%w: %w", chattest.ErrInvalid, err)
			}
			return nil, err
		}
		return out[0].Interface().(proto.Message), nil
	}
}

func TestWhoMayCallWhichMethodInWhichRoom(t *testing.T) {
	s, _ := start(t, noLimits)
	cases := chattest.Cases(true)
	if testing.Short() {
		every := cases
		cases = nil
		for i := 0; i < len(every); i += 7 { // of each method some kinds and places
			cases = append(cases, every[i])
		}
	}
	err := inParallel(t.Context(), len(cases), func(ctx context.Context, i int) error {
		if err := cases[i].Run(ctx, calling(s), calling(s)); err != nil {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cases", len(cases))
}
