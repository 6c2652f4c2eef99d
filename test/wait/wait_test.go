package wait

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestUntilAsksAgainUntilTheConditionHolds(t *testing.T) {
	asked := 0
	err := Until(t.Context(), time.Microsecond, func(context.Context) error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || asked != 3 {
		t.Fatalf("asked %d times: %v", asked, err)
	}
}

func TestEventuallyEndsWhenNothingIsMissing(t *testing.T) {
	missing := []string{"two", "one", ""}
	Eventually(t, time.Minute, "everything", func() string {
		what := missing[0]
		missing = missing[1:]
		return what
	})
	if len(missing) != 0 {
		t.Fatalf("did not wait for %q", missing)
	}
}

func TestUntilSaysWhatWasMissingLast(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	missing := errors.New("the third server")
	err := Until(ctx, time.Hour, func(context.Context) error { return missing })
	if !errors.Is(err, missing) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the third server") {
		t.Fatal(err)
	}
}
